/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_operations.h - long work on a rule that is done beside everything else: what is wanted, how far it is, how it ended.
 *
 * Room:   server/deploy/lanes, API -> [catalog_operations] -> the catalogue's table of operations
 * Owns:   nothing.  Thread: as catalog.h.  Time: wall clock, but of `since`, which is event time. */
#ifndef WEIR_STATE_CATALOG_OPERATIONS_H
#define WEIR_STATE_CATALOG_OPERATIONS_H
#include "state/catalog.h"

enum catalog_operation_state {
    OPERATION_WAITS, /* a savepoint is being made, or the workers are down */
    OPERATION_READS, /* its lane reads what has gone by */
    OPERATION_SWITCHES, /* the version is active from a time on, and is taking the lane's state */
    OPERATION_DONE,
    OPERATION_FAILED,
    OPERATION_CANCELLED
};
struct catalog_operation {
    uint64_t id; /* given by catalog_operations_add; shown as "op_7" */
    const char *kind; /* "activate", "rollback" */
    enum catalog_operation_state state;
    uint64_t rule_uid;
    const char *rule;
    uint32_t version, rollback_to;
    const char *sql, *author, *reason, *savepoint; /* the last three or NULL */
    evtime since; /* EVTIME_MIN: all that the log has */
    uint64_t lane, rows;
    evtime created, started, ended; /* EVTIME_MIN: not yet */
    const char *error; /* why it failed, or NULL */
};
enum err catalog_operations_add(struct catalog *c, struct catalog_operation *o);
/* State, version, lane, rows, times and error as they are in *o. ERR_NOT_FOUND. */
enum err catalog_operations_set(struct catalog *c, const struct catalog_operation *o);
typedef void catalog_operations_each(void *ctx, const struct catalog_operation *o);
/* The newest first, those with lower ids than `before` (0: all); of one rule (0: of all). */
enum err catalog_operations(struct catalog *c, uint64_t before, uint64_t rule_uid, unsigned limit,
                            catalog_operations_each *each, void *ctx);
enum err catalog_operations_get(struct catalog *c, uint64_t id, catalog_operations_each *each,
                                void *ctx); /* ERR_NOT_FOUND */
/* Those that have not ended, or whose lane a checkpoint may still need, the oldest first. */
enum err catalog_operations_open(struct catalog *c, catalog_operations_each *each, void *ctx);
/* Of those that have ended, the newest `keep` stay. */
enum err catalog_operations_trim(struct catalog *c, uint64_t keep);

struct catalog_fork { /* registry.h */
    uint64_t lane;
    uint32_t id, stream;
};
enum err catalog_operations_fork(struct catalog *c, uint64_t operation, uint32_t fork,
                                 uint32_t stream);
/* Of the operations whose lane lives. */
enum err catalog_operations_forks(struct catalog *c,
                                  void (*each)(void *ctx, const struct catalog_fork *f), void *ctx);

#endif
