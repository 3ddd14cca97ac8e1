/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h - what is due next: timers in order of time, each at most once, moved and taken out at will.
 *
 * Room:   windows, sessions, time to live, joins, heads of patterns' expiry lists -> [timers] -> taskstep, which asks
 *         timers_next before each row and takes what is due
 * Owns:   the heap; a timer is a plain struct inside the state that waits, and must stay in its place while it is set
 * Thread: one worker.  Time: evtime (or processing time, in a heap of its own); reads no clock.
 *
 * Timers are not saved with state: whoever has state knows when it is due, and sets them again when it is loaded.
 * A timer may be too early (the state that wanted it has gone on): who is called looks, and sets it anew. So state that
 * is touched often need not move its timer each time. */
#ifndef WEIR_CEP_TIMERS_H
#define WEIR_CEP_TIMERS_H
#include "base/timebase.h"
#include <stdbool.h>
#include <stddef.h>

enum { TIMERS_UNSET = UINT32_MAX };

struct timer {
    evtime at;
    uint32_t place; /* in the heap; TIMERS_UNSET */
    uint32_t owner; /* the caller's: who is to be called, of what kind it is */
};

struct timers_entry {
    evtime at; /* the timer's, so that the heap is put right without touching timers */
    struct timer *timer;
};

struct timers {
    struct timers_entry *heap; /* each has four below it */
    size_t n, cap;
};

void timers_fini(
    struct timers *t); /* zero bytes are an empty one; timers that are set are forgotten */
static inline void timer_init(struct timer *x, uint32_t owner)
{
    *x = (struct timer){EVTIME_MAX, TIMERS_UNSET, owner};
}
static inline bool timer_is_set(const struct timer *x)
{
    return x->place != TIMERS_UNSET;
}
/* Sets it, or moves it if it is set. EVTIME_MAX: never, which unsets it. */
void timers_set(struct timers *t, struct timer *x, evtime at);
void timers_unset(struct timers *t, struct timer *x); /* fine if it is not set */
/* Sets it unless it is set for that time or an earlier one. */
static inline void timers_before(struct timers *t, struct timer *x, evtime at)
{
    if (!timer_is_set(x) || at < x->at)
        timers_set(t, x, at);
}
/* The time of the first; EVTIME_MAX: none is set. */
static inline evtime timers_next(const struct timers *t)
{
    return t->n > 0 ? t->heap[0].at : EVTIME_MAX;
}
/* The first; NULL: none is set. */
static inline struct timer *timers_first(const struct timers *t)
{
    return t->n > 0 ? t->heap[0].timer : NULL;
}
/* The first, unset, if its time is not after `to`; else NULL. Of equal times the order is not defined. */
struct timer *timers_take(struct timers *t, evtime to);
/* Its memory was moved (a vector grew): the heap is told of its new place. */
void timers_moved(struct timers *t, struct timer *x);
static inline size_t timers_bytes(const struct timers *t)
{
    return t->cap * sizeof(struct timers_entry);
}

#endif
