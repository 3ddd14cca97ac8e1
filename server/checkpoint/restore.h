/* SPDX-License-Identifier: Apache-2.0 */
/* restore.h - going back to a savepoint: does it fit this server, what becomes of each rule, and then the way there.
 *
 * Room:   savepoints, start -> [restore] -> checkpointer, which has the workers begin from it
 * Owns:   one request at a time
 * Thread: restore_want any, all else the runtime's (or the one that starts it).  Time: none.
 *
 *   asked --nothing is being changed--> the plan --fits--> the savepoint is the newest checkpoint --> another attempt --> answered
 *
 * Before this the savepoint's files have been read from beginning to end (savemeta_verify). What does not fit is refused
 * before anything is changed. */
#ifndef WEIR_SERVER_RESTORE_H
#define WEIR_SERVER_RESTORE_H
#include "server/checkpoint/savemeta.h"
#include "server/deploy/change.h"

struct runtimeloop;

struct restore_ask {
    bool dry_run; /* the report alone */
    bool allow_non_restored; /* state that no live rule claims is left behind */
    bool allow_missing_events; /* what retention has deleted since is not read again */
    const struct savemeta *meta;
    const char *folder;
    struct bytes *report; /* JSON object, also of one that is refused; NULL: none is wanted */
    runtime_done
        *done; /* they run from it; ERR_INVALID: it does not fit. On the runtime's thread */
    void *ctx;
};
enum restore_phase { RESTORE_NONE, RESTORE_ASKED, RESTORE_READY, RESTORE_STARTED, RESTORE_CLOSED };
struct restore {
    enum restore_phase phase; /* under the loop's lock */
    struct restore_ask ask;
    uint64_t id; /* of the checkpoint that it became */
};

/* ERR_INVALID: d says what stands in the way. */
enum err restore_plan(const struct restore_ask *ask, const struct change_env *env,
                      struct intakelog *log, struct diag *d);
/* The logs of streams that are empty begin where the savepoint has read to. */
enum err restore_seed(const struct savemeta *m, const struct change_env *env, struct intakelog *log,
                      struct diag *d);

/* --- a running server --- */
enum err restore_want(struct runtimeloop *l, const struct restore_ask *ask); /* ERR_CONFLICT */
bool restore_turn(struct runtimeloop *l); /* true: another attempt is to be made now */
void restore_running(struct runtimeloop *l);
void restore_refuse(struct runtimeloop *l);

#endif
