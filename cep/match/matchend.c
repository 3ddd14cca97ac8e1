/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a run and its nodes when a time is over: a NOT that waited so long holds, a loop that can take no more is done,
 * and rows that still wait for another are a timeout. */
#include "base/mem.h"
#include "cep/match/matchrun.h"

evtime matchend_time(const struct match *m, const struct match_run *run)
{
    evtime end;
    if (m->p->m->within_ms < 0 || m->p->m->within_each_step ||
        __builtin_add_overflow(run->first, m->p->m->within_ms, &end))
        return EVTIME_MAX;
    return end;
}

/* When n, which waits for a row, timed out; EVTIME_MAX: it did not. */
static evtime time_of(const struct match *m, const struct match_run *run,
                      const struct match_node *n)
{
    const struct nfa_state *st = &m->p->nfa->states[n->state];
    evtime last = EVTIME_MIN;
    if ((n->live & ~st->accepts) != 0)
        return matchend_time(m, run);
    if (!(n->flags & MATCH_NODE_LATE))
        return EVTIME_MAX;
    for (unsigned i = 0; i < st->nedges; i++)
        if (st->edges[i].to != NFA_ACCEPT && st->edges[i].step_ms >= 0 &&
            matchdue_of_edge(n, &st->edges[i]) > last)
            last = matchdue_of_edge(n, &st->edges[i]);
    return last == EVTIME_MIN ? matchend_time(m, run) : last;
}

/* n waits for no row any longer, for time's sake. The same rows may still wait in another way. */
static void miss(struct match *m, struct match_run *run, struct match_node *n, evtime t)
{
    for (struct match_node *o = run->list; o != NULL && m->p->nfa->ambiguous; o = o->next) {
        const struct nfa_state *st = &m->p->nfa->states[o->state];
        if (o == n || o->extra[0] != n->extra[0])
            continue;
        for (uint64_t left = o->live & ~st->accepts; left != 0; left &= left - 1)
            if (matchdue_of_edge(o, &st->edges[__builtin_ctzll(left)]) > t)
                return;
    }
    n->flags |= MATCH_NODE_LATE;
}

/* The same rows may yet be a match, by absence. */
static bool may_be_match(const struct match *m, const struct match_run *run,
                         const struct match_node *n)
{
    for (struct match_node *o = run->list; o != NULL && m->p->nfa->ambiguous; o = o->next)
        if (o->extra[0] == n->extra[0] && (o->live & m->p->nfa->states[o->state].accepts) != 0)
            return true;
    return false;
}

void matchend_sweep(struct match *m, struct match_run *run)
{
    if (!m->p->no_skip || !m->p->nfa->ambiguous || !m->p->nfa->steps)
        return;
    for (struct match_node **at = &run->list, *n; (n = *at) != NULL;) {
        if (n->live != 0 || !(n->flags & MATCH_NODE_LATE) || may_be_match(m, run, n)) {
            at = &n->next;
            continue;
        }
        if (!(n->flags & MATCH_NODE_FOUND) && !matchrun_given_before(m, run, n))
            matchout_timeout(m, run->cell, n, time_of(m, run, n));
        *at = n->next;
        matchrun_drop(m, run->cell, n);
    }
}

bool matchend_is_spent(struct match *m, struct match_run *run, struct match_node *n)
{
    if (n->flags & MATCH_NODE_DONE)
        return false;
    if (!(n->flags & MATCH_NODE_LATE))
        return true;
    if (!m->p->no_skip || m->p->nfa->ambiguous)
        return false;
    if (!(n->flags & MATCH_NODE_FOUND))
        matchout_timeout(m, run->cell, n, time_of(m, run, n));
    return true;
}

/* The time is over: is n a match by one of its live accept edges? Which, or -1. */
static int accepts_at_end(const struct match_prog *p, const struct match_node *n, bool end_of_input)
{
    const struct nfa_state *st = &p->nfa->states[n->state];
    for (uint64_t left = n->live; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        const struct nfa_edge *e = &st->edges[i];
        if (e->to == NFA_ACCEPT && (e->next_nots == 0 || (n->flags & MATCH_NODE_OLD)) &&
            (!e->at_end || end_of_input))
            return (int)i;
    }
    return -1;
}

/* Edges whose time is over at t end; a NOT that waited so long holds; a loop that can take no more is done. True: cut. */
static bool expire_node(struct match *m, struct match_run *run, struct match_node *n, evtime t)
{
    const struct nfa_state *st = &m->p->nfa->states[n->state];
    uint64_t waited = n->live & ~st->accepts;
    bool cut = false;
    for (uint64_t left = waited; left != 0; left &= left - 1)
        if (matchdue_of_edge(n, &st->edges[__builtin_ctzll(left)]) <= t)
            n->live &= ~(left & -left);
    for (uint64_t left = n->live & st->accepts; left != 0 && !cut; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        const struct nfa_edge *e = &st->edges[i];
        bool late = matchdue_of_edge(n, e) <= t;
        bool next = e->next_nots == 0 || (n->flags & MATCH_NODE_OLD);
        if (late && ((e->blockers & n->live) != 0 || !next)) {
            n->flags |= MATCH_NODE_WAITED; /* for a greedy loop before it, or the next row */
            continue;
        }
        if ((late || (e->nots == 0 && (e->blockers & n->live) == 0)) && !e->at_end && next) {
            cut = matchrun_found(m, run, n, i, e->nots != 0 ? t : n->row->row.ts, t);
            run->best_at_end = e->nots != 0;
        } else if (late) {
            n->live &= ~(left & -left);
        }
    }
    if (waited != 0 && !cut && (n->live & ~st->accepts) == 0 && !(n->flags & MATCH_NODE_FOUND))
        miss(m, run, n, t);
    return cut;
}

void matchend_expire(struct match *m, struct match_run *run, evtime t)
{
    struct match_node **at = &run->list;
    bool alive = false;
    for (struct match_node *n; (n = *at) != NULL;) {
        bool cut = expire_node(m, run, n, t);
        if (cut) {
            matchrun_drop_list(m, run->cell, n->next);
            n->next = NULL;
        }
        if (n->live == 0 && matchend_is_spent(m, run, n)) {
            *at = n->next;
            matchrun_drop(m, run->cell, n);
        } else {
            alive |= n->live != 0;
            at = &n->next;
        }
    }
    matchend_sweep(m, run);
    if (m->p->tangled)
        alive = matchrank_settle(m, run, false);
    run->decided = !alive;
}

/* The edges by which a node is a match if no row comes any more. */
static uint64_t ends_of(const struct match_prog *p, const struct match_node *n)
{
    const struct nfa_state *st = &p->nfa->states[n->state];
    uint64_t ends = 0;
    for (uint64_t left = n->live & st->accepts; left != 0; left &= left - 1)
        if (st->edges[__builtin_ctzll(left)].at_end)
            ends |= left & -left;
    return ends;
}

/* The time is over, but not for `$`: what can be a match at the end of the input stays for it. True: something can. */
static bool stay_for_the_end(struct match *m, struct match_run *run)
{
    struct match_node **at = &run->list;
    bool some = false;
    for (struct match_node *n; (n = *at) != NULL;) {
        uint64_t ends = ends_of(m->p, n);
        bool late = (n->live & ~m->p->nfa->states[n->state].accepts) != 0;
        if (late && !m->p->no_skip)
            n->flags |= MATCH_NODE_LATE;
        n->live = ends;
        some |= ends != 0;
        if (ends != 0 || (n->flags & (MATCH_NODE_LATE | MATCH_NODE_DONE))) {
            at = &n->next;
        } else {
            *at = n->next;
            matchrun_drop(m, run->cell, n);
        }
    }
    return some;
}

void matchend_run(struct match *m, struct match_run *run, bool end_of_input)
{
    evtime over = matchend_time(m, run);
    for (struct match_node *n = run->list; n != NULL; n = n->next) {
        int i = accepts_at_end(m->p, n, end_of_input);
        if (i < 0)
            continue;
        /* A match decided by absence has the time at which it was. */
        bool absence = m->p->nfa->states[n->state].edges[i].nots != 0;
        if (!matchrun_found(m, run, n, (unsigned)i, absence ? over : n->row->row.ts, over))
            continue;
        run->best_at_end = absence;
        matchrun_drop_list(m, run->cell, n->next);
        n->next = NULL;
        break;
    }
    if (m->p->no_skip)
        matchend_timeouts(m, run);
    run->past = m->p->nfa->at_end && !end_of_input && stay_for_the_end(m, run);
    if (m->p->tangled)
        run->past = matchrank_settle(m, run, !run->past);
    run->decided = !run->past;
}

/* With the skip modes: of a run that has no match, so that its `best` is free to be `found`. */
void matchend_timeouts(struct match *m, struct match_run *run)
{
    for (struct match_node *n = run->list; n != NULL; n = n->next) {
        evtime end = time_of(m, run, n);
        if (end != EVTIME_MAX && !(n->flags & MATCH_NODE_FOUND) &&
            !matchrun_given_before(m, run, n))
            matchout_timeout(m, run->cell, n, end);
    }
    if (m->p->no_skip)
        return;
    mem_free(run->found);
    run->best = NULL;
}
