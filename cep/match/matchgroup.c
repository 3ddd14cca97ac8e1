/* SPDX-License-Identifier: Apache-2.0
 *
 * Where many runs of a key wait, a row is shown only to those that it can move. Runs are put into groups by the conditions
 * that their nodes wait for (`match_prog.wait`, folded): a row goes to the groups that wait for one of its conditions, and
 * the others cost a test of a word each. What is over is among those that were shown the row, so nobody else is looked at.
 *
 * Under NO SKIP the partial matches of a run have nothing to do with each other. Where a run has many, those that wait for
 * other conditions go to another run that begins with the same row, so that groups tell them apart too.
 *
 * A cell with few runs has no groups: all of them are looked at, which is cheaper. */
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include <stdlib.h>

/* With CHECK() on, small patterns of tests have groups too. */
#ifdef NDEBUG
enum { GROUPS_MAX = 24, GROUPS_FROM = 48, GROUPS_UNTIL = 12, SPLIT_FROM = 8 };
#else
enum { GROUPS_MAX = 3, GROUPS_FROM = 2, GROUPS_UNTIL = 1, SPLIT_FROM = 2 };
#endif

struct match_group {
    uint64_t waits;
    struct match_run **runs;
    size_t n, cap;
};

struct match_groups {
    uint32_t bound; /* match.bound when the masks were made: another program has other bits */
    uint32_t n;
    size_t runs;
    struct match_group
        of[GROUPS_MAX]; /* the last takes all masks that have no group of their own */
};

static struct match_groups *groups_of(const struct match_cell *c)
{
    return c->grouped ? c->groups : NULL;
}

/* Runs or partial matches, whichever are more. */
static uint32_t size_of(const struct match_cell *c)
{
    return c->nodes > c->state.room ? c->nodes : c->state.room;
}

static uint64_t waits_of(const struct match *m, const struct match_run *run)
{
    uint64_t waits = 0;
    for (const struct match_node *n = run->list; n != NULL; n = n->next)
        waits |= m->p->wait[n->state];
    return waits;
}

static unsigned group_for(struct match_groups *g, uint64_t waits)
{
    for (unsigned i = 0; i < g->n; i++)
        if (g->of[i].waits == waits)
            return i;
    for (unsigned i = 0; i < g->n; i++)
        if (g->of[i].n == 0) {
            g->of[i].waits = waits;
            return i;
        }
    if (g->n < GROUPS_MAX) {
        g->of[g->n].waits = waits;
        return g->n++;
    }
    g->of[GROUPS_MAX - 1].waits |= waits;
    return GROUPS_MAX - 1;
}

void matchgroup_add(struct match *m, struct match_cell *c, struct match_run *run, uint64_t waits)
{
    struct match_groups *g = groups_of(c);
    if (g == NULL)
        return;
    unsigned i = group_for(g, waits);
    struct match_group *to = &g->of[i];
    size_t before = to->cap;
    to->runs = mem_grow(to->runs, to->n, 1, &to->cap, sizeof(struct match_run *));
    m->group_bytes += (to->cap - before) * sizeof(struct match_run *);
    run->group = (i + 1) & 127;
    run->place = (uint32_t)to->n;
    to->runs[to->n++] = run;
}

void matchgroup_remove(struct match_cell *c, struct match_run *run)
{
    if (run->group == 0)
        return;
    struct match_groups *g = groups_of(c);
    struct match_group *from = &g->of[run->group - 1];
    struct match_run *last = from->runs[--from->n];
    from->runs[run->place] = last;
    last->place = run->place;
    run->group = 0;
}

void matchgroup_drop(struct match *m, struct match_cell *c)
{
    struct match_groups *g = groups_of(c);
    if (g == NULL)
        return;
    for (struct match_run *run = c->first; run != NULL; run = run->next)
        run->group = 0;
    for (unsigned i = 0; i < g->n; i++) {
        m->group_bytes -= g->of[i].cap * sizeof(struct match_run *);
        mem_free(g->of[i].runs);
    }
    m->group_bytes -= sizeof *g;
    mem_free(g);
    c->grouped = false;
}

bool matchgroup_ready(struct match *m, struct match_cell *c)
{
    struct match_groups *g = groups_of(c);
    if (g != NULL && (g->bound != m->bound || size_of(c) < GROUPS_UNTIL)) {
        matchgroup_drop(m, c);
        g = NULL;
    }
    if (g != NULL || size_of(c) < GROUPS_FROM)
        return g != NULL;
    g = c->groups = mem_new(sizeof *g);
    c->grouped = true;
    g->bound = m->bound;
    m->group_bytes += sizeof *g;
    for (struct match_run *run = c->first; run != NULL; run = run->next)
        if (!matchrun_is_over(m, run))
            matchgroup_add(m, c, run, waits_of(m, run));
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct match_run *const *x = a, *const *y = b;
    return ((*x)->start > (*y)->start) - ((*x)->start < (*y)->start);
}

void matchgroup_take(struct match *m, struct match_cell *c, uint64_t fold)
{
    struct match_groups *g = groups_of(c);
    for (unsigned i = 0; i < g->n; i++) {
        struct match_group *from = &g->of[i];
        if ((from->waits & fold) == 0)
            continue;
        for (size_t k = 0; k < from->n; k++) {
            from->runs[k]->group = 0;
            matchgroup_touch(m, from->runs[k]);
        }
        from->n = 0;
    }
    if (m->p->numbered && m->ntouched > 1) /* matches are numbered in order of their beginnings */
        qsort(m->touched, m->ntouched, sizeof(struct match_run *), by_start);
}

/* --- runs that are split --- */

static struct match_run *sibling_with(const struct match *m, const struct match_run *run,
                                      uint64_t waits)
{
    for (struct match_run *r = run->next; r != NULL && r->start == run->start; r = r->next)
        if (r->list != NULL && m->p->wait[r->list->state] == waits)
            return r;
    for (struct match_run *r = run->before; r != NULL && r->start == run->start; r = r->before)
        if (r->list != NULL && m->p->wait[r->list->state] == waits)
            return r;
    return NULL;
}

/* It comes next to run in its cell and in the order of time. */
static struct match_run *sibling_new(struct match *m, struct match_cell *c, struct match_run *run,
                                     struct match_node *n)
{
    struct match_run *s = slab_alloc(&m->runs);
    *s = (struct match_run){.cell = c,
                            .first = run->first,
                            .start = run->start,
                            .taken = run->taken,
                            .list = n,
                            .before = run,
                            .next = run->next};
    *(run->next != NULL ? &run->next->before : &c->last) = s;
    run->next = s;
    c->state.room++;
    timer_init(&s->timer);
    matchdue_add_beside(m, s, run);
    matchgroup_add(m, c, s, m->p->wait[n->state]);
    return s;
}

static bool is_long(const struct match_run *run)
{
    const struct match_node *n = run->list;
    for (unsigned i = 0; n != NULL && i < SPLIT_FROM; i++)
        n = n->next;
    return n != NULL;
}

void matchgroup_settle(struct match *m, struct match_cell *c, struct match_run *run)
{
    const struct match_prog *p = m->p;
    if (p->no_skip && !p->numbered && !p->nfa->ambiguous && is_long(run)) {
        uint64_t own = p->wait[run->list->state];
        for (struct match_node **at = &run->list, *n; (n = *at) != NULL;) {
            uint64_t waits = p->wait[n->state];
            if (waits == own) {
                at = &n->next;
                continue;
            }
            *at = n->next;
            struct match_run *s = sibling_with(m, run, waits);
            n->next = s != NULL ? s->list : NULL;
            if (s != NULL)
                s->list = n;
            else
                s = sibling_new(m, c, run, n);
            if (p->heaped)
                matchdue_add(m, s);
        }
        if (p->heaped)
            matchdue_add(m, run);
    }
    matchgroup_add(m, c, run, waits_of(m, run));
}

void matchgroup_touch(struct match *m, struct match_run *run)
{
    m->touched = mem_grow(m->touched, m->ntouched, 1, &m->touched_cap, sizeof(struct match_run *));
    m->touched[m->ntouched++] = run;
}

uint64_t matchgroup_waiting(const struct match_cell *c)
{
    const struct match_groups *g = groups_of(c);
    uint64_t waits = 0;
    for (unsigned i = 0; i < g->n; i++)
        waits |= g->of[i].n > 0 ? g->of[i].waits : 0;
    return waits;
}
