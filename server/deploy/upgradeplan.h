/* SPDX-License-Identifier: Apache-2.0 */
/* upgradeplan.h - what a new version of a rule keeps of the running one's state, said before anything happens.
 *
 * Room:   api_plan, api_diff -> [upgradeplan: cep/key/statemap] -> JSON
 * Owns:   the map of the two versions; the plans are the caller's, and outlive it.  Thread: any.  Time: none.
 *
 * {"state":"kept"|"mapped"|"reset","reason":"…"|null,"items":[{"kind":"variable","name":"B","verdict":"keep"|"migrate"|
 * "reset"|"new","reason":"…"|null,"touches":{"keys":3,"partials":4,"dropped":0}|null}]}. Kinds: variable, time, window, aggregate,
 * call (of OVER), join (a side of it), measure, column. `touches`: keys, partial matches (and those of them that are dropped), open windows, rows, as it has them. */
#ifndef WEIR_SERVER_UPGRADEPLAN_H
#define WEIR_SERVER_UPGRADEPLAN_H
#include "cep/plan.h"
#include "cep/task/taskcount.h"

struct upgradeplan;

struct upgradeplan_counts { /* of the running version */
    struct taskcount state;
    uint64_t keys, windows;
};

struct upgradeplan *upgradeplan_new(const struct rule_plan *from, const struct rule_plan *to);
void upgradeplan_free(struct upgradeplan *p); /* NULL is fine */
/* What a count of partial matches wants to know (taskcount.h): which are lost, the caller's to free (NULL: none); and the age
 * past which they end at once, because WITHIN becomes shorter; 0: it does not. */
struct taskcount_state *upgradeplan_states(const struct upgradeplan *p, unsigned *n);
int64_t upgradeplan_shorter_ms(const struct rule_plan *from, const struct rule_plan *to);
/* now: NULL: nothing was counted. */
void upgradeplan_write(const struct upgradeplan *p, const struct upgradeplan_counts *now,
                       struct bytes *out);

#endif
