/* SPDX-License-Identifier: Apache-2.0
 *
 * Which state may go to the next version of a rule piece by piece (taskupgrade.c). Some kinds go at once. Keys that are out of
 * memory have notes of when something of them is due, by the old version's times. Windows that the clock or each rise of the
 * watermark fires are asked all together, and those that have not gone over would not answer. Where partial matches may be over
 * sooner than before (may_wait), the old version's timers do not say which. And a copy of state with 'state-ttl': what is over in
 * the old version is forgotten there. */
#include "cep/key/statemap.h"
#include "cep/task/taskdef.h"

struct task_key *taskslow_giver(const struct task_key *k, const struct jobdef_handover *h)
{
    return h->lane ? k->snap.t->keys[h->of] : (struct task_key *)(uintptr_t)k;
}

/* Windows of which time and their own key's rows alone ask anything, not the watermark's rise or the clock. */
static bool are_plain(const struct task_op *op)
{
    enum window_trigger t = op->rule->pub.plan->window.trigger;
    return t == TRIGGER_EVENT_TIME || t == TRIGGER_COUNT;
}

/* Whose partial matches may be over sooner than the old version knows: when they are due is found by its times. It makes no
 * difference but to rules that are told of timeouts, or by them, in order of time. */
static bool may_wait(const struct task_op *from, const struct task_op *to,
                     const struct matchmap *map)
{
    bool in_order = to->rule->keyed.read || match_has_steps(from->match) ||
                    match_has_steps(to->match) || to->ttl != NULL;
    return !in_order || !map->sooner;
}

/* Piece by piece? What is given up always; else where it is known which keys something is due of in the new version. Not
 * with keys that are out of memory, nor where the rise of the watermark asks all windows. */
bool taskslow_may(const struct task_key *k, const struct jobdef_handover *h)
{
    const struct task_op *from = &taskslow_giver(k, h)->ops[h->from], *to = &k->ops[h->to];
    bool as_ever =
        !from->rule->keyed.read && from->ttl == NULL && to->ttl == NULL &&
        (from->match == NULL || (!match_has_steps(from->match) && !match_has_steps(to->match)));
    if (taskjob_cells(from) <= k->snap.t->at_once_keys)
        return false;
    if (h->copies && (h->lane || from->ttl != NULL || to->ttl != NULL ||
                      h->map->way == STATEMAP_RESET || taskcopy_had_begun(k, h)))
        return false;
    if (h->map->way == STATEMAP_RESET)
        return !h->lane;
    if ((h->lane && !as_ever) || k->out.on || k->keyed.by_arrival || k->def->by_mark)
        return false;
    if (from->match != NULL)
        return may_wait(from, to, h->map->match);
    return from->over != NULL || (are_plain(from) && are_plain(to));
}
