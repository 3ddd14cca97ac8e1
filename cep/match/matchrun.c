/* SPDX-License-Identifier: Apache-2.0
 *
 * A run is a list of nodes, the preferred first (docs/language.md, "Which matches come out"). A row goes through the list
 * once. For each node, its live edges in order of preference: an edge that takes the row makes a child, which comes
 * before the node itself in the list, since a way that takes a row ranks above one that lets it lie. Where two ways differ
 * their order never changes again, so the list stays sorted by itself.
 *
 * A node whose accept edge is free of conditions is a match. With NO SKIP it is given at once. Else it is the run's best
 * so far and all that would come after it in the list is dropped; what comes before it may still win, and when nothing does
 * any longer, the run is decided.
 *
 * An accept edge with conditions (a NOT at the end, a greedy loop at the end under NO SKIP) stays alive in its node until
 * a row settles it, or the run's time is over.
 *
 * What a row does to an edge: `next` dies after one row; `followed` dies when it takes one; `any` stays. A NOT that holds
 * for a row passed over kills it, UNTIL too. */
#include "cep/match/matchrun.h"
#include "base/mem.h"
#include <string.h>

enum { FOUND_FIRST = 4, MADE_FIRST = 16 /* a power of two */ };

/* What is known of the row in hand, after one node. */
struct look {
    struct match *m;
    const struct match_cell *cell;
    struct match_node *node; /* NULL: none yet */
    struct keyed_row *row;
    uint64_t known, holds; /* by variable */
};

struct list {
    struct match_node *first, **end;
    bool alive; /* some node in it waits for something */
};

uint64_t matchrun_fold(unsigned bit)
{
    return UINT64_C(1) << (bit % 64);
}

static bool holds(struct look *l, int var)
{
    uint64_t v = UINT64_C(1) << var;
    if (l->known & v)
        return l->holds & v;
    const struct match_prog *p = l->m->p;
    bool yes = keyed_bit(l->row, p->var_bits[var]) &&
               (p->path[var] == NULL || matchenv_holds(l->m, l->cell, var, l->node, l->row));
    l->known |= v;
    if (yes)
        l->holds |= v;
    return yes;
}

static bool any_holds(struct look *l, uint64_t vars)
{
    for (; vars != 0; vars &= vars - 1)
        if (holds(l, __builtin_ctzll(vars)))
            return true;
    return false;
}

/* --- nodes --- */

void matchrun_unref(struct match *m, struct match_node *n)
{
    while (n != NULL && --n->refs == 0) {
        struct match_node *parent = n->parent;
        keyed_unref(m->k, n->row);
        slab_free(&m->nodes, n);
        n = parent;
    }
}

static void append(struct match *m, struct match_cell *c, struct list *l, struct match_node *n)
{
    n->next = NULL;
    *l->end = n;
    l->end = &n->next;
    l->alive |= n->live != 0;
    m->waiting |= m->p->wait[n->state];
    matchheld_append(m, n);
    matchrun_count(m, c, 1);
}

void matchrun_drop(struct match *m, struct match_cell *c, struct match_node *n)
{
    matchheld_drop(m, n);
    matchrun_count(m, c, -1);
    matchrun_unref(m, n);
}

void matchrun_drop_list(struct match *m, struct match_cell *c, struct match_node *n)
{
    for (struct match_node *next; n != NULL; n = next) {
        next = n->next;
        matchrun_drop(m, c, n);
    }
}

static bool guards_hold(const struct nfa_edge *e, const uint32_t *counts)
{
    for (unsigned i = 0; i < e->nguards; i++) {
        uint32_t n = counts[e->guards[i].depth];
        if (n < e->guards[i].least || (n >= e->guards[i].below && e->guards[i].below != UINT32_MAX))
            return false;
    }
    return true;
}

uint64_t matchrun_open(const struct match_prog *p, struct match_node *n)
{
    const struct nfa_state *st = &p->nfa->states[n->state];
    if (p->nfa->ndepths == 0)
        return st->all;
    uint64_t open = st->unguarded;
    for (uint64_t left = st->all & ~open; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        if (guards_hold(&st->edges[i], matchrun_counts(p, n)))
            open |= UINT64_C(1) << i;
    }
    return open;
}

static uint64_t mixed(uint64_t hash, int var, uint64_t seq)
{
    uint64_t x = (hash ^ seq * UINT64_C(0x9e3779b97f4a7c15)) + (uint64_t)(var + 1);
    x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ x >> 32;
}

void matchrun_derive(struct match *m, struct match_node *n, const struct keyed_row *r)
{
    const struct match_prog *p = m->p;
    if (p->nfa->ambiguous)
        n->extra[0] = mixed(n->parent == NULL ? 0 : n->parent->extra[0],
                            p->nfa->states[n->state].var, r->seq);
    if (p->ncarries > 0)
        matchenv_carry(m, n, r);
}

/* One reference, for the list. */
static struct match_node *node_new(struct look *l, const struct nfa_edge *e)
{
    struct match *m = l->m;
    const struct match_prog *p = m->p;
    struct match_node *n = slab_alloc(&m->nodes), *parent = l->node;
    *n = (struct match_node){.parent = parent, .refs = 1, .state = e->to};
    n->row = keyed_keep_row(m->k, l->row);
    m->took = true;
    if (parent != NULL)
        parent->refs++;
    if (p->nfa->ndepths > 0) {
        uint32_t *counts = matchrun_counts(p, n);
        if (parent != NULL)
            memcpy(counts, matchrun_counts(p, parent), p->nfa->ndepths * sizeof *counts);
        else
            memset(counts, 0, p->nfa->ndepths * sizeof *counts);
        for (unsigned i = 0; i < e->nacts; i++) {
            uint32_t *count = &counts[e->acts[i].depth];
            uint32_t from = e->acts[i].more ? *count : 0;
            *count = from > UINT32_MAX - e->acts[i].by ? UINT32_MAX : from + e->acts[i].by;
        }
    }
    if (p->tangled)
        matchrank_made(p, n, e);
    matchrun_derive(m, n, l->row);
    n->live = matchrun_open(p, n);
    return n;
}

/* --- matches --- */

bool matchrun_given_before(struct match *m, struct match_run *run, const struct match_node *n)
{
    if (!m->p->nfa->ambiguous)
        return false;
    struct match_found *f = run->found;
    for (uint32_t i = 0; f != NULL && i < f->n; i++)
        if (f->hashes[i] == n->extra[0])
            return true;
    if (f == NULL || f->n == f->cap) {
        uint32_t cap = f == NULL ? FOUND_FIRST : 2 * f->cap, used = f == NULL ? 0 : f->n;
        f = run->found = mem_resize(f, sizeof *f + cap * sizeof f->hashes[0]);
        *f = (struct match_found){.n = used, .cap = cap};
    }
    f->hashes[f->n++] = n->extra[0];
    return false;
}

static bool accept_is_free(const struct nfa_edge *e, uint64_t live)
{
    return e->nots == 0 && e->next_nots == 0 && (e->blockers & live) == 0 && !e->at_end;
}

bool matchrun_found(struct match *m, struct match_run *run, struct match_node *n, unsigned i,
                    evtime time, evtime decided)
{
    if (m->p->tangled) {
        matchrank_found(m->p, n, i, time != n->row->row.ts);
        return false;
    }
    if (!m->p->no_skip) {
        n->live &= (UINT64_C(1) << i) - 1;
        n->refs++;
        matchheld_best(m, run, n);
        matchrun_unref(m, run->best);
        run->best = n;
        run->best_at_end = false;
        return true;
    }
    n->live &= ~(UINT64_C(1) << i);
    if (!(n->flags & MATCH_NODE_FOUND) && !matchrun_given_before(m, run, n))
        matchout_match(m, run->cell, n, time, decided);
    n->flags |= MATCH_NODE_FOUND;
    return false;
}

/* Nodes that one run has made of the row in hand, by their way and state: a hash table that every step begins anew. */
static size_t made_at(const struct match *m, const struct match_node *n)
{
    return (n->extra[0] ^ n->extra[0] >> 29 ^ n->state) & (m->made_cap - 1);
}

static void put_made(struct match *m, struct match_node *n)
{
    size_t at = made_at(m, n);
    while (m->made[at].step == m->made_step)
        at = (at + 1) & (m->made_cap - 1);
    m->made[at] = (struct match_made){m->made_step, n};
}

static void note_made(struct match *m, struct match_node *n)
{
    if (2 * ++m->nmade > m->made_cap) {
        struct match_made *old = m->made;
        size_t cap = m->made_cap;
        m->made_cap = 2 * cap;
        m->made = mem_array(m->made_cap, sizeof *m->made);
        for (size_t i = 0; i < cap; i++)
            if (old[i].step == m->made_step)
                put_made(m, old[i].node);
        mem_free(old);
    }
    put_made(m, n);
}

static void begin_step(struct match *m)
{
    if (!m->p->nfa->ambiguous)
        return;
    if (m->made == NULL) {
        m->made_cap = MADE_FIRST;
        m->made = mem_array(m->made_cap, sizeof *m->made);
    }
    m->made_step++;
    m->nmade = 0;
}

/* A child that has just been made goes into the list, or is a match, or both. True: cut. */
static bool settle(struct look *l, struct match_run *run, struct match_node *n, struct list *out)
{
    struct match *m = l->m;
    const struct nfa_state *st = &m->p->nfa->states[n->state];
    bool cut = false;
    for (uint64_t left = n->live; left != 0 && !cut; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        const struct nfa_edge *e = &st->edges[i];
        if (e->to == NFA_ACCEPT && (n->live & left & -left) != 0 && accept_is_free(e, n->live))
            cut = matchrun_found(m, run, n, i, n->row->row.ts, n->row->row.ts);
    }
    if (n->live != 0 || (n->flags & MATCH_NODE_DONE)) {
        append(m, run->cell, out, n);
        if (m->p->nfa->ambiguous)
            note_made(m, n);
    } else {
        matchrun_unref(m, n);
    }
    return cut;
}

/* The same rows in the same state again: the later one can do nothing that the earlier cannot. */
static bool is_double(struct match *m, struct match_node *n)
{
    const struct match_prog *p = m->p;
    if (!p->nfa->ambiguous)
        return false;
    for (size_t at = made_at(m, n); m->made[at].step == m->made_step;
         at = (at + 1) & (m->made_cap - 1)) {
        struct match_node *o = m->made[at].node;
        if (o->extra[0] != n->extra[0] || o->state != n->state ||
            (p->nfa->ndepths > 0 && memcmp(matchrun_counts(p, o), matchrun_counts(p, n),
                                           p->nfa->ndepths * sizeof(uint32_t)) != 0))
            continue;
        if (!p->tangled || matchrank_before(p, o, n))
            return true;
        o->live = 0; /* n is the one that counts */
        o->flags = 0;
    }
    return false;
}

static bool take(struct look *l, struct match_run *run, const struct nfa_edge *e, struct list *out)
{
    struct match_node *n = node_new(l, e);
    if (is_double(l->m, n)) {
        matchrun_unref(l->m, n);
        return false;
    }
    return settle(l, run, n, out);
}

/* --- a row --- */

enum fate { FATE_STAYS, FATE_DIES, FATE_TAKES, FATE_ACCEPTS };

/* What the row does with one edge of a node; `live`: the node's edges so far, `took`: those that took the row. */
static enum fate edge_fate(struct look *l, const struct nfa_edge *e, uint64_t live, uint64_t took)
{
    struct match_node *n = l->node;
    bool next = !(n->flags & MATCH_NODE_OLD);
    bool over = e->step_ms >= 0 && l->row->ts - n->row->row.ts >= e->step_ms;
    if (over && e->to != NFA_ACCEPT)
        return FATE_STAYS; /* matchend_run tells what becomes of it */
    if ((e->blockers & took) != 0 || e->at_end)
        return FATE_DIES;
    if (!over && ((e->next_nots != 0 && next && any_holds(l, e->next_nots)) ||
                  (e->untils != 0 && any_holds(l, e->untils))))
        return FATE_DIES;
    if (e->to == NFA_ACCEPT) { /* a NOT whose time is over needs no more than a next row */
        if (e->nots != 0 && !over)
            return any_holds(l, e->nots) ? FATE_DIES : FATE_STAYS;
        return (e->blockers & live) == 0 ? FATE_ACCEPTS : FATE_STAYS;
    }
    if (holds(l, l->m->p->nfa->states[e->to].var))
        return FATE_TAKES;
    if (e->how == CONTIGUITY_NEXT || (e->nots != 0 && any_holds(l, e->nots)))
        return FATE_DIES;
    return FATE_STAYS;
}

/* Skip modes: accept edges that still wait for something rank above a child by a later edge, which comes before n in the
 * list; they go there in a node of their own. */
static void split_accepts(struct look *l, struct match_run *run, unsigned before, struct list *out)
{
    struct match_node *n = l->node;
    const struct match_prog *p = l->m->p;
    uint64_t waiting = n->live & p->nfa->states[n->state].accepts & ((UINT64_C(1) << before) - 1);
    if (waiting == 0 || p->no_skip || p->tangled)
        return;
    struct match_node *twin = slab_alloc(&l->m->nodes);
    memcpy(twin, n, sizeof *twin + p->nextra * sizeof(uint64_t));
    twin->refs = 1;
    twin->flags &= (uint8_t)~MATCH_NODE_HELD;
    twin->live = waiting;
    twin->flags |= MATCH_NODE_OLD; /* they have seen the row in hand */
    twin->row = keyed_ref(n->row);
    if (twin->parent != NULL)
        twin->parent->refs++;
    n->live &= ~waiting;
    append(l->m, run->cell, out, twin);
}

/* True: cut. */
static bool step_node(struct look *l, struct match_run *run, struct list *out)
{
    struct match_node *n = l->node;
    const struct nfa_state *st = &l->m->p->nfa->states[n->state];
    uint64_t took = 0;
    for (uint64_t left = n->live; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        const struct nfa_edge *e = &st->edges[i];
        uint64_t bit = UINT64_C(1) << i;
        switch (edge_fate(l, e, n->live, took)) {
        case FATE_STAYS:
            break;
        case FATE_DIES:
            n->live &= ~bit;
            break;
        case FATE_ACCEPTS:
            if (matchrun_found(l->m, run, n, i, n->row->row.ts, l->row->ts))
                return true; /* edges before it live on; take() has put their children in */
            break;
        case FATE_TAKES:
            if (e->how != CONTIGUITY_ANY || (e->nots != 0 && any_holds(l, e->nots)))
                n->live &= ~bit;
            if (e->untils_row != 0 && any_holds(l, e->untils_row))
                break;
            took |= bit;
            split_accepts(l, run, i, out);
            if (take(l, run, e, out)) {
                n->live = 0;
                return true;
            }
            break;
        }
    }
    return false;
}

void matchrun_step(struct match *m, struct match_run *run, struct keyed_row *r)
{
    struct list out = {.first = NULL, .end = &out.first};
    struct match_cell *c = run->cell;
    bool cut = false;
    begin_step(m);
    for (struct match_node *n = run->list, *next; n != NULL; n = next) {
        struct look l = {.m = m, .cell = c, .node = n, .row = r};
        next = n->next;
        if (cut)
            n->live = 0;
        else if (m->p->wait[n->state] & r->fold) /* else it does not care */
            cut = step_node(&l, run, &out);
        n->flags |= MATCH_NODE_OLD;
        if (n->live == 0 && (cut || matchend_is_spent(m, run, n))) {
            matchrun_drop(m, c, n);
            continue;
        }
        n->next = NULL;
        *out.end = n;
        out.end = &n->next;
        out.alive |= n->live != 0;
        m->waiting |= m->p->wait[n->state];
    }
    run->list = out.first;
    matchend_sweep(m, run);
    if (m->p->tangled)
        out.alive = matchrank_settle(m, run, false);
    if (!out.alive) /* what is left has timed out */
        run->decided = true;
}

static struct match_run *run_new(struct match *m, struct match_cell *c, const struct keyed_row *r)
{
    struct match_run *run = slab_alloc(&m->runs);
    *run = (struct match_run){.cell = c, .first = r->ts, .start = r->seq & MATCH_SEQ_MASK};
    timer_init(&run->timer);
    matchheld_begin(m, run);
    return run;
}

/* Is the match without rows one at the row in hand? Not with a `$`, since that row comes after it. */
static bool empty_holds(const struct nfa_edge *e, bool at_start)
{
    return (!e->at_start || at_start) && !e->at_end && e->nots == 0 && e->next_nots == 0;
}

struct match_run *matchrun_begin(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    const struct nfa_state *st = &m->p->nfa->states[0];
    struct list out = {.first = NULL, .end = &out.first};
    struct look l = {.m = m, .cell = c, .row = r};
    struct match_run *run = NULL;
    const struct match_prog *p = m->p;
    bool at_start = c->memory != NULL && c->memory->first == r->seq, empty = false;
    uint64_t took = 0;
    begin_step(m);
    for (unsigned i = 0; i < st->nedges; i++) {
        const struct nfa_edge *e = &st->edges[i];
        if (e->to == NFA_ACCEPT && p->cuts_empty && empty_holds(e, at_start)) {
            empty = p->empties;
            break;
        }
        if (e->to == NFA_ACCEPT || (e->blockers & took) != 0 || (e->at_start && !at_start) ||
            !holds(&l, p->nfa->states[e->to].var) ||
            (e->untils_row != 0 && any_holds(&l, e->untils_row)))
            continue;
        took |= UINT64_C(1) << i;
        if (run == NULL)
            run = run_new(m, c, r);
        if (take(&l, run, e, &out))
            break;
    }
    if (run == NULL && !empty && !p->unmatched)
        return NULL;
    if (run == NULL)
        run = run_new(m, c, r);
    run->list = out.first;
    if (p->tangled)
        matchrank_settle(m, run, false);
    run->empty = empty;
    if (matchrun_counts_runs(p)) {
        matchrun_count(m, c, 1);
    } else if (run->list == NULL && (p->no_skip || run->best == NULL)) {
        matchrun_free(m, run);
        return NULL;
    }
    return run;
}

void matchrun_gap(struct match *m, struct match_run *run)
{
    struct list out = {.first = NULL, .end = &out.first};
    bool cut = false;
    for (struct match_node *n = run->list, *next; n != NULL; n = next) {
        const struct nfa_state *st = &m->p->nfa->states[n->state];
        next = n->next;
        n->flags |= MATCH_NODE_OLD;
        for (uint64_t left = cut ? 0 : n->live; left != 0 && !cut; left &= left - 1) {
            unsigned i = (unsigned)__builtin_ctzll(left);
            const struct nfa_edge *e = &st->edges[i];
            if (e->to == NFA_ACCEPT && e->nots == 0 && (e->blockers & n->live) == 0 && !e->at_end)
                cut = matchrun_found(m, run, n, i, n->row->row.ts, n->row->row.ts);
            else if (e->to != NFA_ACCEPT && e->how == CONTIGUITY_NEXT)
                n->live &= ~(UINT64_C(1) << i);
        }
        if (n->live == 0 && matchend_is_spent(m, run, n)) {
            matchrun_drop(m, run->cell, n);
            continue;
        }
        n->next = NULL;
        *out.end = n;
        out.end = &n->next;
        m->waiting |= m->p->wait[n->state];
        if (cut) {
            matchrun_drop_list(m, run->cell, next);
            break;
        }
    }
    run->list = out.first;
    matchend_sweep(m, run);
    if (m->p->tangled)
        matchrank_settle(m, run, false);
}

void matchrun_free(struct match *m, struct match_run *run)
{
    matchrun_drop_list(m, run->cell, run->list);
    matchheld_end(m, run);
    if (matchrun_counts_runs(m->p))
        matchrun_count(m, run->cell, -1);
    if (m->p->no_skip)
        mem_free(run->found);
    else
        matchrun_unref(m, run->best);
    slab_free(&m->runs, run);
}

bool matchrun_is_over(const struct match *m, const struct match_run *run)
{
    (void)m;
    return run->decided || run->list == NULL;
}
