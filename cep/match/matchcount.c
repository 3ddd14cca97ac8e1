/* SPDX-License-Identifier: Apache-2.0 */
/* The partial matches of one key for taskcount.h: at which variables they wait, which of them a map (matchmap.h) would lose. */
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include "cep/task/taskcount.h"

enum { LOOKED_MAX = 1 << 18 }; /* past it ways are no longer gone back for one answer */

/* Is a row of it, or of one before it, at a state that is no more? */
static bool way_is_lost(const struct match_node *n, const struct taskcount_ask *ask,
                        struct taskcount *out)
{
    for (; n != NULL && out->looked < LOOKED_MAX; n = n->parent, out->looked++)
        if (ask->states[n->state].flags & TASKCOUNT_LOST)
            return true;
    return false;
}

static bool is_lost(const struct match_node *n, const struct taskcount_ask *ask, bool any_lost,
                    struct taskcount *out)
{
    const struct taskcount_state *s = &ask->states[n->state];
    if (any_lost && way_is_lost(n, ask, out))
        return true;
    if ((n->live & s->known) != 0 || (s->flags & TASKCOUNT_FRESH) != 0)
        return false;
    return (s->flags & TASKCOUNT_FRESH_NEXT) == 0 || (n->live & s->next) == 0;
}

void matchcount_key(const struct match *m, const struct keystate *state, evtime now,
                    const struct taskcount_ask *ask, struct taskcount *out)
{
    const struct match_cell *c = (const struct match_cell *)(const void *)state;
    bool maps = ask->states != NULL && ask->nstates == m->p->nfa->nstates, any_lost = false;
    uint64_t met = 0;
    for (unsigned s = 1; maps && s < ask->nstates; s++)
        any_lost |= (ask->states[s].flags & TASKCOUNT_LOST) != 0;
    out->keys++;
    for (const struct match_run *run = c->first; run != NULL; run = run->next) {
        bool old = ask->older_ms > 0 && now != EVTIME_MIN && run->first <= now - ask->older_ms;
        for (const struct match_node *n = run->list; n != NULL; n = n->next) {
            int v = m->p->nfa->states[n->state].var;
            bool lost = maps && is_lost(n, ask, any_lost, out);
            met |= UINT64_C(1) << v;
            out->partials++;
            out->looked++;
            out->older += old;
            out->dropped += lost;
            out->vars[v].partials++;
            out->vars[v].dropped += lost;
        }
    }
    for (; met != 0; met &= met - 1)
        out->vars[__builtin_ctzll(met)].keys++;
}

struct taskcount_state *matchcount_states(const struct matchmap *m)
{
    struct taskcount_state *all = mem_array(m->nstates, sizeof *all);
    for (unsigned s = 1; s < m->nstates; s++) {
        const struct matchmap_state *of = &m->states[s];
        all[s].flags = (uint8_t)((of->to == MATCHMAP_NONE ? TASKCOUNT_LOST : 0) |
                                 (of->fresh != 0 ? TASKCOUNT_FRESH : 0) |
                                 (of->fresh_next != 0 ? TASKCOUNT_FRESH_NEXT : 0));
        all[s].next = of->next;
        for (unsigned e = 0; e < NFA_EDGES_MAX; e++)
            if (of->edge[e] < NFA_EDGES_MAX)
                all[s].known |= UINT64_C(1) << e;
    }
    return all;
}
