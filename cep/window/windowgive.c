/* SPDX-License-Identifier: Apache-2.0
 *
 * The first result of a window is a match, later ones are its updates, with the next revision; when HAVING holds no more,
 * one update says that what was told is withdrawn. */
#include "cep/output.h"
#include "cep/window/windowrun.h"
#include <string.h>

/* Keys, then window_start, window_end, window_time, then aggregates. */
static void fill_slots(struct window *w, const struct windowrun_result *v)
{
    const struct windowprog *p = w->p;
    const evtime bounds[3] = {v->start, v->end, v->end - (v->end != EVTIME_MIN)};
    struct value *to = w->slots;
    keyed_values(w->k, v->key, to);
    to += p->plan->key.n;
    for (unsigned i = 0; i < 3; i++)
        *to++ = (struct value){.type = {.kind = TYPE_TIMESTAMP},
                               .null = v->end == EVTIME_MIN,
                               .c.i = v->end == EVTIME_MIN ? 0 : bounds[i]};
    for (unsigned i = 0; v->acc != NULL && i < p->naggs; i++, to++) {
        *to = (struct value){.type = p->aggs[i].agg.type};
        to->null = !agg_result(&p->aggs[i].agg, &v->acc[p->aggs[i].at], w->k->scratch, &to->c);
    }
}

static void show(struct window *w, const struct windowrun_result *v)
{
    fill_slots(w, v);
    w->each(w->each_ctx, &(struct window_asked){v->start, v->end, v->time, w->slots});
}

static void set_row(struct window *w, struct result *r, const struct place *at, evtime ts)
{
    struct result_row *row = arena_alloc(w->k->emit->arena, sizeof *row);
    *row = (struct result_row){-1, *at, ts};
    r->nrows = 1;
    r->rows = row;
}

static struct result *begin(struct window *w, const struct windowrun_result *v,
                            enum result_kind kind)
{
    const uint8_t *key = v->key->bytes;
    if (v->split_n > 0) {
        uint8_t *both = arena_alloc(w->k->scratch, v->key->len + v->split_n);
        if (v->key->len > 0)
            memcpy(both, key, v->key->len);
        memcpy(both + v->key->len, v->split, v->split_n);
        key = both;
    }
    struct result *r =
        keyed_result_of(w->k, &w->rule, key, v->key->len + v->split_n, kind, v->time);
    if (r == NULL)
        return NULL;
    r->time = v->time;
    r->window_start = v->start;
    r->window_end = v->end;
    r->nvalues = w->p->output.n;
    return r;
}

struct windowrun_given windowgive(struct window *w, const struct windowrun_result *v)
{
    const struct windowprog *p = w->p;
    struct windowrun_given given = {false, false};
    struct windowrun_told *told = v->told;
    bool was = told != NULL && told->results > 0;
    if (w->each != NULL)
        show(w, v);
    if (!windowprog_may_hold(p, v->acc) && (!was || told->retracted))
        return given;
    fill_slots(w, v);
    given.holds = p->having == NULL || output_holds(p->having, w->slots, w->k->scratch);
    if (!given.holds && (!was || told->retracted))
        return given;
    struct result *r = begin(w, v, was ? RESULT_UPDATE : RESULT_MATCH);
    if (r == NULL)
        return given;
    r->values = output_of_slots(&p->output, w->slots, w->k->emit);
    r->retracted = !given.holds;
    if (v->origin != NULL)
        set_row(w, r, v->origin, v->origin_ts);
    if (v->nreplaces > 0) {
        r->nreplaces = v->nreplaces;
        r->replaces =
            (const uint8_t(*)[RESULT_ID_BYTES])arena_dup(w->k->emit->arena, v->replaces,
                                                         v->nreplaces * sizeof *v->replaces);
    }
    if (told != NULL) {
        r->revision = told->results++;
        told->retracted = !given.holds;
    }
    emit_done(r);
    given.told = true;
    return given;
}

void windowgive_row(struct window *w, const struct windowrun_result *v, const struct kept *row)
{
    const struct place at = {schema_place(w->k->schema), row->row.partition, row->row.offset};
    fill_slots(w, v);
    if (w->each != NULL)
        show(w, v);
    struct result *r = begin(w, v, RESULT_MATCH);
    if (r == NULL)
        return;
    r->values = output_of_kept(&w->p->output, &row->row, &w->k->layout, w->slots, w->k->emit);
    set_row(w, r, &at, row->row.ts);
    emit_done(r);
}
