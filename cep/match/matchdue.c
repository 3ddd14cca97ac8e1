/* SPDX-License-Identifier: Apache-2.0
 *
 * When a run is over. Mostly runs are over in the order in which they begin. With WITHIN on elements a row can put it off,
 * and with queues runs begin out of order (`heaped`): then the time follows from all that is in the run. */
#include "cep/match/matchrun.h"

evtime matchdue_of_edge(const struct match_node *n, const struct nfa_edge *e)
{
    evtime end;
    if (e->step_ms < 0 || __builtin_add_overflow(n->row->row.ts, e->step_ms, &end))
        return EVTIME_MAX;
    return end;
}

evtime matchdue_absent_until(const struct match *m, const struct match_run *run,
                             const struct match_node *n)
{
    const struct nfa_state *st = &m->p->nfa->states[n->state];
    evtime end = matchend_time(m, run);
    for (uint64_t left = st->accepts; left != 0; left &= left - 1) {
        evtime step = matchdue_of_edge(n, &st->edges[__builtin_ctzll(left)]);
        end = step < end ? step : end;
    }
    return end;
}

static evtime due_of(const struct match *m, const struct match_run *run)
{
    evtime due = run->past ? EVTIME_MAX : matchend_time(m, run);
    for (const struct match_node *n = run->list; n != NULL; n = n->next) {
        const struct nfa_state *st = &m->p->nfa->states[n->state];
        for (uint64_t left = n->live; left != 0; left &= left - 1) {
            const struct nfa_edge *e = &st->edges[__builtin_ctzll(left)];
            evtime end = matchdue_of_edge(n, e);
            if (e->to != NFA_ACCEPT || !(n->flags & MATCH_NODE_WAITED))
                due = end < due ? end : due;
        }
    }
    return due;
}

/* Timers know no time that never comes: then it is the end of the input. */
static evtime timer_at(const struct match *m, const struct match_run *run)
{
    evtime due = m->p->heaped ? due_of(m, run) : matchend_time(m, run);
    return due < MATCHDUE_AT_END ? due : MATCHDUE_AT_END;
}

void matchdue_add(struct match *m, struct match_run *run)
{
    if (timer_is_set(&run->timer))
        timers_set(&m->timers, &run->timer, timer_at(m, run));
    else
        timers_add(&m->timers, &run->timer, timer_at(m, run));
}

void matchdue_add_beside(struct match *m, struct match_run *run, struct match_run *of)
{
    if (m->p->heaped)
        matchdue_add(m, run);
    else
        timers_set_beside(&m->timers, &run->timer, &of->timer);
}

void matchdue_remove(struct match *m, struct match_run *run)
{
    timers_unset(&m->timers, &run->timer);
}

struct each { /* matchdue_each */
    void (*f)(void *ctx, struct keystate *c);
    void *ctx;
};

static struct match_run *run_of(struct timer *x)
{
    return (struct match_run *)(void *)((char *)x - offsetof(struct match_run, timer));
}

static void one_due(void *each, struct timer *x)
{
    const struct each *e = each;
    e->f(e->ctx, &run_of(x)->cell->state);
}

void matchdue_each(const struct match *m, evtime to, void (*f)(void *ctx, struct keystate *c),
                   void *ctx)
{
    struct each e = {f, ctx};
    timers_each(&m->timers, to, one_due, &e);
}

struct match_run *matchdue_first(const struct match *m)
{
    struct timer *x = timers_first(&m->timers);
    return x == NULL ? NULL : run_of(x);
}
