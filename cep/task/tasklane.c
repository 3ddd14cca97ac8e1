/* SPDX-License-Identifier: Apache-2.0
 *
 * Who waits for whom where a version takes over from a lane, and what a lane may be. Both sides stop at the time of the
 * handover: the rule's, since rows of after it are to find the lane's state; the lane's, since that state is to be of that
 * time. The moving itself is taskupgrade.c's. */
#include "cep/task/tasklane.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"

const char *tasklane_refuses(const struct rule_plan *p)
{
    if (p->shape == RULE_FILTER)
        return "it has no state: each row is decided by itself";
    if (plan_is_derived(p))
        return "it reads what another rule finds";
    if (windowprog_by_arrival(p))
        return "its rows are taken as they come, not in order of time";
    if (windowprog_by_mark(p))
        return "it fires with each rise of the watermark";
    for (unsigned side = 0; p->shape == RULE_JOIN && side < 2; side++)
        if (p->join.side[side].schema->derived != DERIVED_NOT)
            return "it joins rows that are looked up in a table";
    return NULL;
}

/* --- who waits for whom --- */

static void hold(struct task_key *k, evtime at)
{
    k->hold = at < k->hold ? at : k->hold;
}

void tasklane_bind(struct task *t)
{
    t->holds = t->job->nrejoins > 0;
    for (unsigned i = 0; i < t->nkeys; i++)
        t->keys[i]->hold = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys; i++) {
        struct task_key *k = t->keys[i];
        for (unsigned n = 0; n < k->def->nhandovers; n++) {
            const struct jobdef_handover *h = &k->def->handovers[n];
            if (!h->lane || k->ops[h->to].took)
                continue;
            hold(t->keys[h->of], h->at);
            if (taskupgrade_waits(k, h))
                hold(k, h->at);
            t->holds = true;
        }
    }
}

bool tasklane_meet(struct task *t, unsigned stage)
{
    bool any = false;
    for (unsigned i = 0; i < t->nkeys; i++)
        if (t->keys[i]->def->stage == stage)
            any = taskupgrade_from_lane(t->keys[i]) || any;
    if (any)
        tasklane_bind(t);
    return any;
}

evtime tasklane_hold(const struct task *t, const struct jobdef_rule *r)
{
    if (r->join != NULL)
        return taskrejoin_hold(t, r->slot);
    bool keyed = r->match != NULL || r->over != NULL ||
                 (r->window != NULL && r->pub.plan->shape == RULE_WINDOW);
    return keyed ? t->keys[r->keydef]->hold : EVTIME_MAX;
}

evtime tasklane_least(const struct task *t, uint32_t stream)
{
    evtime least = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys; i++)
        if (t->keys[i]->stream == stream && t->keys[i]->hold < least)
            least = t->keys[i]->hold;
    return least;
}

void tasklane_fini(struct task *t)
{
    t->lane = NULL;
}
