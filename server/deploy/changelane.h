/* SPDX-License-Identifier: Apache-2.0 */
/* changelane.h - a rule made for one operation, which reads again what has gone by: its beginning, its end.
 *
 * Room:   change -> [changelane: changecut, laneplan] -> catalogue, registry, feed
 * Owns:   nothing.  Thread: the runtime's.  Time: event time in cuts.
 *
 * It is "r@lane-7", stands for r and tells nobody what it finds. It reads forks of the streams (registry.h) from where the
 * operation begins; they and it are in checkpoints as any stream and rule. The version that it is made for takes its state at
 * the time at which it ends (job_cut.from); until no checkpoint is of before that, the registry and the catalogue have it. */
#ifndef WEIR_SERVER_CHANGELANE_H
#define WEIR_SERVER_CHANGELANE_H
#include "server/deploy/change.h"

enum { CHANGELANE_FORK_BIT = 27, CHANGELANE_ROOT_BITS = 3 };

struct lanesave;
struct changelane { /* what is asked for; texts live until it is done */
    uint64_t operation;
    uint64_t rule; /* uid */
    const char *sql;
    evtime since; /* laneplan.h */
    const struct lanesave *save; /* it begins with that, and its forks wait; NULL: with nothing */
    /* out: */
    uint64_t uid; /* the rule that was made */
    struct job_mark *marks; /* where it begins; mem_free */
    unsigned nmarks;
};
enum err changelane_begin(const struct change_env *env, struct changelane *what, struct diag *d,
                          struct change_delta *delta);
/* Its end, at the very time of that cut: before workers are told of it, with the version that takes its state. */
enum err changelane_ends(const struct change_env *env, uint64_t uid, evtime w, struct diag *d,
                         struct change_delta *delta);
/* Workers know it no longer. for_good: nor does anybody else. */
void changelane_over(const struct change_env *env, uint64_t uid, bool for_good,
                     struct change_delta *delta);
bool changelane_is_name(const char *rule); /* is a rule of that name such a one? */
/* No checkpoint has it any more, and workers know it no longer. */
void changelane_forget(const struct change_env *env, uint64_t uid);

#endif
