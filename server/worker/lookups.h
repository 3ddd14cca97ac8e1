/* SPDX-License-Identifier: Apache-2.0 */
/* lookups.h - rows that wait for what a table outside has for them (FOR SYSTEM_TIME AS OF): the stage between a task and
 * the databases. Never blocks.
 *
 * Room:   task effects (asks) -> [lookups: cache, keys that are asked for, threads] -> tasklookup_answer
 * Owns:   threads, connections, caches; a reference to each batch that waits
 * Thread: one, that of the task.  Time: montime.
 *
 * A key that several rows have is asked for once. In order: the batches of a stream go on as they came, each when all of
 * its rows are answered; else rows go on as their answers come. In either case the time of the stream waits for them (the
 * task sees to that). The owner takes no more from its sources while lookups_full. */
#ifndef WEIR_SERVER_LOOKUPS_H
#define WEIR_SERVER_LOOKUPS_H
#include "cep/task/task.h"

struct lookups;

/* A row could not be looked up, and is set aside. The reason lives for the call. */
typedef void lookups_failed(void *ctx, const struct place *at, const char *reason);

/* in_order: whatever the tables say, and batches of different streams in the order of asking, too. */
struct lookups *lookups_new(bool in_order, lookups_failed *failed, void *ctx);
void lookups_free(struct lookups *l); /* NULL is fine; rows that wait are forgotten */

/* The asks among effects; what the caches know is answered with the next call of lookups_answer. */
void lookups_take(struct lookups *l, const struct task_effects *fx);
/* Gives the task what has been answered, or was not in time. True: it has got rows, and wants a step. */
bool lookups_answer(struct lookups *l, struct task *t);

bool lookups_full(const struct lookups *l); /* more rows wait than a table's capacity */
bool lookups_idle(const struct lookups *l); /* none waits */
int lookups_fd(const struct lookups *l); /* readable when there are answers */
montime
lookups_due(const struct lookups *l); /* when the next row's time is over; INT64_MAX: none waits */
/* Why nothing may go on ('on-error'='fail'), or NULL. */
const char *lookups_broken(const struct lookups *l);

struct lookups_stats { /* of a table */
    const struct table *table;
    uint64_t rows; /* answered */
    uint64_t hits,
        missing; /* rows whose key was in the cache; rows whose key is not in the table */
    uint64_t asked; /* keys that the database was asked for */
    uint64_t requests, retries, timeouts, errors; /* timeouts, errors: keys */
    uint64_t latency_us; /* of all keys that were answered, from asking, together */
    uint64_t in_flight, waiting; /* keys; rows */
    uint64_t cached, cached_bytes;
};
void lookups_add(struct lookups_stats *sum,
                 const struct lookups_stats *one); /* all but the table */
unsigned lookups_ntables(const struct lookups *l);
struct lookups_stats lookups_stats(const struct lookups *l, unsigned i);

#endif
