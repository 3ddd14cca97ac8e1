/* SPDX-License-Identifier: Apache-2.0
 *
 * Most windows fail HAVING, so its conjuncts `COUNT or whole SUM cmp constant` are tested on the merged numbers before
 * anything else is made. One of them that can only grow while rows come tells even which keys need no visit. */
#include "cep/window/windowprog.h"
#include "base/mem.h"
#include <string.h>

enum { SLIDES_MAX = 1 << 16 };

enum err windowprog_supported(const struct rule_plan *p, struct diag *d)
{
    const struct window_plan *w = &p->window;
    size_t words = 0;
    for (unsigned i = 0; i < w->naggs; i++) {
        struct agg a;
        agg_init(&a, &w->aggs[i]);
        words += a.size / 8;
    }
    if (words <= WINDOWPROG_WORDS_MAX)
        return ERR_OK;
    if (d != NULL)
        diag_error(d, "too-many-aggregates", (struct span){0}, "split the rule",
                   "the rule has more aggregates than this release can keep for one window");
    return ERR_LIMIT;
}

static bool is_timed(const struct window_plan *w)
{
    return w->kind == WINDOW_TUMBLE || w->kind == WINDOW_HOP || w->kind == WINDOW_CUMULATE;
}

bool windowprog_by_arrival(const struct rule_plan *p)
{
    const struct window_plan *w = &p->window;
    return p->shape == RULE_WINDOW &&
           (w->kind == WINDOW_COUNT_TUMBLE || w->kind == WINDOW_COUNT_HOP ||
            (w->kind == WINDOW_GLOBAL && w->trigger != TRIGGER_PUNCTUATED) ||
            w->trigger == TRIGGER_COUNT || w->trigger == TRIGGER_PROCESSING_TIME);
}

bool windowprog_by_mark(const struct rule_plan *p)
{
    return p->shape == RULE_WINDOW && p->window.trigger == TRIGGER_PUNCTUATED;
}

/* --- HAVING --- */

/* A SLOT of an aggregate whose accumulator can be compared as a whole number. */
static bool is_quick(const struct windowprog *p, const struct expr *slot, const struct expr *limit,
                     unsigned *agg)
{
    unsigned before = p->plan->key.n + 3;
    if (slot->kind != EXPR_SLOT || limit->kind != EXPR_CONST || limit->constant.null ||
        slot->index < before || slot->index - before >= p->naggs ||
        slot->type.kind != limit->type.kind)
        return false;
    *agg = slot->index - before;
    const struct agg *a = &p->aggs[*agg].agg;
    if (a->distinct)
        return false;
    if (a->kind == AGG_COUNT_STAR || a->kind == AGG_COUNT)
        return slot->type.kind == TYPE_BIGINT;
    if (a->kind != AGG_SUM || a->arg.kind != a->type.kind)
        return false;
    return a->arg.kind == TYPE_BIGINT ||
           (a->arg.kind == TYPE_DECIMAL && a->arg.scale == a->type.scale &&
            limit->type.scale == a->type.scale);
}

static void find_quick(struct windowprog *p, const struct expr *e)
{
    static const enum expr_kind turned[] = {[EXPR_EQ] = EXPR_EQ,
                                            [EXPR_LT] = EXPR_GT,
                                            [EXPR_LE] = EXPR_GE,
                                            [EXPR_GT] = EXPR_LT,
                                            [EXPR_GE] = EXPR_LE};
    if (e->kind == EXPR_AND) {
        for (unsigned i = 0; i < e->nargs; i++)
            find_quick(p, e->args[i]);
        return;
    }
    if (p->nquick == WINDOWPROG_QUICK_MAX ||
        (e->kind != EXPR_EQ && e->kind != EXPR_LT && e->kind != EXPR_LE && e->kind != EXPR_GT &&
         e->kind != EXPR_GE))
        return;
    struct windowprog_quick *q = &p->quick[p->nquick];
    if (is_quick(p, e->args[0], e->args[1], &q->agg)) {
        q->cmp = e->kind;
        q->limit = e->args[1]->constant.c.i;
        p->nquick++;
    } else if (is_quick(p, e->args[1], e->args[0], &q->agg)) {
        q->cmp = turned[e->kind];
        q->limit = e->args[0]->constant.c.i;
        p->nquick++;
    }
}

static int find_bound(const struct windowprog *p)
{
    if (p->w->kind != WINDOW_HOP)
        return -1;
    for (unsigned i = 0; i < p->nquick; i++)
        if (p->quick[i].cmp == EXPR_GE || p->quick[i].cmp == EXPR_GT)
            return (int)i;
    return -1;
}

static bool reads_bounds(const struct windowprog *p, const struct expr *e)
{
    unsigned first = p->plan->key.n;
    if (e->kind == EXPR_SLOT && e->index >= first && e->index < first + 3)
        return true;
    if (e->kind == EXPR_IN_LIST) /* its items change */
        return true;
    for (unsigned i = 0; i < e->nargs; i++)
        if (reads_bounds(p, e->args[i]))
            return true;
    return false;
}

/* Two windows of a key that hold the same rows have the same answer from HAVING. */
static bool can_sleep(const struct windowprog *p)
{
    const struct window_plan *w = p->w;
    return p->by_panes && w->kind == WINDOW_HOP && w->lateness_ms == 0 &&
           w->size_ms > w->slide_ms && w->size_ms / w->slide_ms <= SLIDES_MAX &&
           w->having != NULL && !reads_bounds(p, w->having);
}

/* --- life --- */

static void init_panes(struct windowprog *p)
{
    const struct window_plan *w = p->w;
    if (!is_timed(w))
        return;
    if (w->kind == WINDOW_CUMULATE)
        windowpane_init_cumulate(&p->panes, w->size_ms, w->slide_ms, w->offset_ms);
    else
        windowpane_init(&p->panes, w->size_ms, w->kind == WINDOW_TUMBLE ? w->size_ms : w->slide_ms,
                        w->offset_ms);
    p->by_panes = w->trigger == TRIGGER_EVENT_TIME && w->evictor == EVICTOR_NONE && !w->purge;
}

static void init_aggs(struct windowprog *p)
{
    p->naggs = p->w->naggs;
    p->aggs = mem_array(p->naggs, sizeof *p->aggs);
    for (unsigned i = 0; i < p->naggs; i++) {
        const struct agg_call *c = &p->w->aggs[i];
        struct windowprog_agg *a = &p->aggs[i];
        agg_init(&a->agg, c);
        a->at = p->words;
        p->words += a->agg.size / 8;
        a->column = -1;
        if (c->arg != NULL && c->arg->kind == EXPR_COLUMN)
            a->column = (int)c->arg->index;
        else if (c->arg != NULL)
            a->arg = exprvm_new(c->arg, NULL);
        if (c->filter != NULL)
            a->filter = exprvm_new(c->filter, NULL);
        p->holds |= a->agg.holds;
    }
    p->count_only =
        p->naggs == 1 && p->aggs[0].agg.kind == AGG_COUNT_STAR && p->aggs[0].filter == NULL;
}

struct windowprog *windowprog_new(const struct rule_plan *plan)
{
    struct windowprog *p = mem_new(sizeof *p);
    p->plan = plan;
    p->w = &plan->window;
    init_panes(p);
    init_aggs(p);
    p->nslots = plan->key.n + 3 + p->naggs;
    p->keeps_rows = p->w->evictor != EVICTOR_NONE || p->w->each_row || p->w->split.n > 0;
    if (p->w->having != NULL) {
        p->having = exprvm_new(p->w->having, NULL);
        find_quick(p, p->w->having);
    }
    p->bound = find_bound(p);
    p->sleeps = can_sleep(p);
    if (p->w->gap != NULL)
        p->gap = exprvm_new(p->w->gap, NULL);
    output_init(&p->output, plan->outputs, plan->noutputs);
    return p;
}

bool windowprog_presums(const struct windowprog *p)
{
    if (!p->by_panes || p->w->two_phase == TWO_PHASE_NONE || p->plan->state_ttl_ms > 0)
        return false;
    for (unsigned i = 0; i < p->naggs; i++)
        if (!agg_groups_freely(&p->aggs[i].agg))
            return false;
    return true;
}

void windowprog_free(struct windowprog *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->naggs; i++) {
        exprvm_free(p->aggs[i].arg);
        exprvm_free(p->aggs[i].filter);
    }
    mem_free(p->aggs);
    exprvm_free(p->having);
    exprvm_free(p->gap);
    output_fini(&p->output);
    mem_free(p);
}

bool windowprog_is_closed(const struct windowprog *p, evtime ts, evtime w)
{
    if (!is_timed(p->w))
        return false;
    int64_t pane = windowpane_of(&p->panes, ts);
    if (!windowpane_in_window(&p->panes, pane))
        return ts + p->w->lateness_ms < w;
    evtime end = windowpane_end(&p->panes, windowpane_last_window(&p->panes, pane));
    return end + p->w->lateness_ms <= w;
}

/* --- accumulators --- */

static struct agglist_place place_of(struct rowref row)
{
    if (row.b != NULL)
        return (struct agglist_place){row.b->ts[row.i], row.b->partition, row.b->offset[row.i]};
    return (struct agglist_place){row.r->ts, row.r->partition, row.r->offset};
}

void windowprog_add(const struct windowprog *p, uint64_t *acc, struct rowref row,
                    const struct row_layout *layout, struct arena *scratch)
{
    if (p->count_only) {
        agg_count_one(acc);
        return;
    }
    const struct agglist_place place = place_of(row);
    for (unsigned i = 0; i < p->naggs; i++) {
        const struct windowprog_agg *a = &p->aggs[i];
        union cell v = {0};
        bool some = true;
        const struct exprvm_env env = {.current = row, .layout = layout, .scratch = scratch};
        if (a->filter != NULL && !(exprvm_eval(a->filter, &env, &v) && v.i != 0))
            continue;
        if (a->column >= 0)
            some = rowref_cell(row, layout, (unsigned)a->column, &v);
        else if (a->arg != NULL)
            some = exprvm_eval(a->arg, &env, &v);
        agg_add_at(&a->agg, &acc[a->at], v, !some, &place);
    }
}

void windowprog_merge_all(const struct windowprog *p, uint64_t *into, const uint64_t *from)
{
    for (unsigned a = 0; a < p->naggs; a++)
        agg_merge(&p->aggs[a].agg, &into[p->aggs[a].at], &from[p->aggs[a].at]);
}

void windowprog_clear(const struct windowprog *p, uint64_t *acc)
{
    for (unsigned i = 0; p->holds && i < p->naggs; i++)
        agg_clear(&p->aggs[i].agg, &acc[p->aggs[i].at]);
    memset(acc, 0, p->words * sizeof *acc);
}

__int128 windowprog_number(const struct windowprog *p, unsigned i, const uint64_t *acc)
{
    const struct windowprog_agg *a = &p->aggs[p->quick[i].agg];
    return agg_whole(&a->agg, &acc[a->at]);
}

bool windowprog_compares(const struct windowprog_quick *q, __int128 number)
{
    switch (q->cmp) {
    case EXPR_EQ:
        return number == q->limit;
    case EXPR_LT:
        return number < q->limit;
    case EXPR_LE:
        return number <= q->limit;
    case EXPR_GT:
        return number > q->limit;
    default:
        return number >= q->limit;
    }
}

bool windowprog_may_hold(const struct windowprog *p, const uint64_t *acc)
{
    for (unsigned i = 0; i < p->nquick; i++)
        if (!windowprog_compares(&p->quick[i], windowprog_number(p, i, acc)))
            return false;
    return true;
}
