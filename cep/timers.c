/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap has four below each: half as deep as a binary one, and four entries are one cache line. */
#include "cep/timers.h"
#include "base/mem.h"

enum { BELOW = 4 };

void timers_fini(struct timers *t)
{
    mem_free(t->heap);
    *t = (struct timers){0};
}

static inline void put(struct timers *t, size_t at, struct timers_entry e)
{
    t->heap[at] = e;
    e.timer->place = at;
}

static size_t up(struct timers *t, size_t at, evtime when)
{
    while (at > 0 && when < t->heap[(at - 1) / BELOW].at) {
        put(t, at, t->heap[(at - 1) / BELOW]);
        at = (at - 1) / BELOW;
    }
    return at;
}

static size_t down(struct timers *t, size_t at, evtime when)
{
    for (size_t first; (first = BELOW * at + 1) < t->n;) {
        size_t least = first, end = first + BELOW < t->n ? first + BELOW : t->n;
        for (size_t i = first + 1; i < end; i++)
            if (t->heap[i].at < t->heap[least].at)
                least = i;
        if (when <= t->heap[least].at)
            break;
        put(t, at, t->heap[least]);
        at = least;
    }
    return at;
}

static void sift(struct timers *t, size_t at, struct timers_entry e)
{
    size_t to = up(t, at, e.at);
    put(t, to == at ? down(t, at, e.at) : to, e);
}

void timers_push(struct timers *t, struct timer *x, evtime at)
{
    t->heap = mem_grow(t->heap, t->n, 1, &t->cap, sizeof *t->heap);
    x->at = at;
    x->after = TIMERS_HEAPED;
    size_t last = t->n++;
    put(t, up(t, last, at), (struct timers_entry){at, x});
}

void timers_set(struct timers *t, struct timer *x, evtime at)
{
    if (x->after == TIMERS_HEAPED && at != EVTIME_MAX) {
        x->at = at;
        sift(t, x->place, (struct timers_entry){at, x});
        return;
    }
    timers_unset(t, x);
    if (at != EVTIME_MAX)
        timers_add(t, x, at);
}

void timers_set_beside(struct timers *t, struct timer *x, struct timer *of)
{
    if (of->after == TIMERS_HEAPED) {
        timers_push(t, x, of->at);
        return;
    }
    *x = (struct timer){.at = of->at, .before = of, .after = of->after};
    *(of->after != NULL ? &of->after->before : &t->last) = x;
    of->after = x;
}

void timers_take_out(struct timers *t, struct timer *x)
{
    size_t at = x->place;
    struct timers_entry last = t->heap[--t->n];
    if (at < t->n)
        sift(t, at, last);
}

struct timer *timers_take(struct timers *t, evtime to)
{
    struct timer *x = timers_first(t);
    if (x == NULL || x->at > to)
        return NULL;
    timers_unset(t, x);
    return x;
}

static void each_below(const struct timers *t, size_t at, evtime to,
                       void (*f)(void *ctx, struct timer *x), void *ctx)
{
    if (at >= t->n || t->heap[at].at > to)
        return;
    f(ctx, t->heap[at].timer);
    for (size_t i = 1; i <= BELOW; i++)
        each_below(t, BELOW * at + i, to, f, ctx);
}

void timers_each(const struct timers *t, evtime to, void (*f)(void *ctx, struct timer *x),
                 void *ctx)
{
    for (struct timer *x = t->first; x != NULL && x->at <= to; x = x->after)
        f(ctx, x);
    each_below(t, 0, to, f, ctx);
}
