/* SPDX-License-Identifier: Apache-2.0 */
/* changecut.h - the cut that a change makes, what else it concerns (the feed, rules that read the rule), and the note of it.
 *
 * Room:   change -> [changecut] -> catalogue, registry, feed
 * Owns:   nothing but what it says
 * Thread: the runtime's.  Time: evtime in cuts. */
#ifndef WEIR_SERVER_CHANGECUT_H
#define WEIR_SERVER_CHANGECUT_H
#include "server/deploy/change.h"

enum { CHANGECUT_MARKS_MAX = PLAN_ROOTS_MAX * SCHEMA_PARTITIONS_MAX };

/* Of each stream from outside that the rule is made from, one after the other in the order of plan_roots; how many. w: where
 * rules change in event time. from_start: files that end are seen from their beginning. */
unsigned changecut_marks(const struct change_env *env, const struct rule_plan *plan,
                         bool from_start, struct job_mark *marks, evtime *w);
/* A time after those of all rows before these marks; EVTIME_MAX: nobody knows (punctuated watermarks). */
evtime changecut_past(const struct rule_plan *plan, const struct job_mark *marks);
/* Can a version of that plan go on at w where one of the old plan is? The same streams, read on from where they are. Of files
 * that have been read to their end nothing is to come, so a new version sees them from the beginning, as a new rule does. */
bool changecut_goes_on(const struct rule_plan *old, const struct rule_plan *plan, evtime w);
struct catalog_cut changecut_stored(const struct job_cut *c, struct catalog_mark *marks);
void changecut_put(struct change_delta *delta, uint64_t uid);
void changecut_removed(struct change_delta *delta, uint64_t uid);
/* Out of the registry, and its streams out of the feed if no other rule reads them. */
void changecut_take_away(const struct change_env *env, const struct registry_rule *rule,
                         struct change_delta *delta);
void changecut_open(const struct change_env *env, const struct rule_plan *plan,
                    const struct job_mark *marks, struct change_delta *delta);

/* To a list of names, a struct bytes, for people: one more rule, while it is not too long. */
void changecut_name_rule(void *names, const struct registry_rule *rule);

/* How many rules read it themselves; their names behind what is in `names`. */
unsigned changecut_readers_of(const struct change_env *env, uint64_t uid, struct bytes *names);
/* ERR_CONFLICT, with their names: other rules read it. */
enum err changecut_may_go(const struct change_env *env, const struct registry_rule *rule,
                          struct diag *d);
/* May the rule be made, in place of `old` (NULL: of none), with that number (0: a new one)? Rules that read it must find the same columns. */
enum err changecut_may_come(const struct change_env *env, const struct rule_plan *plan,
                            const struct registry_rule *old, uint64_t uid, struct diag *d);

/* Rules that read one that is replaced begin anew with it, with the same text and at the same cut. */
struct changecut_readers {
    struct changecut_reader {
        uint64_t uid, stands_for;
        uint32_t version;
        char *name, *sql;
        struct job_cut from; /* where it begins anew, as it is stored */
    } * v;
    size_t n, cap;
};
enum err changecut_stop_readers(const struct change_env *env, const struct registry_rule *rule,
                                struct diag *d, struct change_delta *delta,
                                struct changecut_readers *out);
enum err changecut_start_readers(const struct change_env *env, struct changecut_readers *readers,
                                 struct diag *d, struct change_delta *delta); /* frees the list */

#endif
