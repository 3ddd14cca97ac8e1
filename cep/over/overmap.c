/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/over/overmap.h"
#include "base/mem.h"

struct maker {
    const struct overprog *from, *to;
    struct overmap *m;
    int *known; /* new input -> old, or NONE */
    int *had; /* new call -> old, or NONE */
};

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || expr_same(a, b));
}

static void map_inputs(struct maker *k)
{
    k->m->inputs = mem_array(k->from->ninputs, sizeof *k->m->inputs);
    for (unsigned n = 0; n < k->to->ninputs; n++)
        k->known[n] = OVERMAP_NONE;
    for (unsigned i = 0; i < k->from->ninputs; i++) {
        k->m->inputs[i] = OVERMAP_NONE;
        for (unsigned n = 0; n < k->to->ninputs; n++) {
            const struct overprog_input *a = &k->from->inputs[i], *b = &k->to->inputs[n];
            if (same_expr(a->e, b->e) && same_expr(a->condition, b->condition)) {
                k->m->inputs[i] = (int)n;
                k->known[n] = (int)i;
            }
        }
    }
}

/* loosely: all rows are the same rows, whether they are counted or timed. */
static bool same_call(const struct over_call *a, const struct over_call *b, bool loosely)
{
    if (a->kind != b->kind || a->offset != b->offset)
        return false;
    if (a->kind == OVER_ROW_NUMBER)
        return true;
    if (a->kind == OVER_LAG)
        return same_expr(a->agg.arg, b->agg.arg);
    return a->frame.preceding == b->frame.preceding &&
           (a->frame.rows == b->frame.rows || (loosely && a->frame.preceding < 0)) &&
           expr_same_agg(&a->agg, &b->agg);
}

static void map_calls(struct maker *k)
{
    k->m->calls = mem_array(k->from->ncalls, sizeof *k->m->calls);
    for (unsigned n = 0; n < k->to->ncalls; n++)
        k->had[n] = OVERMAP_NONE;
    for (unsigned i = 0; i < k->from->ncalls; i++)
        k->m->calls[i] = OVERMAP_NONE;
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < k->from->ncalls; i++)
            for (unsigned n = 0; n < k->to->ncalls && k->m->calls[i] == OVERMAP_NONE; n++)
                if (k->had[n] == OVERMAP_NONE &&
                    same_call(k->from->calls[i].c, k->to->calls[n].c, pass > 0)) {
                    k->m->calls[i] = (int)n;
                    k->had[n] = (int)i;
                }
}

/* --- what becomes of a call --- */

/* Rows before the next one of a key that are kept for sure. */
static int64_t rows_kept(const struct overprog *p)
{
    int64_t n = p->lag;
    for (unsigned i = 0; i < p->nframes; i++)
        if (p->frames[i].f.rows && p->frames[i].f.preceding > n)
            n = p->frames[i].f.preceding;
    return n;
}

static bool has_frame(const struct overprog *p, const struct over_frame *f)
{
    if (f->rows)
        return rows_kept(p) >= f->preceding;
    for (unsigned i = 0; i < p->nframes; i++)
        if (!p->frames[i].f.rows && p->frames[i].f.preceding >= f->preceding)
            return true;
    return false;
}

static bool reads_known(const struct maker *k, const struct overprog_call *c)
{
    return (c->input < 0 || k->known[c->input] >= 0) && (c->gate < 0 || k->known[c->gate] >= 0);
}

static enum overmap_fate fate_of(const struct maker *k, unsigned call)
{
    const struct overprog_call *c = &k->to->calls[call];
    const struct over_frame *f = &c->c->frame;
    bool counts = k->from->idle_ms < 0; /* it has numbered all rows of a key */
    bool whole = false;
    if (c->way == OVERPROG_EDGE && c->c->agg.kind == AGG_LAST)
        return OVERMAP_WHOLE; /* the current row */
    if (!reads_known(k, c))
        return OVERMAP_NEW;
    if (c->way == OVERPROG_NUMBER || (c->way == OVERPROG_ROWS && f->preceding < 0))
        whole = counts;
    else if (c->way == OVERPROG_LAG)
        whole = counts && rows_kept(k->from) >= c->c->offset;
    else if (f->preceding < 0)
        return k->had[call] >= 0 ? OVERMAP_WHOLE : OVERMAP_NEW;
    else
        whole = has_frame(k->from, f);
    return whole ? OVERMAP_WHOLE : OVERMAP_PART;
}

static bool is_in_place(const struct maker *k)
{
    bool same = k->from->ncalls == k->to->ncalls;
    for (unsigned i = 0; same && i < k->from->ncalls; i++)
        same = same_call(k->from->calls[i].c, k->to->calls[i].c, false);
    return same;
}

struct overmap *overmap_new(const struct overprog *from, const struct overprog *to)
{
    struct overmap *m = mem_new(sizeof *m);
    int known[OVERPROG_INPUTS_MAX], had[OVERPROG_INPUTS_MAX / 2];
    struct maker k = {from, to, m, known, had};
    bool any = false;
    m->from = from;
    m->forgets = from->idle_ms >= 0 && (to->idle_ms < 0 || to->idle_ms > from->idle_ms);
    m->fates = mem_array(to->ncalls, sizeof *m->fates);
    map_inputs(&k);
    map_calls(&k);
    for (unsigned i = 0; i < to->ncalls; i++) {
        m->fates[i] = fate_of(&k, i);
        any |= m->fates[i] != OVERMAP_NEW;
    }
    m->reset = any ? NULL : "its calls are others, and read what was not kept";
    m->in_place = any && is_in_place(&k);
    return m;
}

void overmap_free(struct overmap *m)
{
    if (m == NULL)
        return;
    mem_free(m->inputs);
    mem_free(m->calls);
    mem_free(m->fates);
    mem_free(m);
}
