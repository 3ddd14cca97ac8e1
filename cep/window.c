/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's state is a short list of panes, in order, each with its accumulators; only panes that a row fell into are there.
 * Keys with panes are in one vector. When a window ends the vector is gone through once: panes of the window are merged,
 * HAVING is asked, panes that no later window has are dropped, and a key without panes leaves. So a row is visited
 * size / slide times at most after it was added, and keys that are quiet cost nothing.
 *
 * Most windows fail HAVING, so its conjuncts `COUNT or whole SUM cmp constant` are tested on the merged numbers before
 * anything else is made.
 *
 * A late row that is still wanted by some window must not get into those that its own partition had closed when it came,
 * whether they have fired already or not: it goes into a pane of its own that says after which end it counts. */
#include "cep/window.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/agg.h"
#include "cep/cut.h"
#include "cep/output.h"
#include "cep/windowpane.h"
#include <string.h>

enum { PANES_FIRST = 2, QUICK_MAX = 4, ACC_WORDS_MAX = 256, AHEAD = 8 };

struct quick { /* agg cmp limit */
    unsigned agg;
    enum expr_kind cmp;
    int64_t limit;
};

struct window_agg {
    struct agg agg;
    unsigned at; /* word in a pane */
    int column; /* the argument, or -1 */
    struct exprvm *arg, *filter;
};

struct window_prog {
    const struct rule_plan *plan;
    const struct window_plan *w;
    struct windowpane panes;
    unsigned naggs, words; /* of a pane's accumulators */
    struct window_agg *aggs;
    bool holds; /* some accumulator holds memory */
    bool count_only; /* one aggregate: COUNT(*) of all rows */
    struct quick quick[QUICK_MAX];
    unsigned nquick;
    struct exprvm *having;
    struct output output;
    unsigned nslots;
};

struct pane {
    int64_t pane;
    evtime after; /* counts in windows whose end is after this */
    uint64_t acc[];
};

struct window_cell {
    struct keystate state;
    uint64_t *panes; /* `words` + 2 each */
    uint32_t at; /* in the vector of active cells */
    uint16_t n, cap;
};

struct window {
    struct keyed *k;
    struct keyed_rule rule;
    const struct window_prog *p;
    bool ready;
    struct slab cells;
    struct slabs memory; /* of panes */
    struct window_cell **active;
    size_t nactive, active_cap;
    evtime next; /* end of the window that fires next */
    evtime fired; /* every window with an end up to here has fired */
    struct value *slots;
    uint64_t sum[ACC_WORDS_MAX];
};

/* --- the program --- */

enum err window_supported(const struct rule_plan *p, struct diag *d)
{
    static const char *const names[] = {"TUMBLE",       "HOP",       "CUMULATE", "SESSION",
                                        "COUNT_TUMBLE", "COUNT_HOP", "GLOBAL"};
    const struct window_plan *w = &p->window;
    const char *what = NULL;
    if (w->kind != WINDOW_TUMBLE && w->kind != WINDOW_HOP)
        what = names[w->kind];
    else if (w->lateness_ms > 0)
        what = "'allowed-lateness'";
    for (unsigned i = 0; i < p->noptions; i++)
        if (strcmp(p->options[i].name, "trigger") == 0 ||
            strcmp(p->options[i].name, "evictor") == 0 || strcmp(p->options[i].name, "purge") == 0)
            what = p->options[i].name;
    if (what != NULL) {
        if (d != NULL)
            diag_error(d, "unsupported", (struct span){0}, "use TUMBLE or HOP",
                       "%s is not done by this release", what);
        return ERR_UNSUPPORTED;
    }
    size_t words = 0;
    for (unsigned i = 0; i < w->naggs; i++) {
        struct agg a;
        agg_init(&a, &w->aggs[i]);
        words += a.size / 8;
    }
    if (words <= ACC_WORDS_MAX)
        return ERR_OK;
    if (d != NULL)
        diag_error(d, "too-many-aggregates", (struct span){0}, "split the rule",
                   "the rule has more aggregates than this release can keep for one window");
    return ERR_LIMIT;
}

/* A SLOT of an aggregate whose accumulator can be compared as a whole number. */
static bool is_quick(const struct window_prog *p, const struct expr *slot, const struct expr *limit,
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

static void find_quick(struct window_prog *p, const struct expr *e)
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
    if (p->nquick == QUICK_MAX || (e->kind != EXPR_EQ && e->kind != EXPR_LT && e->kind != EXPR_LE &&
                                   e->kind != EXPR_GT && e->kind != EXPR_GE))
        return;
    struct quick *q = &p->quick[p->nquick];
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

struct window_prog *window_prog_new(const struct rule_plan *plan)
{
    struct window_prog *p = mem_new(sizeof *p);
    p->plan = plan;
    p->w = &plan->window;
    bool tumble = p->w->kind == WINDOW_TUMBLE;
    windowpane_init(&p->panes, p->w->size_ms, tumble ? p->w->size_ms : p->w->slide_ms,
                    p->w->offset_ms);
    p->naggs = p->w->naggs;
    p->aggs = mem_array(p->naggs, sizeof *p->aggs);
    for (unsigned i = 0; i < p->naggs; i++) {
        const struct agg_call *c = &p->w->aggs[i];
        struct window_agg *a = &p->aggs[i];
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
    p->nslots = plan->key.n + 3 + p->naggs;
    if (p->w->having != NULL) {
        p->having = exprvm_new(p->w->having, NULL);
        find_quick(p, p->w->having);
    }
    output_init(&p->output, plan->outputs, plan->noutputs);
    return p;
}

void window_prog_free(struct window_prog *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->naggs; i++) {
        exprvm_free(p->aggs[i].arg);
        exprvm_free(p->aggs[i].filter);
    }
    mem_free(p->aggs);
    exprvm_free(p->having);
    output_fini(&p->output);
    mem_free(p);
}

bool window_prog_is_closed(const struct window_prog *p, evtime ts, evtime w)
{
    int64_t pane = windowpane_of(&p->panes, ts);
    if (!windowpane_in_window(&p->panes, pane))
        return false;
    evtime end = windowpane_end(&p->panes, windowpane_last_window(&p->panes, pane));
    return end + p->w->lateness_ms <= w;
}

/* --- cells --- */

struct window *window_new(struct keyed *k)
{
    struct window *w = mem_new(sizeof *w);
    w->k = k;
    w->next = EVTIME_MAX;
    w->fired = EVTIME_MIN;
    slabs_init(&w->memory);
    return w;
}

void window_bind(struct window *w, const struct window_prog *p, const struct keyed_rule *r)
{
    w->p = p;
    w->rule = *r;
    w->slots = mem_resize_array(w->slots, p->nslots, sizeof *w->slots);
    if (w->ready)
        return;
    w->ready = true;
    slab_init(&w->cells, sizeof(struct window_cell));
}

static size_t pane_words(const struct window *w)
{
    return w->p->words + sizeof(struct pane) / 8;
}

static struct pane *pane_at(const struct window *w, const struct window_cell *c, unsigned i)
{
    return (struct pane *)(void *)(c->panes + i * pane_words(w));
}

static void clear_pane(const struct window *w, struct pane *p)
{
    for (unsigned i = 0; w->p->holds && i < w->p->naggs; i++)
        agg_clear(&w->p->aggs[i].agg, &p->acc[w->p->aggs[i].at]);
}

static void set_cap(struct window *w, struct window_cell *c, unsigned cap)
{
    size_t one = pane_words(w) * 8;
    uint64_t *more = cap == 0 ? NULL : slabs_alloc(&w->memory, cap * one);
    if (more != NULL && c->n > 0)
        memcpy(more, c->panes, c->n * one);
    if (c->cap > 0)
        slabs_free(&w->memory, c->panes, c->cap * one);
    c->panes = more;
    c->cap = (uint16_t)cap;
}

static struct window_cell *cell_new(struct window *w, struct key *key)
{
    struct window_cell *c = slab_alloc(&w->cells);
    *c = (struct window_cell){.at = (uint32_t)w->nactive};
    set_cap(w, c, PANES_FIRST);
    w->active = mem_grow(w->active, w->nactive, 1, &w->active_cap, sizeof(struct window_cell *));
    w->active[w->nactive++] = c;
    w->k->windows++;
    keytable_link(key, &c->state, w->rule.slot);
    return c;
}

static void cell_free(struct window *w, struct window_cell *c)
{
    for (unsigned i = 0; i < c->n; i++)
        clear_pane(w, pane_at(w, c, i));
    c->n = 0;
    set_cap(w, c, 0);
    w->active[c->at] = w->active[--w->nactive];
    w->active[c->at]->at = c->at;
    w->k->windows--;
    keytable_unlink(&c->state);
    slab_free(&w->cells, c);
}

void window_prefetch(const struct keystate *state)
{
    __builtin_prefetch(((const struct window_cell *)(const void *)state)->panes);
}

void window_drop(struct window *w, struct keystate *state)
{
    cell_free(w, (struct window_cell *)(void *)state);
}

void window_free(struct window *w)
{
    if (w == NULL)
        return;
    if (w->ready)
        slab_fini(&w->cells);
    slabs_fini(&w->memory);
    mem_free(w->active);
    mem_free(w->slots);
    mem_free(w);
}

/* --- rows --- */

/* The pane of that number, made if it is not there. NULL: a key has more panes than it may have. */
static struct pane *pane_for(struct window *w, struct window_cell *c, int64_t pane, evtime after)
{
    unsigned at = c->n;
    while (at > 0) {
        struct pane *p = pane_at(w, c, at - 1);
        if (p->pane < pane || (p->pane == pane && p->after < after))
            break;
        if (p->pane == pane && p->after == after)
            return p;
        at--;
    }
    if (c->n == UINT16_MAX)
        return NULL;
    if (c->n == c->cap)
        set_cap(w, c, c->cap > UINT16_MAX / 2 ? UINT16_MAX : 2u * c->cap);
    struct pane *p = pane_at(w, c, at);
    size_t one = pane_words(w) * 8;
    memmove((char *)p + one, p, (c->n - at) * one);
    memset(p, 0, one);
    p->pane = pane;
    p->after = after;
    c->n++;
    return p;
}

static void add(struct window *w, struct pane *p, const struct keyed_row *r)
{
    const struct window_prog *prog = w->p;
    struct rowref at = {.b = r->b, .i = r->i};
    const struct agglist_place place = {r->ts, r->b->partition, r->b->offset[r->i]};
    for (unsigned i = 0; i < prog->naggs; i++) {
        const struct window_agg *a = &prog->aggs[i];
        union cell v = {0};
        bool some = true;
        const struct exprvm_env env = {.current = at, .scratch = w->k->scratch};
        if (a->filter != NULL && !(exprvm_eval(a->filter, &env, &v) && v.i != 0))
            continue;
        if (a->column >= 0)
            some = rowref_cell(at, &w->k->layout, (unsigned)a->column, &v);
        else if (a->arg != NULL)
            some = exprvm_eval(a->arg, &env, &v);
        agg_add_at(&a->agg, &p->acc[a->at], v, !some, &place);
    }
}

void window_row(struct window *w, struct keystate *state, struct key *key,
                const struct keyed_row *r)
{
    const struct windowpane *panes = &w->p->panes;
    struct window_cell *c = (struct window_cell *)(void *)state;
    int64_t pane = windowpane_of(panes, r->ts);
    evtime after = r->late ? r->b->late_w[r->i] : EVTIME_MIN;
    if (!windowpane_in_window(panes, pane))
        return;
    if (c == NULL)
        c = cell_new(w, key);
    struct pane *p = pane_for(w, c, pane, after);
    if (p == NULL) {
        w->k->partials_dropped++;
        return;
    }
    if (w->p->count_only)
        agg_count_one(p->acc);
    else
        add(w, p, r);
    evtime from = r->ts > w->fired ? r->ts : w->fired;
    evtime end = windowpane_end(panes, windowpane_ending_after(panes, from));
    if (end < w->next)
        w->next = end;
}

/* --- windows --- */

evtime window_next(const struct window *w)
{
    return w->next;
}

static bool compares(enum expr_kind cmp, __int128 a, int64_t b)
{
    switch (cmp) {
    case EXPR_EQ:
        return a == b;
    case EXPR_LT:
        return a < b;
    case EXPR_LE:
        return a <= b;
    case EXPR_GT:
        return a > b;
    default:
        return a >= b;
    }
}

/* Could HAVING hold? */
static bool quick_holds(const struct window *w)
{
    for (unsigned i = 0; i < w->p->nquick; i++) {
        const struct quick *q = &w->p->quick[i];
        const struct window_agg *a = &w->p->aggs[q->agg];
        if (!compares(q->cmp, agg_whole(&a->agg, &w->sum[a->at]), q->limit))
            return false;
    }
    return true;
}

static void give(struct window *w, const struct window_cell *c, int64_t window)
{
    const struct window_prog *p = w->p;
    const struct type time = {.kind = TYPE_TIMESTAMP};
    evtime start = windowpane_start(&p->panes, window), end = windowpane_end(&p->panes, window);
    const evtime bounds[3] = {start, end, end - 1};
    struct value *v = w->slots;
    keyed_values(w->k, c->state.key, v);
    v += p->plan->key.n;
    for (unsigned i = 0; i < 3; i++)
        *v++ = (struct value){.type = time, .c.i = bounds[i]};
    for (unsigned i = 0; i < p->naggs; i++, v++) {
        *v = (struct value){.type = p->aggs[i].agg.type};
        v->null = !agg_result(&p->aggs[i].agg, &w->sum[p->aggs[i].at], w->k->scratch, &v->c);
    }
    if (p->having != NULL && !output_holds(p->having, w->slots, w->k->scratch))
        return;
    struct result *r = keyed_result(w->k, &w->rule, c->state.key, RESULT_MATCH, end - 1);
    if (r == NULL)
        return;
    r->time = end - 1;
    r->nvalues = p->output.n;
    r->values = output_of_slots(&p->output, w->slots, w->k->emit);
    r->window_start = start;
    r->window_end = end;
    emit_done(r);
}

/* Merges the panes of a window into w->sum. False: the key has no row in it. */
static bool merge(struct window *w, const struct window_cell *c, int64_t first, int64_t last,
                  evtime end)
{
    const struct window_prog *p = w->p;
    bool some = false;
    memset(w->sum, 0, p->words * sizeof *w->sum);
    for (unsigned i = 0; i < c->n; i++) {
        const struct pane *pane = pane_at(w, c, i);
        if (pane->pane < first || pane->pane > last || pane->after >= end)
            continue;
        some = true;
        if (p->count_only) {
            agg_count_merge(w->sum, pane->acc);
            continue;
        }
        for (unsigned a = 0; a < p->naggs; a++)
            agg_merge(&p->aggs[a].agg, &w->sum[p->aggs[a].at], &pane->acc[p->aggs[a].at]);
    }
    return some;
}

/* Drops panes that no window after this one has. */
static void drop_panes(struct window *w, struct window_cell *c, int64_t window)
{
    unsigned gone = 0;
    while (gone < c->n && windowpane_last_window(&w->p->panes, pane_at(w, c, gone)->pane) <= window)
        clear_pane(w, pane_at(w, c, gone++));
    if (gone == 0)
        return;
    size_t one = pane_words(w);
    c->n = (uint16_t)(c->n - gone);
    memmove(c->panes, c->panes + gone * one, c->n * one * 8);
}

static void fire(struct window *w, int64_t window)
{
    const struct window_prog *p = w->p;
    int64_t first = windowpane_first(&p->panes, window), last = windowpane_last(&p->panes, window);
    evtime end = windowpane_end(&p->panes, window);
    for (size_t i = 0; i < w->nactive;) {
        struct window_cell *c = w->active[i];
        if (i + AHEAD < w->nactive)
            __builtin_prefetch(w->active[i + AHEAD]);
        if (i + AHEAD / 2 < w->nactive)
            __builtin_prefetch(w->active[i + AHEAD / 2]->panes);
        if (merge(w, c, first, last, end) && quick_holds(w)) {
            give(w, c, window);
            arena_reset(w->k->scratch);
        }
        for (unsigned a = 0; p->holds && a < p->naggs; a++)
            agg_clear(&p->aggs[a].agg, &w->sum[p->aggs[a].at]);
        drop_panes(w, c, window);
        if (c->n > 0) {
            i++;
            continue;
        }
        struct key *key = c->state.key;
        cell_free(w, c);
        keyed_drop_if_idle(w->k, key);
    }
}

/* After a window has fired: the end of the next that has rows. */
static evtime next_end(const struct window *w, int64_t fired)
{
    if (w->nactive == 0)
        return EVTIME_MAX;
    return windowpane_end(&w->p->panes, fired + 1);
}

void window_advance(struct window *w, evtime to)
{
    while (w->next != EVTIME_MAX && w->next <= to) {
        int64_t window = windowpane_ending_after(&w->p->panes, w->next - 1);
        w->fired = w->next;
        fire(w, window);
        w->next = next_end(w, window);
    }
    if (to != EVTIME_MAX && to > w->fired)
        w->fired = to;
}

uint64_t window_open(const struct window *w)
{
    return w->nactive;
}

size_t window_bytes(const struct window *w)
{
    return w->active_cap * sizeof(struct window_cell *) + slabs_bytes(&w->memory) +
           (w->ready ? w->cells.bytes : 0);
}
