/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.h - operations whose state is derived beside everything else: what each waits for, and what is done next.
 *
 * Room:   API -> [lanes: runtime's loop] -> change (changelane, changerule) -> catalogue
 * Owns:   a copy of the operations that have not ended, or whose lane a checkpoint may still need
 * Thread: any, a lock inside; lanes_turn and the notes of changes: the runtime's.  Time: wall clock of limits.
 *
 *   WAITS --its lane is deployed--> READS --nearly there--> SWITCHES --every worker has its state--> DONE
 *     a request to end it, or what goes wrong, before SWITCHES is recorded: the lane goes, the active version never knew
 *
 * Each step is recorded in the catalogue with the change that makes it. After a crash the operation is where it was: its lane
 * goes on from a checkpoint, or begins again, as any rule does. */
#ifndef WEIR_SERVER_LANES_H
#define WEIR_SERVER_LANES_H
#include "server/deploy/change.h"
#include "state/catalog_operations.h"

enum {
    LANES_NEAR_ROWS = 2000, /* so far behind, it is switched: the rest waits in the order */
    LANES_LOAD_MS = 300000 /* a savepoint's state is loaded in that time, or the operation fails */
};

struct lanes;

/* savepoints: the folder of all. */
struct lanes *lanes_new(const struct lanes_limits *limits, struct feed *feed, char *savepoints);
void lanes_free(struct lanes *l); /* NULL is fine */
/* At the start, before rules are loaded: the forks that they read; after: the operations. */
enum err lanes_load_forks(const struct change_env *env, struct diag *d);
enum err lanes_load(struct lanes *l, const struct change_env *env);

/* --- for the API: any thread --- */
/* A new one, which waits until lanes_go; o->id is its number. ERR_CONFLICT: the rule has one already, or there are too many. */
enum err lanes_add(struct lanes *l, const struct change_env *env, struct catalog_operation *o,
                   struct diag *d);
void lanes_go(struct lanes *l, uint64_t id); /* the savepoint that came first is there */
void lanes_failed(struct lanes *l, uint64_t id, const char *why); /* … or cannot be */
/* ERR_NOT_FOUND: it has ended; ERR_CONFLICT: the version is active already. */
enum err lanes_cancel(struct lanes *l, uint64_t id);
struct lanes_progress {
    enum catalog_operation_state state;
    uint64_t done, all, behind; /* rows (feed.h) */
    evtime watermark; /* of the lane; EVTIME_MIN: none yet */
    double rows_per_s; /* of the last seconds */
};
bool lanes_progress(struct lanes *l, uint64_t id, struct lanes_progress *out); /* of an open one */
struct lanes_counts {
    uint64_t open, done, failed, cancelled, rows; /* the last four since the start */
};
void lanes_counts(struct lanes *l, struct lanes_counts *out);
bool lanes_needs_savepoint(struct lanes *l, const char *name); /* it may not go */
const char *lanes_savepoints(const struct lanes *l); /* the folder of all */

/* --- for changes: the runtime's thread --- */
enum err lanes_begin(const struct change_env *env, uint64_t id, struct diag *d,
                     struct change_delta *delta);
/* The rule's next version takes the state of the operation's lane at that time: in the transaction that records the version. */
enum err lanes_switch(const struct change_env *env, uint64_t id, evtime w, uint32_t version,
                      struct diag *d, struct change_delta *delta);
/* The rule that was made for it; 0: it has none. */
uint64_t lanes_uid(struct lanes *l, uint64_t id);
void lanes_over(const struct change_env *env, uint64_t id, struct change_delta *delta);
/* Something else became of the rule: what is done for it ends. */
void lanes_superseded(const struct change_env *env, uint64_t rule, const char *why);

/* --- for the loop --- */
struct lanes_look { /* what is known of the workers */
    bool running; /* they run, and nothing is being changed */
    bool (*took)(void *ctx, uint64_t uid, uint32_t version); /* in every worker */
    bool (*in_checkpoint)(void *ctx, uint64_t uid); /* of those that are kept, or there is none */
    void *ctx;
};
/* What is to be changed now; NULL: nothing. */
struct change *lanes_turn(struct lanes *l, const struct change_env *env,
                          const struct lanes_look *look);

#endif
