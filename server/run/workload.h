/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h - a worker's time: busy, idle, or kept from working because what comes after it is full.
 *
 * Room:   worker's loop -> [workload] -> CONTROL_LOAD
 * Owns:   nothing but its sums
 * Thread: the worker's.  Time: montime, given by the caller.
 *
 * Only a sleep is idle or backpressured; all else is busy, as in Flink. The clock is read twice a sleep. */
#ifndef WEIR_SERVER_WORKLOAD_H
#define WEIR_SERVER_WORKLOAD_H
#include "base/timebase.h"
#include "server/wire/loadwire.h"

/* Why a worker sleeps. */
struct workload_rest {
    enum loadwire_why why; /* LOADWIRE_NOT: there is nothing to do */
    uint64_t peers; /* LOADWIRE_CHANNEL: a bit for each worker whose channel is full */
    bool coordinator; /* … and so is that of the results */
};

struct workload {
    montime began, asleep; /* asleep: since when; 0: it works */
    struct workload_rest rest; /* the present sleep, or the last */
    uint64_t idle_ns, backpressured_ns;
    uint64_t peer_ns[TASK_WORKERS_MAX], coordinator_ns;
};

void workload_init(struct workload *w, montime now);
void workload_sleep(struct workload *w, montime now, const struct workload_rest *r);
void workload_wake(struct workload *w, montime now);
/* The sums; channels and memory are the caller's to fill in. */
void workload_look(const struct workload *w, montime now, struct loadwire *out);
/* Adds a channel to what is said. */
void workload_channel(const struct workload *w, unsigned to, const struct channel *c,
                      struct loadwire *out);

#endif
