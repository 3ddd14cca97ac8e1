/* SPDX-License-Identifier: Apache-2.0 */
/* checkpointer.h - the coordinator of checkpoints: when one is made, who has answered, when it is complete, which are kept;
 * and from which one a new attempt goes on.
 *
 * Room:   runtimeloop, workers' answers, alert writer -> [checkpointer] -> state/checkpoint, CONTROL_STATE, CONTROL_CHECKPOINT
 * Owns:   <data>/checkpoints and <data>/state; the history
 * Thread: the runtime's, but for what says otherwise.  Time: montime for its pace.
 *
 *   IDLE --due or asked for--> ALIGNING --all have begun--> WRITING --all written, results stored--> IDLE
 *
 * Complete is one whose workers have written all and of which the alert writer has stored every result from before it. While
 * ALIGNING no other change is begun, as the barriers are those of a change of rules. */
#ifndef WEIR_SERVER_CHECKPOINTER_H
#define WEIR_SERVER_CHECKPOINTER_H
#include "server/alerts/alertwriter.h"
#include "server/checkpoint/savemeta.h"
#include "server/intake/feed.h"
#include "server/run/crew.h"
#include "server/run/runtime.h"

struct checkpointer;

struct checkpointer_env {
    struct registry *registry;
    struct feed *feed;
    struct intakelog *log;
    struct alertwriter *alerts;
    struct crew *crew;
    unsigned workers, key_groups;
    void (*wake)(void *ctx); /* something was stored: the loop is to look */
    void *ctx;
};

/* Makes the folders, reads what is there. */
enum err checkpointer_open(const char *data, const struct runtime_checkpoint_options *o,
                           struct diag *d, struct checkpointer **out);
void checkpointer_set_env(struct checkpointer *c, const struct checkpointer_env *env);
/* Between two attempts: there are that many workers from now on. */
void checkpointer_scale(struct checkpointer *c, unsigned workers);
/* What waits, and what still comes, is answered with ERR_CLOSED. After the runtime's thread has ended. */
void checkpointer_refuse(struct checkpointer *c);
void checkpointer_close(struct checkpointer *c); /* NULL is fine */

/* A new attempt: what the workers, the feed and the alert writer are to go on from is told to them. Ends the checkpoint that
 * was under way. Before INIT. */
void checkpointer_attempt(struct checkpointer *c, uint32_t epoch);
void checkpointer_attempt_failed(struct checkpointer *c, const char *why);

/* What the loop calls each turn. may_begin: workers run, nothing is being changed. *epoch is raised when one begins. False:
 * more have failed in a row than are tolerated, the attempt is to end. */
bool checkpointer_turn(struct checkpointer *c, bool may_begin, uint32_t *epoch);
/* Barriers are on their way; or workers still write, for a while: what they have not given out yet, a change of rules would
 * make them give out in one piece. */
bool checkpointer_holds_changes(const struct checkpointer *c);
/* CONTROL_BEGUN, CONTROL_WRITTEN, CONTROL_UNUSABLE. *again: another attempt is to be made, from an older one or from none. */
enum err checkpointer_frame(struct checkpointer *c, unsigned worker, const struct channel_frame *f,
                            bool *again);

/* None is under way. What stands in that folder (a savepoint's) becomes the newest complete checkpoint: the next attempt begins
 * from it. *id: its number. */
enum err checkpointer_adopt(struct checkpointer *c, const struct savemeta *m, const char *folder,
                            struct diag *d, uint64_t *id);
/* Until one of this server's own is complete, it is that one or none: no attempt begins from an older one, or from nothing. */
void checkpointer_insist(struct checkpointer *c, uint64_t id);
uint64_t checkpointer_newest(const struct checkpointer *c); /* complete one; 0: none */
/* Has one of those that are kept that rule, or is none kept? */
bool checkpointer_has_rule(const struct checkpointer *c, uint64_t uid);
/* Has the one from which the present attempt began that rule? */
bool checkpointer_began_with(const struct checkpointer *c, uint64_t uid);
bool checkpointer_is_idle(const struct checkpointer *c);

/* Any thread. */
void checkpointer_want(struct checkpointer *c, runtime_done *done, void *ctx);
/* The same for somebody who keeps what it writes. On the runtime's thread: */
struct checkpointer_keeper {
    const char *trigger; /* a literal */
    void (*began)(
        void *ctx); /* may be NULL; its barrier is on its way: the rules are those that it is of */
    /* ERR_OK: it is complete, and its folder is there as long as this does not return. */
    void (*ended)(void *ctx, enum err e, const struct diag *d, const struct checkmeta *m,
                  const char *folder);
    void *ctx;
};
void checkpointer_keep(struct checkpointer *c, const struct checkpointer_keeper *k);
/* The alert writer's: all results of that worker from before checkpoint `id` are stored. */
void checkpointer_stored(void *checkpointer, uint64_t id, const struct bytes *cooldown,
                         const struct bytes *sinks);
/* … or cannot be: alertwriter.h not_stored. */
void checkpointer_not_stored(void *checkpointer, uint64_t id, const char *why, bool again);
unsigned checkpointer_history(struct checkpointer *c, struct runtime_checkpoint *out, unsigned cap);
void checkpointer_counts(struct checkpointer *c, struct runtime_checkpoint_counts *out);

#endif
