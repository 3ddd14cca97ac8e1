/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of a rule in the order in which they are over. Mostly that is the order in which they begin: a list. With
 * WITHIN on elements a row can put it off, with queues runs begin out of order: then they are in a binary heap. So are
 * those of a state that came back alone, since their place in the list is far to seek. */
#include "base/mem.h"
#include "cep/matchrun.h"
#include <stdlib.h>

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

static void put(struct match *m, size_t at, struct match_run *run)
{
    m->heap[at] = run;
    run->at = at;
}

/* From its place up or down to where it belongs. */
static void sift(struct match *m, struct match_run *run)
{
    size_t at = run->at;
    while (at > 0 && run->due < m->heap[(at - 1) / 2]->due) {
        put(m, at, m->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child; (child = 2 * at + 1) < m->nheap; at = child) {
        if (child + 1 < m->nheap && m->heap[child + 1]->due < m->heap[child]->due)
            child++;
        if (run->due <= m->heap[child]->due)
            break;
        put(m, at, m->heap[child]);
    }
    put(m, at, run);
}

void matchdue_push(struct match *m, struct match_run *run)
{
    m->heap = mem_grow(m->heap, m->nheap, 1, &m->heap_cap, sizeof(struct match_run *));
    run->due = due_of(m, run);
    run->in_heap = true;
    put(m, m->nheap++, run);
    sift(m, run);
}

void matchdue_pull(struct match *m, struct match_run *run)
{
    struct match_run *last = m->heap[--m->nheap];
    run->in_heap = false;
    if (last == run)
        return;
    put(m, run->at, last);
    sift(m, last);
}

void matchdue_moved(struct match *m, struct match_run *run)
{
    run->due = due_of(m, run);
    sift(m, run);
}

void matchdue_again(struct match *m)
{
    for (size_t i = 0; i < m->nheap; i++)
        m->heap[i]->due = matchend_time(m, m->heap[i]);
}

/* --- whichever order it is --- */

static int by_first(const void *a, const void *b)
{
    const struct match_run *const *x = a, *const *y = b;
    return ((*x)->first > (*y)->first) - ((*x)->first < (*y)->first);
}

void matchdue_order(struct match *m)
{
    size_t n = 0, cap = 0;
    struct match_run **all = NULL;
    if (!m->disordered)
        return;
    m->disordered = false;
    for (struct match_run *run = m->oldest; run != NULL; run = run->newer) {
        all = mem_grow(all, n, 1, &cap, sizeof(struct match_run *));
        all[n++] = run;
    }
    qsort(all, n, sizeof(struct match_run *), by_first);
    for (size_t i = 0; i < n; i++) {
        all[i]->older = i > 0 ? all[i - 1] : NULL;
        all[i]->newer = i + 1 < n ? all[i + 1] : NULL;
    }
    m->oldest = all[0];
    m->newest = all[n - 1];
    mem_free(all);
}

void matchdue_add(struct match *m, struct match_run *run)
{
    if (m->p->heaped) {
        matchdue_push(m, run);
        return;
    }
    run->older = m->newest;
    *(m->newest != NULL ? &m->newest->newer : &m->oldest) = run;
    m->newest = run;
}

void matchdue_remove(struct match *m, struct match_run *run)
{
    if (run->in_heap) {
        matchdue_pull(m, run);
        return;
    }
    *(run->older != NULL ? &run->older->newer : &m->oldest) = run->newer;
    *(run->newer != NULL ? &run->newer->older : &m->newest) = run->older;
    run->older = run->newer = NULL;
}

struct match_run *matchdue_first(const struct match *m)
{
    if (m->nheap == 0 || (m->oldest != NULL && matchend_time(m, m->oldest) < m->heap[0]->due))
        return m->oldest;
    return m->heap[0];
}

evtime matchdue_time(const struct match *m, const struct match_run *run)
{
    return run->in_heap ? run->due : matchend_time(m, run);
}
