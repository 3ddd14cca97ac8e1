/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/over/overprog.h"
#include "base/mem.h"

static bool is_extreme(enum agg_kind k)
{
    return k == AGG_MIN || k == AGG_MAX;
}

static bool is_edge(enum agg_kind k)
{
    return k == AGG_FIRST || k == AGG_LAST;
}

static bool is_text_of_rows(enum agg_kind k)
{
    return k == AGG_TOP || k == AGG_LIST_AGG;
}

/* Upper bounds, for the caps. */
static unsigned state_words(const struct over_call *c)
{
    struct agg a;
    if (c->kind != OVER_AGG)
        return 1;
    agg_init(&a, &c->agg);
    return 6 + a.size / 8;
}

enum err overprog_supported(const struct rule_plan *p, struct diag *d)
{
    const struct over_plan *o = &p->over;
    size_t words = 0;
    for (unsigned i = 0; i < o->ncalls; i++)
        words += state_words(&o->calls[i]);
    if (o->ncalls <= OVERPROG_INPUTS_MAX / 2 && words <= OVERPROG_WORDS_MAX)
        return ERR_OK;
    if (d != NULL)
        diag_error(d, "limit", (struct span){0}, "split the rule",
                   "a rule has at most %d different calls with OVER", OVERPROG_INPUTS_MAX / 2);
    return ERR_LIMIT;
}

/* --- parts --- */

static bool same(const struct expr *a, const struct expr *b)
{
    return a == b || (a != NULL && b != NULL && expr_same(a, b));
}

static int input_of(struct overprog *p, const struct expr *e, const struct expr *condition)
{
    for (unsigned i = 0; i < p->ninputs; i++)
        if (same(p->inputs[i].e, e) && same(p->inputs[i].condition, condition))
            return (int)i;
    struct overprog_input *in = &p->inputs[p->ninputs];
    *in = (struct overprog_input){.e = e, .condition = condition, .column = -1};
    if (e != NULL) {
        in->type = e->type;
        in->text = e->type.kind == TYPE_STRING;
        p->texts |= in->text;
        if (e->kind == EXPR_COLUMN)
            in->column = (int)e->index;
        else
            in->arg = exprvm_new(e, NULL);
    }
    if (condition != NULL)
        in->filter = exprvm_new(condition, NULL);
    return (int)p->ninputs++;
}

static unsigned frame_of(struct overprog *p, const struct over_frame *f)
{
    for (unsigned i = 0; i < p->nframes; i++)
        if (p->frames[i].f.rows == f->rows && p->frames[i].f.preceding == f->preceding)
            return i;
    p->frames[p->nframes] = (struct overprog_frame){.f = *f, .passive = true, .start = p->nframes};
    return p->nframes++;
}

static enum overprog_way way_of(const struct overprog_call *c, const struct over_frame *f)
{
    const struct agg_call *a = &c->c->agg;
    bool all = f->preceding < 0;
    if (is_edge(a->kind)) {
        if (c->gate < 0 && (!all || a->kind == AGG_LAST))
            return OVERPROG_EDGE;
        return all ? OVERPROG_BEST : OVERPROG_QUEUE;
    }
    if (is_extreme(a->kind))
        return all ? OVERPROG_BEST : OVERPROG_QUEUE;
    if (a->kind == AGG_COUNT_STAR && a->filter == NULL)
        return OVERPROG_ROWS;
    if (is_text_of_rows(a->kind))
        return all ? OVERPROG_SUM : OVERPROG_SCAN;
    if (a->distinct && a->kind != AGG_COUNT_STAR)
        return OVERPROG_SET;
    return all || agg_can_retract(&c->agg) ? OVERPROG_SUM : OVERPROG_SUFFIX;
}

static void add_agg(struct overprog *p, struct overprog_call *c)
{
    struct agg_call plain = c->c->agg;
    plain.distinct &= is_text_of_rows(plain.kind);
    agg_init(&c->agg, &plain);
    c->frame = frame_of(p, &c->c->frame);
    if (is_edge(plain.kind)) {
        c->input = input_of(p, plain.arg, NULL);
        if (plain.filter != NULL)
            c->gate = input_of(p, NULL, plain.filter);
    } else if (plain.arg != NULL || plain.filter != NULL) {
        c->input = input_of(p, plain.arg, plain.filter);
    }
    c->way = way_of(c, &c->c->frame);
    p->frames[c->frame].passive &=
        c->way == OVERPROG_ROWS || c->way == OVERPROG_EDGE || c->way == OVERPROG_SCAN;
}

static void add_call(struct overprog *p, const struct over_call *call)
{
    struct overprog_call *c = &p->calls[p->ncalls++];
    *c = (struct overprog_call){.c = call, .input = -1, .gate = -1};
    switch (call->kind) {
    case OVER_ROW_NUMBER:
        c->way = OVERPROG_NUMBER;
        break;
    case OVER_LAG:
        c->way = OVERPROG_LAG;
        c->input = input_of(p, call->agg.arg, NULL);
        p->lag = call->offset > p->lag ? call->offset : p->lag;
        if (call->fallback != NULL)
            c->fallback = exprvm_new(call->fallback, NULL);
        break;
    default:
        add_agg(p, c);
    }
}

/* --- where things lie --- */

static unsigned acc_words(const struct overprog_call *c)
{
    switch (c->way) {
    case OVERPROG_SUM:
        return c->agg.size / 8;
    case OVERPROG_SUFFIX:
        return 1 + c->agg.size / 8;
    case OVERPROG_QUEUE:
        return 3;
    case OVERPROG_BEST:
        return 2;
    case OVERPROG_SET:
        return 2 + c->agg.size / 8;
    default:
        return 0;
    }
}

static void lay_out(struct overprog *p)
{
    p->words = p->nframes;
    p->entry = p->ninputs > 0 ? 2 : 1;
    for (unsigned i = 0; i < p->ninputs; i++)
        if (p->inputs[i].e != NULL)
            p->inputs[i].at = p->entry++;
    for (unsigned i = 0; i < p->ncalls; i++) {
        struct overprog_call *c = &p->calls[i];
        c->acc = p->words;
        p->words += acc_words(c);
        c->suffix = p->entry;
        if (c->way == OVERPROG_SUFFIX)
            p->entry += c->agg.size / 8;
    }
}

/* Only frames of time let go of all rows of a key by themselves. */
static int64_t idle_of(const struct overprog *p)
{
    int64_t idle = 0;
    for (unsigned i = 0; i < p->ncalls; i++)
        if (p->calls[i].way == OVERPROG_LAG || p->calls[i].way == OVERPROG_NUMBER)
            return -1;
    for (unsigned i = 0; i < p->nframes; i++) {
        const struct over_frame *f = &p->frames[i].f;
        if (f->rows || f->preceding < 0)
            return -1;
        idle = f->preceding > idle ? f->preceding : idle;
    }
    return idle;
}

struct overprog *overprog_new(const struct rule_plan *plan)
{
    const struct over_plan *o = &plan->over;
    struct overprog *p = mem_new(sizeof *p);
    p->plan = plan;
    p->inputs = mem_array(2 * (size_t)o->ncalls, sizeof *p->inputs);
    p->frames = mem_array(o->ncalls, sizeof *p->frames);
    p->calls = mem_array(o->ncalls, sizeof *p->calls);
    for (unsigned i = 0; i < o->ncalls; i++)
        add_call(p, &o->calls[i]);
    for (unsigned i = 0; i < p->nframes; i++)
        p->ranges |= !p->frames[i].f.rows;
    lay_out(p);
    p->idle_ms = idle_of(p);
    if (o->having != NULL)
        p->having = exprvm_new(o->having, NULL);
    output_init(&p->output, plan->outputs, plan->noutputs);
    return p;
}

void overprog_free(struct overprog *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->ninputs; i++) {
        exprvm_free(p->inputs[i].arg);
        exprvm_free(p->inputs[i].filter);
    }
    for (unsigned i = 0; i < p->ncalls; i++)
        exprvm_free(p->calls[i].fallback);
    mem_free(p->inputs);
    mem_free(p->frames);
    mem_free(p->calls);
    exprvm_free(p->having);
    output_fini(&p->output);
    mem_free(p);
}
