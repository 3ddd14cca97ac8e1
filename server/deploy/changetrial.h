/* SPDX-License-Identifier: Apache-2.0 */
/* changetrial.h - a version that is to run beside the active one of its rule: its beginning, its share of the keys, its end.
 *
 * Room:   change -> [changetrial: changecut] -> catalogue, registry, feed, trials
 * Owns:   nothing.  Thread: the runtime's; copy and free: any.  Time: event time in cuts.
 *
 * It is a rule of its own, "r@4", that stands for r: it begins with a copy of the active one's state, or as a new rule does,
 * and its state, cuts and checkpoints are as any rule's. Whose results are told, trials.h says when they are written down. */
#ifndef WEIR_SERVER_CHANGETRIAL_H
#define WEIR_SERVER_CHANGETRIAL_H
#include "server/deploy/change.h"

struct changetrial { /* what is asked for */
    const char *rule;
    bool end; /* the one that runs is to end; else: */
    const char *sql;
    uint32_t version;
    unsigned percent;
    bool reset; /* it begins without state */
    const char *author, *reason; /* or NULL */
};
struct changetrial *changetrial_copy(const struct changetrial *what);
void changetrial_free(struct changetrial *what); /* of a copy; NULL is fine */

/* ERR_CONFLICT, ERR_UNSUPPORTED, or what is wrong with the text: as things are now. */
enum err changetrial_may(const struct change_env *env, const struct changetrial *what,
                         struct diag *d);
enum err changetrial_commit(const struct change_env *env, const struct changetrial *what,
                            struct diag *d, struct change_delta *delta);
/* It goes: nothing of it is waited for any more, or its heir has its state. */
void changetrial_over(const struct change_env *env, uint64_t uid, struct change_delta *delta);
/* The version that takes over from the active one is the one that runs beside it, with the state that it has: the trial's
 * number. 0: d says why not. */
uint64_t changetrial_gives(const struct change_env *env, const struct registry_rule *rule,
                           uint32_t version, struct diag *d);
/* It does at w, as that version of the rule. The trial stays as a rule that has ended, until no checkpoint can lead back to
 * before w. */
enum err changetrial_becomes(const struct change_env *env, uint64_t trial, evtime w,
                             uint32_t version, struct diag *d, struct change_delta *delta);
/* The version that has taken the state of a trial that has ended so; NULL: none, or it is a trial still. */
const struct registry_rule *changetrial_heir(const struct change_env *env,
                                             const struct registry_rule *trial);
/* The rule gets another active version, from that event time on; EVTIME_MIN: at once, without the old one's state. */
void changetrial_superseded(const struct change_env *env, uint64_t rule, evtime w,
                            struct change_delta *delta);
/* The rule is paused, resumed, ended: so is what runs beside it. */
void changetrial_follows(const struct change_env *env, uint64_t rule, bool deployed,
                         enum rule_mode mode, struct diag *d, struct change_delta *delta);

#endif
