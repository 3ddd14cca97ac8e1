/* SPDX-License-Identifier: Apache-2.0
 *
 * A match may be known long after its last row: with the skip modes an earlier start may still win, a greedy loop at the
 * end or a NOT waits for the next row. Rules that read this one must wait for such a match. So their times are counted
 * here, if anybody reads the rule: those of runs that have a match which is not given yet, and of nodes that may be one
 * without another row. Where a skip mode meets steps (a timeout may be told late too) or a tangled pattern, and where rows
 * are told that no match takes, all runs count. Rows that wait in a queue are looked at one by one.
 *
 * A match by absence has the time at which it is decided, and is not held by its node. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include <stdlib.h>
#include <string.h>

/* Where t is, or would be. */
static size_t place_of(const struct match_held *h, evtime t)
{
    size_t low = h->from, high = h->n;
    if (low == high || h->times[high - 1].t < t)
        return high;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (h->times[mid].t < t)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void add(struct match_held *h, evtime t)
{
    size_t at = h->loose ? h->n : place_of(h, t);
    if (at < h->n && h->times[at].t == t) {
        h->times[at].n++;
        return;
    }
    h->times = mem_grow(h->times, h->n, 1, &h->cap, sizeof *h->times);
    memmove(&h->times[at + 1], &h->times[at], (h->n - at) * sizeof *h->times);
    h->times[at] = (struct match_held_time){t, 1};
    h->n++;
}

static int by_time(const void *a, const void *b)
{
    const struct match_held_time *x = a, *y = b;
    return (x->t > y->t) - (x->t < y->t);
}

static void order(struct match_held *h)
{
    size_t n = h->from;
    if (!h->loose)
        return;
    h->loose = false;
    if (h->n > h->from)
        qsort(h->times + h->from, h->n - h->from, sizeof *h->times, by_time);
    for (size_t i = h->from; i < h->n; i++)
        if (n > h->from && h->times[n - 1].t == h->times[i].t)
            h->times[n - 1].n += h->times[i].n;
        else
            h->times[n++] = h->times[i];
    h->n = n;
}

static void take(struct match_held *h, evtime t)
{
    order(h);
    size_t at = place_of(h, t);
    BUG_IF(at == h->n || h->times[at].t != t || h->times[at].n == 0,
           "a match that is held was not counted");
    h->times[at].n--;
    while (h->from < h->n && h->times[h->from].n == 0)
        h->from++;
    if (h->from < h->n && 2 * h->from < h->n)
        return;
    memmove(h->times, h->times + h->from, (h->n - h->from) * sizeof *h->times);
    h->n -= h->from;
    h->from = 0;
}

/* All runs count, not only those that have a match. */
static bool counts_all(const struct match *m)
{
    const struct match_prog *p = m->p;
    return p->unmatched || p->empties || p->queued || p->in_order ||
           (!p->no_skip && (p->heaped || p->tangled));
}

static evtime time_of(const struct match *m, const struct match_run *run)
{
    return counts_all(m) ? run->first : run->best->row->row.ts;
}

void matchheld_begin(struct match *m, struct match_run *run)
{
    if (!m->rule.read || !counts_all(m))
        return;
    add(&m->held, run->first);
    run->held = true;
}

void matchheld_best(struct match *m, struct match_run *run, const struct match_node *n)
{
    if (!m->rule.read || counts_all(m))
        return;
    matchheld_end(m, run);
    add(&m->held, n->row->row.ts);
    run->held = true;
}

void matchheld_end(struct match *m, struct match_run *run)
{
    if (!run->held)
        return;
    take(&m->held, time_of(m, run));
    run->held = false;
}

/* Is there a live edge by which it may become a match with the time of its own row? */
static bool may_accept(const struct match *m, const struct match_node *n)
{
    const struct nfa_state *st = &m->p->nfa->states[n->state];
    for (uint64_t left = n->live & st->accepts; left != 0; left &= left - 1)
        if (st->edges[__builtin_ctzll(left)].nots == 0 || m->p->nfa->steps)
            return true;
    return false;
}

void matchheld_append(struct match *m, struct match_node *n)
{
    if (!m->rule.read || (n->flags & MATCH_NODE_HELD) || !may_accept(m, n))
        return;
    n->flags |= MATCH_NODE_HELD;
    add(&m->held, n->row->row.ts);
}

void matchheld_drop(struct match *m, struct match_node *n)
{
    if (!(n->flags & MATCH_NODE_HELD))
        return;
    n->flags &= (uint8_t)~MATCH_NODE_HELD;
    take(&m->held, n->row->row.ts);
}

void matchheld_load_run(struct match *m, struct match_run *run, const struct match_node *best)
{
    matchheld_begin(m, run);
    if (best != NULL)
        matchheld_best(m, run, best);
}

void matchheld_load_node(struct match *m, struct match_node *n)
{
    bool was = n->flags & MATCH_NODE_HELD;
    n->flags &= (uint8_t)~MATCH_NODE_HELD;
    if (!m->rule.read || (!was && !may_accept(m, n)))
        return;
    n->flags |= MATCH_NODE_HELD;
    add(&m->held, n->row->row.ts);
}

void matchheld_loose(struct match *m)
{
    m->held.loose = true;
}

void matchheld_order(struct match *m)
{
    order(&m->held);
}

evtime matchheld_least(const struct match *m)
{
    evtime t = m->held.from < m->held.n ? m->held.times[m->held.from].t : EVTIME_MAX;
    for (const struct match_memory *h = m->p->queued ? m->memories : NULL; h != NULL; h = h->after)
        if (h->next < h->n && h->rows[h->next].row->row.ts < t)
            t = h->rows[h->next].row->row.ts;
    return t;
}
