/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h - what is due next: timers in order of time, each at most once, moved and taken out at will.
 *
 * Room:   windows, sessions, time to live, joins, partial matches -> [timers] -> taskstep, which asks for the next time
 *         before each row and takes what is due
 * Owns:   the heap; a timer is a plain struct inside the state that waits, and must stay in its place while it is set
 * Thread: one worker.  Time: evtime (or processing time, in timers of its own); reads no clock.
 *
 * Most of what waits waits equally long, so timers are mostly set in order of their time. Those are a list: to set one, to
 * take it out, to take the first cost a few pointers, however many there are. The others, which are earlier than the last
 * of the list, are a heap.
 *
 * Timers are not saved with state: whoever has state knows when it is due, and sets them again when it is loaded.
 * A timer may be too early (the state that wanted it has gone on): who is called looks, and sets it anew. So state that
 * is touched often need not move its timer each time. */
#ifndef WEIR_CEP_TIMERS_H
#define WEIR_CEP_TIMERS_H
#include "base/timebase.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    evtime at;
    union {
        struct timer *before; /* in the list */
        size_t place; /* in the heap */
    };
    struct timer *after; /* in the list; or one of those: */
};
#define TIMERS_UNSET ((struct timer *)(uintptr_t)1)
#define TIMERS_HEAPED ((struct timer *)(uintptr_t)2)

struct timers_entry {
    evtime at; /* the timer's, so that the heap is put right without touching timers */
    struct timer *timer;
};

struct timers {
    struct timer *first, *last; /* the list, in order of time */
    struct timers_entry *heap; /* each has four below it */
    size_t n, cap; /* of the heap */
};

void timers_fini(
    struct timers *t); /* zero bytes are an empty one; timers that are set are forgotten */
static inline void timer_init(struct timer *x)
{
    *x = (struct timer){.at = EVTIME_MAX, .after = TIMERS_UNSET};
}
static inline bool timer_is_set(const struct timer *x)
{
    return x->after != TIMERS_UNSET;
}
/* Sets it, or moves it if it is set. EVTIME_MAX: never, which unsets it. */
void timers_set(struct timers *t, struct timer *x, evtime at);
/* The same for one that is not set; EVTIME_MAX: no such time. */
void timers_push(struct timers *t, struct timer *x, evtime at);
static inline void timers_add(struct timers *t, struct timer *x, evtime at)
{
    struct timer *last = t->last;
    if (last != NULL && at < last->at) {
        timers_push(t, x, at);
        return;
    }
    x->at = at;
    x->before = last;
    x->after = NULL;
    *(last != NULL ? &last->after : &t->first) = x;
    t->last = x;
}
/* Sets x, which is not set, for the time of one that is. */
void timers_set_beside(struct timers *t, struct timer *x, struct timer *of);
void timers_take_out(struct timers *t, struct timer *x); /* of the heap */
static inline void timers_unset(struct timers *t, struct timer *x) /* fine if it is not set */
{
    if (x->after == TIMERS_HEAPED) {
        timers_take_out(t, x);
    } else if (x->after != TIMERS_UNSET) {
        *(x->before != NULL ? &x->before->after : &t->first) = x->after;
        *(x->after != NULL ? &x->after->before : &t->last) = x->before;
    }
    x->after = TIMERS_UNSET;
}
/* Sets it unless it is set for that time or an earlier one. */
static inline void timers_before(struct timers *t, struct timer *x, evtime at)
{
    if (!timer_is_set(x) || at < x->at)
        timers_set(t, x, at);
}
/* The first; NULL: none is set. Of equal times the order is that of setting, unless some were set out of order. */
static inline struct timer *timers_first(const struct timers *t)
{
    if (t->n > 0 && (t->first == NULL || t->heap[0].at < t->first->at))
        return t->heap[0].timer;
    return t->first;
}
/* Its time; EVTIME_MAX: none is set. */
static inline evtime timers_next(const struct timers *t)
{
    const struct timer *x = timers_first(t);
    return x != NULL ? x->at : EVTIME_MAX;
}
/* The first, unset, if its time is not after `to`; else NULL. */
struct timer *timers_take(struct timers *t, evtime to);
/* Each that is not after `to`, in no order; `f` sets and unsets none of t. */
void timers_each(const struct timers *t, evtime to, void (*f)(void *ctx, struct timer *x),
                 void *ctx);
static inline size_t timers_bytes(const struct timers *t)
{
    return t->cap * sizeof(struct timers_entry);
}

#endif
