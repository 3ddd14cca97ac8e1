/* SPDX-License-Identifier: Apache-2.0 */
/* joinrun.h - inside of a running join: a key's rows, and the queues of what is over next. For join*.c.
 *
 * Room:   order -> [join] -> emit; [joinsave] -> snapshots
 * Owns:   see join.h.  Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_JOINRUN_H
#define WEIR_CEP_JOINRUN_H
#include "cep/join/join.h"
#include "cep/timers.h"

struct join_entry {
    evtime ts;
    struct kept *row;
    bool partner; /* may find one */
    bool found; /* has found one */
};

struct join_pile { /* of a key, on one side: v[first] to v[first + n - 1] */
    struct join_entry *v;
    uint32_t first, n, cap, gone;
    bool told; /* that it had to drop rows */
};

struct join_state {
    struct keystate cell; /* without a key: forgotten, and here for the queues alone */
    struct join_pile rows[2];
    struct timer timer; /* joined windows: when the next is over */
    struct timer quiet; /* 'state-ttl': of a row that may not be the last */
    evtime last; /* of its rows */
    evtime over; /* ... up to where they had been in the task that the key comes from; EVTIME_MIN */
};

struct join_due {
    evtime ts;
    struct join_state *state;
};

struct join_queue { /* a ring; cap is a power of two */
    struct join_due *v;
    size_t first, n, cap;
};

struct join {
    const struct joinprog *prog;
    struct keyed_rule rule;
    bool outer;
    struct keyed side[2]; /* kept rows; the keys are in the left one's table */
    struct join_queue queues[2];
    struct timers timers, quiet;
    evtime now; /* as far as time has come */
    evtime from; /* from which on its rule tells results, if it took over from another version */
    bool restored; /* `now` is that of a snapshot */
    struct slab states;
    struct slabs piles;
    struct bytes key;
    size_t max_rows;
    uint64_t rows, kept, dropped, expired;
};

/* A state without rows. */
struct join_state *join_make(struct join *j, struct key *key);
void join_unmake(struct join *j, struct join_state *s); /* and its key, if nothing knows of that */
void join_put(struct join *j, struct join_pile *l, struct join_entry e);
void joinqueue_push(struct join_queue *q, evtime ts, struct join_state *s, bool sorted);
/* All rows of a side into the queue of what is over next; if not sorted, joinqueue_sort is to follow. */
void joinqueue_all(struct join *j, struct join_state *s, unsigned side, bool sorted);
void joinqueue_sort(struct join *j);
evtime joinwindow_start(const struct window_plan *w, evtime end);
/* The first end of a window after t. */
evtime joinwindow_end(const struct window_plan *w, evtime t);
/* Joined windows: when the next one is over that a row of time t is in, at the time `now`. */
evtime joinwindow_next(const struct join *j, evtime t, evtime now);

#endif
