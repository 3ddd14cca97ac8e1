/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/window/window.h"
#include "base/mem.h"
#include "cep/window/windowlist.h"

struct window *window_new(struct keyed *k)
{
    struct window *w = mem_new(sizeof *w);
    w->k = k;
    w->next = EVTIME_MAX;
    w->now = EVTIME_MIN;
    slabs_init(&w->memory);
    return w;
}

void window_bind(struct window *w, const struct windowprog *p, const struct keyed_rule *r)
{
    bool first = !w->ready;
    w->p = p;
    w->rule = *r;
    w->slots = mem_resize_array(w->slots, p->nslots, sizeof *w->slots);
    w->ready = true;
    if (p->by_panes)
        windowpanes_bind(w, first);
    else
        windowlist_bind(w, first);
}

void window_free(struct window *w)
{
    if (w == NULL)
        return;
    if (w->ready && w->p->by_panes)
        windowpanes_fini(w);
    else if (w->ready)
        windowlist_fini(w);
    slabs_fini(&w->memory);
    mem_free(w->slots);
    mem_free(w);
}

void window_drop(struct window *w, struct keystate *state)
{
    if (w->p->by_panes)
        windowpanes_drop(w, state);
    else
        windowlist_drop(w, state);
}

void window_expire(struct window *w, struct keystate *state)
{
    if (w->p->by_panes)
        windowpanes_expire(w, state);
    else
        windowlist_drop(w, state);
}

void window_row(struct window *w, struct keystate *state, struct key *key, struct keyed_row *r)
{
    if (w->p->by_panes)
        windowpanes_row(w, state, key, r);
    else
        windowlist_row(w, state, key, r);
}

void window_part(struct window *w, struct keystate *state, struct key *key, evtime ts,
                 const uint64_t *acc)
{
    windowpanes_part(w, state, key, ts, acc);
}

void window_prefetch(const struct window *w, const struct keystate *state)
{
    if (w->p->by_panes)
        windowpanes_prefetch(state);
    else
        windowlist_prefetch(state);
}

size_t window_cells(const struct window *w)
{
    return w->ready ? w->cells.live : 0;
}

struct keystate *window_due(const struct window *w, evtime to, bool *all)
{
    *all = w->p->by_panes && window_next(w) <= to;
    struct timer *x = w->p->by_panes ? NULL : timers_first(&w->timers);
    return x == NULL || x->at > to ? NULL : &((struct windowlist_one *)(void *)x)->cell->state;
}

struct each { /* window_each_due */
    void (*f)(void *ctx, struct keystate *c);
    void *ctx;
};

static void one_due(void *each, struct timer *x)
{
    const struct each *e = each;
    e->f(e->ctx, &((struct windowlist_one *)(void *)x)->cell->state);
}

void window_each_due(const struct window *w, evtime to, void (*f)(void *ctx, struct keystate *c),
                     void *ctx)
{
    struct each e = {f, ctx};
    if (!w->p->by_panes)
        timers_each(&w->timers, to, one_due, &e);
}

void window_watch(struct window *w, void (*each)(void *ctx, const struct window_asked *a),
                  void *ctx)
{
    w->each = each;
    w->each_ctx = ctx;
}

evtime window_next(const struct window *w)
{
    return w->p->by_panes ? w->next : timers_next(&w->timers);
}

void window_advance(struct window *w, const struct window_time *t)
{
    if (w->p->by_panes)
        windowpanes_advance(w, t->to);
    else
        windowlist_advance(w, t);
    if (t->to != EVTIME_MAX && t->to > w->now)
        w->now = t->to;
}

void window_punctuated(struct window *w)
{
    if (!w->p->by_panes)
        windowlist_punctuated(w);
}

evtime window_clock_next(const struct window *w)
{
    return timers_next(&w->clocks);
}

void window_clock(struct window *w, evtime now)
{
    if (!w->p->by_panes)
        windowlist_clock(w, now);
}

uint64_t window_open(const struct window *w)
{
    return !w->ready ? 0 : w->p->by_panes ? w->cells.live : w->ones.live;
}

size_t window_bytes(const struct window *w)
{
    size_t n = w->active_cap * sizeof(struct windowpanes_cell *) + slabs_bytes(&w->memory) +
               timers_bytes(&w->timers) + timers_bytes(&w->clocks);
    for (unsigned i = 0; i < w->nbuckets; i++)
        n += w->wheel[i].cap * sizeof(struct windowpanes_cell *);
    return n + (w->ready ? w->cells.bytes + w->ones.bytes : 0);
}

size_t window_used(const struct window *w)
{
    return slabs_used(&w->memory) + (w->ready ? slab_used(&w->cells) + slab_used(&w->ones) : 0);
}

bool window_may_leave(const struct window *w)
{
    return !w->p->by_panes || w->nbuckets == 0;
}
