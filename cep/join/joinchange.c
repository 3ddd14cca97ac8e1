/* SPDX-License-Identifier: Apache-2.0
 *
 * A join that goes on as another version of its rule. What it keeps stays as it is: rows lie in order of time, so they are
 * over when the new bounds say so, each when it is the first. Only a shorter 'state-ttl' is looked for at every key. */
#include "cep/join/joinrun.h"

void joinchange(struct join *j, const struct joinprog *p, const struct keyed_rule *rule,
                size_t max_rows)
{
    int64_t had = j->rule.plan->state_ttl_ms, ttl = rule->plan->state_ttl_ms;
    const struct keytable *t = &j->side[JOIN_LEFT].table;
    join_bind(j, p, rule);
    j->max_rows = max_rows;
    if (ttl == 0 || (had > 0 && ttl >= had)) /* a timer that is too early is set anew */
        return;
    for (size_t i = 0; i < t->nslots; i++) {
        struct key *key = t->slots[i].key;
        struct join_state *s = key == NULL ? NULL : (struct join_state *)key->cells;
        if (s != NULL)
            timers_set(&j->quiet, &s->quiet, s->last + ttl);
    }
}
