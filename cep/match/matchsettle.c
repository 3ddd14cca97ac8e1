/* SPDX-License-Identifier: Apache-2.0
 *
 * What is decided leaves a key. With the skip modes a match counts only when every run begun earlier is decided, since such a
 * run's match may skip over this one's beginning: matches leave from the head of the key's list. Else each run is on its own. */
#include "base/mem.h"
#include "cep/match/matchrun.h"

void matchsettle_remove(struct match *m, struct match_cell *c, struct match_run *run)
{
    *(run->before != NULL ? &run->before->next : &c->first) = run->next;
    *(run->next != NULL ? &run->next->before : &c->last) = run->before;
    c->state.room--;
    if (run->group != 0)
        matchgroup_remove(c, run);
    if (!run->untimed)
        matchdue_remove(m, run);
    matchrun_free(m, run);
}

/* Where matching goes on after a match: runs that begin before it are dropped. */
static uint64_t goes_on_at(struct match *m, struct match_run *run, evtime decided)
{
    const struct match_plan *p = m->p->m;
    const struct match_node *best = run->best, *found = NULL;
    if (p->skip == SKIP_TO_NEXT)
        return run->start + 1;
    if (p->skip == SKIP_PAST_LAST)
        return best->row->seq + 1;
    for (const struct match_node *n = best; n != NULL; n = n->parent)
        if (p->skip_vars >> m->p->nfa->states[n->state].var & 1) {
            found = n;
            if (p->skip == SKIP_TO_LAST)
                break;
        }
    if (found == NULL || found->row->seq == run->start) {
        matchout_bad_skip(m, run->cell, run->best, decided);
        return run->start + 1;
    }
    return found->row->seq;
}

/* The result of a run that is over, or of its first row if it has none. */
static void give(struct match *m, struct match_cell *c, struct match_run *run, evtime decided,
                 uint64_t *go_on)
{
    if (m->p->no_skip || run->best == NULL) {
        if (!m->p->no_skip && !run->empty)
            matchend_timeouts(m, run);
        if (m->p->unmatched || run->empty)
            matchout_empty(m, c, run, decided);
        return;
    }
    evtime time =
        run->best_at_end ? matchdue_absent_until(m, run, run->best) : run->best->row->row.ts;
    matchout_match(m, c, run->best, time, decided);
    *go_on = goes_on_at(m, run, decided);
}

static void resolve(struct match *m, struct match_cell *c, evtime decided)
{
    while (c->first != NULL && matchrun_is_over(m, c->first)) {
        uint64_t start = c->first->start, go_on = start + 1;
        give(m, c, c->first, decided, &go_on);
        matchsettle_remove(m, c, c->first);
        while (c->first != NULL && c->first->start < go_on)
            matchsettle_remove(m, c, c->first);
        if (m->p->unmatched)
            matchout_passed(m, c, start + 1, go_on, decided);
        if (m->p->one_by_one && matchrows_find(c->memory, go_on) < c->memory->next)
            c->memory->next = matchrows_find(c->memory, go_on);
    }
}

static void resolve_one(struct match *m, struct match_cell *c, struct match_run *run,
                        evtime decided)
{
    uint64_t ignored;
    if (!matchrun_is_over(m, run))
        return;
    give(m, c, run, decided, &ignored);
    matchsettle_remove(m, c, run);
}

/* SKIP TO NEXT ROW: each run is on its own. NO SKIP: likewise, and its matches have been given. Of what one makes of a
 * start without rows, nothing has to wait for those before it. */
static void resolve_each(struct match *m, struct match_cell *c, evtime decided)
{
    if (!m->grouped) {
        for (struct match_run *run = c->first, *next; run != NULL; run = next) {
            next = run->next;
            resolve_one(m, c, run, decided);
        }
        return;
    }
    for (size_t i = 0; i < m->ntouched; i++)
        resolve_one(m, c, m->touched[i], decided);
}

void matchsettle_all(struct match *m, struct match_cell *c, evtime decided)
{
    if (!m->p->in_order && (m->p->no_skip || m->p->m->skip == SKIP_TO_NEXT))
        resolve_each(m, c, decided);
    else
        resolve(m, c, decided);
}
