/* SPDX-License-Identifier: Apache-2.0
 *
 * Skip modes, patterns in which the order of ways is not a list: which of a run's ways is its match.
 *
 * A start gives one match (docs/language.md, "Which matches come out"): the ways that become matches are gone through in
 * the pattern's own order of preference, and one takes the place of the best so far if it takes a row that the best lets
 * lie. Put otherwise, after the rows taken so far: if the way that the pattern prefers ends there, that is the match; else
 * the way goes on whose next row comes soonest, and among those of one row the preferred.
 *
 * Two things make this more than a list. `A -> B->+? -> C*`: after A B, ending is preferred to another B, a C to ending,
 * and another B (which comes sooner) to the C. So the next B counts if and only if a C comes at last. And where several
 * ways have taken the same rows for the same variables, (A -> B | A -> C), they compete as one.
 *
 * Here the run's list holds all that may still count: nodes that wait, and nodes that are matches (MATCH_NODE_DONE). After
 * each row, what no row to come can make count is taken out; with the last that waits the match is known. Taking out is
 * for speed and for an early answer only: with too many matches at once some are not compared. */
#include "cep/match/matchrun.h"

enum { DONE_COMPARED_MAX = 16 };

#define RANK_EDGE UINT64_C(0xff) /* of the parent's state, by which it came */
#define RANK_ACCEPT_SHIFT 8 /* done: by which of its edges */
#define RANK_ABSENT (UINT64_C(1) << 16) /* ... decided by absence */

uint64_t *matchrank_word(const struct match_prog *p, struct match_node *n)
{
    return &n->extra[p->rank_at];
}

bool matchrank_is_word(uint64_t word)
{
    return (word & RANK_EDGE) < NFA_EDGES_MAX &&
           (word >> RANK_ACCEPT_SHIFT & RANK_EDGE) < NFA_EDGES_MAX && word < 2 * RANK_ABSENT;
}

static unsigned accept_of(const struct match_prog *p, struct match_node *n)
{
    return (unsigned)(*matchrank_word(p, n) >> RANK_ACCEPT_SHIFT & RANK_EDGE);
}

void matchrank_made(const struct match_prog *p, struct match_node *n, const struct nfa_edge *by)
{
    const struct nfa_state *from = &p->nfa->states[n->parent == NULL ? 0 : n->parent->state];
    *matchrank_word(p, n) = (uint64_t)(by - from->edges);
}

void matchrank_found(const struct match_prog *p, struct match_node *n, unsigned edge, bool absent)
{
    n->live &= ~p->nfa->states[n->state].accepts | ((UINT64_C(1) << edge) - 1);
    n->flags |= MATCH_NODE_DONE;
    *matchrank_word(p, n) = (*matchrank_word(p, n) & RANK_EDGE) |
                            (uint64_t)edge << RANK_ACCEPT_SHIFT | (absent ? RANK_ABSENT : 0);
}

/* --- comparing --- */

static unsigned depth_of(const struct match_node *n)
{
    unsigned depth = 0;
    for (; n != NULL; n = n->parent)
        depth++;
    return depth;
}

/* What goes on from a node, or ends there, by one of its edges. */
struct way {
    struct match_node *node;
    unsigned edge;
    uint64_t seq; /* of the row that the edge took; UINT64_MAX: none yet */
};

static struct way way_of(struct match_node *n, unsigned edge)
{
    return (struct way){n, edge, UINT64_MAX};
}

static struct way done_way(const struct match_prog *p, struct match_node *n)
{
    return way_of(n, accept_of(p, n));
}

static void lift(const struct match_prog *p, struct way *w)
{
    w->edge = (unsigned)(*matchrank_word(p, w->node) & RANK_EDGE);
    w->seq = w->node->row->seq;
    w->node = w->node->parent;
}

/* Does the pattern itself prefer a to b? Any later row: the earlier one. */
static bool is_before(const struct match_prog *p, struct way a, struct way b)
{
    unsigned da = depth_of(a.node), db = depth_of(b.node);
    for (; da > db; da--)
        lift(p, &a);
    for (; db > da; db--)
        lift(p, &b);
    while (a.node != b.node) {
        lift(p, &a);
        lift(p, &b);
    }
    return a.edge != b.edge ? a.edge < b.edge : a.seq < b.seq;
}

bool matchrank_before(const struct match_prog *p, struct match_node *a, struct match_node *b)
{
    return is_before(p, way_of(a, 0), way_of(b, 0));
}

/* Where the rows of two nodes part: the first that differs of each; NULL: it has no more. */
struct fork {
    struct match_node *a, *b;
};

static struct fork fork_of(const struct match_prog *p, struct match_node *a, struct match_node *b)
{
    struct fork f = {NULL, NULL};
    unsigned da = depth_of(a), db = depth_of(b);
    for (; da > db; da--, a = a->parent)
        f.a = a;
    for (; db > da; db--, b = b->parent)
        f.b = b;
    for (; a != b; a = a->parent, b = b->parent)
        if (a->row != b->row || p->nfa->states[a->state].var != p->nfa->states[b->state].var)
            f = (struct fork){a, b};
    return f;
}

static bool same_rows(const struct match_prog *p, struct match_node *a, struct match_node *b)
{
    if (a == b || !p->nfa->ambiguous)
        return a == b;
    return a->extra[0] == b->extra[0];
}

static bool takes_sooner(const struct match_prog *p, struct match_node *a, struct match_node *b)
{
    struct fork f = fork_of(p, a, b);
    return f.a != NULL && f.b != NULL && f.a->row->seq < f.b->row->seq;
}

/* --- what can still count --- */

struct against { /* one of the run's matches */
    const struct match_prog *p;
    struct match_node *list;
    struct match_node *done;
    struct way way; /* of `done` */
    struct way rival; /* last_rival(), or of no node */
    bool
        may_go_on; /* something that goes on after its rows, and is preferred to its end, may become a match */
};

static uint64_t edges_to_rows(const struct match_prog *p, const struct match_node *n)
{
    return n->live & ~p->nfa->states[n->state].accepts;
}

static bool any_before(const struct match_prog *p, struct match_node *n, uint64_t edges,
                       struct way w)
{
    for (; edges != 0; edges &= edges - 1)
        if (is_before(p, way_of(n, (unsigned)__builtin_ctzll(edges)), w))
            return true;
    return false;
}

static bool may_go_on(const struct against *g)
{
    for (struct match_node *n = g->list; n != NULL; n = n->next) {
        if (n->live == 0)
            continue;
        struct fork f = fork_of(g->p, n, g->done);
        if (f.b == NULL &&
            any_before(g->p, n, f.a == NULL ? edges_to_rows(g->p, n) : n->live & -n->live, g->way))
            return true;
    }
    return false;
}

/* Of what is preferred to the match, and stays so (it ends before, or goes on after its end, or takes the same row for another
 * variable), the least preferred. */
static struct way last_rival(const struct against *g)
{
    struct way last = {NULL, 0, 0};
    for (struct match_node *n = g->list; n != NULL; n = n->next) {
        struct fork f = fork_of(g->p, n, g->done);
        uint64_t edges = n->live;
        if (f.a == NULL && f.b == NULL)
            continue;
        if (f.a != NULL && f.b != NULL && f.a->row != f.b->row)
            continue;
        if (f.a == NULL)
            edges &= g->p->nfa->states[n->state].accepts;
        if (n->flags & MATCH_NODE_DONE)
            edges |= UINT64_C(1) << accept_of(g->p, n);
        for (; edges != 0; edges &= edges - 1) {
            struct way w = way_of(n, (unsigned)__builtin_ctzll(edges));
            if (is_before(g->p, w, g->way) && (last.node == NULL || is_before(g->p, last, w)))
                last = w;
        }
    }
    return last;
}

/* y takes a later row than the match. It counts only if, preferred to them, it keeps others from being the match: the way
 * that comes of y is outranked by this one, which does not outrank them. */
static bool clears_the_way(const struct against *g, struct way y)
{
    return g->rival.node != NULL && is_before(g->p, y, g->rival);
}

/* y took the match's row for another variable, and the pattern prefers the match: is there a way with y's rows up to that
 * one that it prefers to both? */
static bool is_led(const struct against *g, struct match_node *first)
{
    for (struct match_node *n = g->list; n != NULL; n = n->next) {
        struct match_node *at = n;
        while (at != NULL && at->row->seq > first->row->seq)
            at = at->parent;
        if (at != NULL && same_rows(g->p, at, first) && is_before(g->p, way_of(n, 0), g->way))
            return true;
    }
    return false;
}

/* Of a way whose rows part from the match's, or go on after its end. */
static bool counts_beyond(const struct against *g, struct fork f, struct way y)
{
    bool preferred = is_before(g->p, y, g->way);
    if (f.b == NULL)
        return preferred || g->may_go_on;
    if (f.a->row->seq != f.b->row->seq)
        return f.a->row->seq < f.b->row->seq || clears_the_way(g, y);
    return preferred || is_led(g, f.a);
}

/* Those of n's live edges that may count although there is that match. */
static uint64_t live_that_count(const struct against *g, struct match_node *n)
{
    struct fork f = fork_of(g->p, n, g->done);
    uint64_t accepts = g->p->nfa->states[n->state].accepts, counting = 0;
    if (f.a != NULL)
        return counts_beyond(g, f, way_of(n, 0)) ? n->live : 0;
    for (uint64_t left = n->live; left != 0; left &= left - 1) {
        uint64_t bit = left & -left;
        struct way y = way_of(n, (unsigned)__builtin_ctzll(left));
        bool preferred = is_before(g->p, y, g->way), counts;
        if (accepts & bit)
            counts = preferred;
        else if (f.b == NULL)
            counts = preferred || g->may_go_on;
        else
            counts = preferred && clears_the_way(g, y);
        counting |= counts ? bit : 0;
    }
    return counting;
}

/* Does another match count beside this one? */
static bool done_counts(const struct against *g, struct match_node *n)
{
    struct fork f = fork_of(g->p, n, g->done);
    struct way y = done_way(g->p, n);
    return f.a == NULL ? is_before(g->p, y, g->way) : counts_beyond(g, f, y);
}

/* True: something was taken out. */
static bool compare_all(const struct against *g)
{
    bool changed = false;
    for (struct match_node *n = g->list; n != NULL; n = n->next) {
        uint64_t live = n->live == 0 ? 0 : live_that_count(g, n);
        changed |= live != n->live;
        n->live = live;
        if (n == g->done || !(n->flags & MATCH_NODE_DONE) || done_counts(g, n))
            continue;
        n->flags &= (uint8_t)~MATCH_NODE_DONE;
        changed = true;
    }
    return changed;
}

/* True: something still waits. */
static bool sweep(struct match *m, struct match_run *run)
{
    bool live = false;
    for (struct match_node **at = &run->list, *n; (n = *at) != NULL;) {
        live |= n->live != 0;
        if (n->live != 0 || (n->flags & (MATCH_NODE_DONE | MATCH_NODE_LATE))) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        matchrun_drop(m, run->cell, n);
    }
    return live;
}

static bool prune(struct match *m, struct match_run *run)
{
    unsigned compared = 0;
    bool changed = false;
    for (struct match_node *n = run->list; n != NULL && compared < DONE_COMPARED_MAX; n = n->next) {
        if (!(n->flags & MATCH_NODE_DONE))
            continue;
        struct against g = {.p = m->p, .list = run->list, .done = n, .way = done_way(m->p, n)};
        g.may_go_on = may_go_on(&g);
        g.rival = last_rival(&g);
        changed |= compare_all(&g);
        compared++;
    }
    return changed;
}

/* --- the match --- */

/* The next of the run's matches in the order that the pattern prefers. */
static struct match_node *done_after(const struct match_prog *p, struct match_node *list,
                                     struct match_node *after)
{
    struct match_node *next = NULL;
    for (struct match_node *n = list; n != NULL; n = n->next)
        if ((n->flags & MATCH_NODE_DONE) && n != after &&
            (after == NULL || is_before(p, done_way(p, after), done_way(p, n))) &&
            (next == NULL || is_before(p, done_way(p, n), done_way(p, next))))
            next = n;
    return next;
}

static void choose(struct match *m, struct match_run *run)
{
    struct match_node *best = done_after(m->p, run->list, NULL);
    if (best == NULL)
        return;
    for (struct match_node *n = best; n != NULL; n = done_after(m->p, run->list, n))
        if (takes_sooner(m->p, n, best))
            best = n;
    best->refs++;
    run->best = best;
    run->best_at_end = (*matchrank_word(m->p, best) & RANK_ABSENT) != 0;
    matchrun_drop_list(m, run->cell, run->list);
    run->list = NULL;
}

bool matchrank_settle(struct match *m, struct match_run *run, bool end)
{
    bool live = sweep(m, run);
    if (end) {
        choose(m, run);
        return false;
    }
    while (live && prune(m, run))
        live = sweep(m, run);
    if (!live)
        choose(m, run);
    return live;
}
