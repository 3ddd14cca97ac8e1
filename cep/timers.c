/* SPDX-License-Identifier: Apache-2.0
 *
 * A heap with four below each: half as deep as a binary one, and four entries are one cache line. */
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
    e.timer->place = (uint32_t)at;
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

void timers_set(struct timers *t, struct timer *x, evtime at)
{
    if (at == EVTIME_MAX) {
        timers_unset(t, x);
        return;
    }
    x->at = at;
    if (!timer_is_set(x)) {
        t->heap = mem_grow(t->heap, t->n, 1, &t->cap, sizeof *t->heap);
        x->place = (uint32_t)t->n++;
    }
    sift(t, x->place, (struct timers_entry){at, x});
}

static void take_out(struct timers *t, size_t at)
{
    t->heap[at].timer->place = TIMERS_UNSET;
    struct timers_entry last = t->heap[--t->n];
    if (at < t->n)
        sift(t, at, last);
}

void timers_unset(struct timers *t, struct timer *x)
{
    if (timer_is_set(x))
        take_out(t, x->place);
}

struct timer *timers_take(struct timers *t, evtime to)
{
    if (t->n == 0 || t->heap[0].at > to)
        return NULL;
    struct timer *x = t->heap[0].timer;
    take_out(t, 0);
    return x;
}

void timers_moved(struct timers *t, struct timer *x)
{
    if (timer_is_set(x))
        t->heap[x->place].timer = x;
}
