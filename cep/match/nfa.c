/* SPDX-License-Identifier: Apache-2.0
 *
 * Glushkov's construction, with what lies between two rows carried along. First the pattern becomes a tree of its own:
 * quantifiers are LOOP nodes, PERMUTE is spelled out (as alternatives that share their beginnings), exclusion a mark on
 * its leaves. Then, from each leaf, a walk goes through all that may come next without a row: on to the next element, up
 * and out of loops, round again. It carries a `struct gap`: how the next row is to follow, which NOTs are in force,
 * which counters must have which values, which greedy loops were left. At a leaf the gap becomes an edge.
 *
 * The walk follows ISO's order of preference, so edges come in that order. Ways that differ in nothing are one edge; this
 * is what keeps `(A+)+` small. A loop whose item may be empty can always fill its minimum with empty rounds, so its
 * minimum guards nothing; a round that took no row does not go round again. */
#include "cep/match/nfa.h"
#include "base/mem.h"
#include "cep/match/nfatree.h"
#include <string.h>

/* UNTIL variables of the loops around: of those that have taken a row, and of those that have not. */
struct untils {
    uint64_t begun, fresh;
};

/* What is still to come after a node: the rest of a sequence, or another round of a loop. */
struct frame {
    const struct frame *up; /* NULL: the end of the pattern */
    const struct nfatree *node; /* SEQ or LOOP */
    unsigned next; /* SEQ: the child to go on with */
    struct untils untils; /* in force for what is still to come in it */
    unsigned walk; /* which walk went in here: the same one comes back without a row */
    /* LOOP */
    uint64_t nots, next_nots; /* those that directly follow it */
    struct untils around;
    bool entered; /* this walk came from before the loop, else from a row in it */
    enum contiguity how; /* entered: how its first row is to follow */
    int64_t step_ms;
    uint32_t rounds; /* that this walk has begun, the one in hand among them */
};

struct leaf { /* what comes after a state's row */
    const struct frame *after;
    bool reached, done;
};

struct gap {
    bool start; /* no row has been taken yet */
    bool fresh; /* one has just been taken: the next element says how */
    enum contiguity how;
    uint64_t nots, next_nots, blockers;
    int64_t step_ms;
    bool at_start, at_end;
    unsigned nguards, nacts;
    struct nfa_guard guards[NFA_DEPTH_MAX];
    struct nfa_act acts[NFA_DEPTH_MAX];
};

struct builder {
    const struct match_plan *m;
    struct arena *arena, *scratch;
    struct nfatree_maker tree;
    const struct nfatree *nodes[NFA_STATES_MAX]; /* by state */
    struct leaf leaves[NFA_STATES_MAX];
    struct nfa_edge edges[NFA_EDGES_MAX]; /* of the state in hand */
    unsigned nedges;
    uint64_t met; /* edges that the walk has come to, new or not */
    unsigned walk; /* the state in hand */
    unsigned depth; /* elements that this walk has passed without a row: each is a call in a call */
    uint32_t steps; /* of all walks */
    bool no_skip, limit;
    struct span limit_at;
};

/* What a pattern of a rule's author may cost, in the depth of the stack and in time. Every element that is passed without
 * a row could take one, so a pattern that is not too large for its edges stays far below. */
enum { DEPTH_MAX = 400, STEPS_MAX = 1000000 };

static void too_large(struct builder *b, struct span at)
{
    if (!b->limit)
        b->limit_at = at;
    b->limit = true;
}

/* --- the walk --- */

static uint64_t bit(int var)
{
    return var < 0 ? 0 : UINT64_C(1) << var;
}

static bool same_edge(const struct nfa_edge *a, const struct nfa_edge *b)
{
    if (a->to != b->to || a->how != b->how || a->nguards != b->nguards || a->nacts != b->nacts ||
        a->at_start != b->at_start || a->at_end != b->at_end || a->nots != b->nots ||
        a->next_nots != b->next_nots || a->untils != b->untils || a->untils_row != b->untils_row ||
        a->blockers != b->blockers || a->step_ms != b->step_ms)
        return false;
    for (unsigned i = 0; i < a->nguards; i++)
        if (a->guards[i].depth != b->guards[i].depth || a->guards[i].least != b->guards[i].least ||
            a->guards[i].below != b->guards[i].below)
            return false;
    for (unsigned i = 0; i < a->nacts; i++)
        if (a->acts[i].depth != b->acts[i].depth || a->acts[i].more != b->acts[i].more ||
            a->acts[i].by != b->acts[i].by)
            return false;
    return true;
}

static void emit(struct builder *b, uint16_t to, const struct gap *g, struct span at,
                 struct untils u)
{
    struct nfa_edge e = {
        .to = to,
        .how = (uint8_t)(g->start || g->fresh ? CONTIGUITY_NEXT : g->how),
        .nguards = (uint8_t)g->nguards,
        .nacts = to == NFA_ACCEPT ? 0 : (uint8_t)g->nacts,
        .at_start = g->at_start,
        .at_end = g->at_end,
        .nots = g->nots,
        .next_nots = g->next_nots,
        .untils = u.begun,
        .untils_row = u.fresh,
        .blockers = g->blockers,
        .step_ms = g->step_ms,
        .guards = g->guards,
        .acts = g->acts,
    };
    if (b->m->within_each_step && b->m->within_ms >= 0 && !g->start &&
        (to != NFA_ACCEPT || (g->nots | g->next_nots) != 0) &&
        (e.step_ms < 0 || b->m->within_ms < e.step_ms))
        e.step_ms = b->m->within_ms;
    if (g->at_end && to != NFA_ACCEPT)
        return;
    for (unsigned i = 0; i < b->nedges; i++)
        if (same_edge(&b->edges[i], &e)) {
            b->met |= UINT64_C(1) << i;
            return;
        }
    if (b->nedges == NFA_EDGES_MAX) {
        too_large(b, at);
        return;
    }
    struct nfa_guard *guards = arena_alloc(b->arena, (g->nguards + 1) * sizeof *guards);
    struct nfa_act *acts = arena_alloc(b->arena, (g->nacts + 1) * sizeof *acts);
    memcpy(guards, g->guards, g->nguards * sizeof *guards);
    memcpy(acts, g->acts, g->nacts * sizeof *acts);
    e.guards = guards;
    e.acts = acts;
    b->met |= UINT64_C(1) << b->nedges;
    b->edges[b->nedges++] = e;
}

/* In one walk a depth has one loop at most that rows were counted of, so its guards are one range. */
static void add_guard(struct builder *b, struct gap *g, const struct nfatree *loop, uint32_t least,
                      uint32_t below)
{
    for (unsigned i = 0; i < g->nguards; i++) {
        struct nfa_guard *old = &g->guards[i];
        if (old->depth != loop->depth)
            continue;
        old->least = least > old->least ? least : old->least;
        old->below = below < old->below ? below : old->below;
        return;
    }
    if (g->nguards == NFA_DEPTH_MAX)
        too_large(b, loop->at);
    else
        g->guards[g->nguards++] = (struct nfa_guard){loop->depth, least, below};
}

static void add_act(struct builder *b, struct gap *g, const struct nfatree *loop, bool more)
{
    for (unsigned i = 0; i < g->nacts; i++) {
        struct nfa_act *old = &g->acts[i];
        if (old->depth != loop->depth)
            continue;
        if (more)
            old->by++;
        else
            *old = (struct nfa_act){loop->depth, false, 1};
        return;
    }
    if (g->nacts == NFA_DEPTH_MAX)
        too_large(b, loop->at);
    else
        g->acts[g->nacts++] = (struct nfa_act){loop->depth, more, 1};
}

/* The gap before an element that follows as `how`. */
static struct gap then(const struct gap *g, enum contiguity how)
{
    struct gap next = *g;
    next.how = how;
    next.fresh = false;
    next.step_ms = -1;
    return next;
}

static void walk(struct builder *b, const struct nfatree *n, const struct gap *g, struct untils u,
                 const struct frame *up);

static struct frame *frame_new(struct builder *b, const struct frame *up, const struct nfatree *n,
                               unsigned next, struct untils u)
{
    struct frame *f = arena_zero(b->scratch, sizeof *f);
    *f = (struct frame){.up = up, .node = n, .next = next, .untils = u, .walk = b->walk};
    return f;
}

/* A walk that begins at a row inside a loop: the loop has begun. */
static struct untils untils_in(const struct builder *b, const struct frame *f)
{
    if (f->walk == b->walk)
        return f->untils;
    return (struct untils){.begun = f->untils.begun | f->untils.fresh};
}

/* NOTs that directly follow a loop in its sequence: they bind between its rounds too. */
static void nots_after(const struct nfatree *loop, const struct frame *up, struct frame *f)
{
    if (up == NULL || up->node->kind != NODE_SEQ || up->node->children[up->next - 1] != loop)
        return;
    const struct nfatree *seq = up->node;
    for (unsigned j = up->next; j < seq->n && seq->children[j]->kind == NODE_NOT; j++)
        *(seq->children[j]->before == CONTIGUITY_NEXT ? &f->next_nots : &f->nots) |=
            bit(seq->children[j]->var);
}

static void walk_on(struct builder *b, const struct gap *g, const struct frame *up);

/* Children i.. of a sequence. first: its beginning, which follows as the sequence does. */
static void walk_seq(struct builder *b, const struct nfatree *seq, unsigned i,
                     const struct gap *from, bool first, struct untils u, const struct frame *up)
{
    struct gap g = *from;
    for (; i < seq->n; i++) {
        const struct nfatree *c = seq->children[i];
        if (!first)
            g = then(&g, c->before);
        first = false;
        if (c->kind != NODE_NOT) {
            walk(b, c, &g, u, frame_new(b, up, seq, i + 1, u));
            return;
        }
        *(c->before == CONTIGUITY_NEXT ? &g.next_nots : &g.nots) |= bit(c->var);
        g.step_ms = c->step_ms;
    }
    walk_on(b, &g, up);
}

/* A greedy loop over one variable gives nothing back under NO SKIP: what leaves it is void once it takes a row. */
static bool holds_fast(const struct builder *b, const struct nfatree *loop)
{
    return b->no_skip && !loop->reluctant && loop->children[0]->kind == NODE_VAR;
}

/* Guards that say how far a loop is: rounds before this walk (none, or the counter) plus `done`. False: never. */
static bool at_least(struct builder *b, struct gap *g, const struct frame *f, uint32_t done,
                     uint32_t n)
{
    if (f->entered)
        return done >= n;
    if (n > done + 1) /* at least one round is counted */
        add_guard(b, g, f->node, n - done, UINT32_MAX);
    return true;
}

static bool fewer(struct builder *b, struct gap *g, const struct frame *f, uint32_t done,
                  uint32_t n)
{
    if (n == UINT32_MAX)
        return true;
    if (f->entered || n <= done + 1)
        return f->entered && done < n;
    add_guard(b, g, f->node, 0, n - done);
    return true;
}

/* One more round after `done` of this walk. could_end: 1 where the loop could end before it, which is where a strict NOT
 * after the loop binds; 0 where it could not; -1: both. */
static void walk_round(struct builder *b, const struct gap *g, const struct frame *f, uint32_t done,
                       int could_end)
{
    const struct nfatree *loop = f->node;
    bool first =
        f->entered || done > 0; /* no row of the loop, or a round without rows, lies before it */
    struct gap in = first ? *g : then(g, loop->inner);
    if (!fewer(b, &in, f, done, loop->max))
        return;
    if (done > 0) { /* rounds without rows change nothing */
        in.how = f->entered ? f->how : loop->inner;
        in.step_ms = f->entered ? f->step_ms : loop->step_ms;
        in.fresh = false;
    }
    if (!first) {
        in.step_ms = loop->step_ms;
        in.nots |= f->nots;
        if (could_end != 0)
            in.next_nots |= f->next_nots;
    }
    if ((could_end == 1 && !at_least(b, &in, f, done, loop->min)) ||
        (could_end == 0 && !fewer(b, &in, f, done, loop->min)))
        return;
    if (loop->counted)
        add_act(b, &in, loop, !f->entered || done > 0);
    struct untils u = {f->around.begun, f->around.fresh};
    *(f->entered ? &u.fresh : &u.begun) |= bit(loop->until);
    struct frame *next = frame_new(b, f->up, loop, 0, u);
    next->nots = f->nots;
    next->next_nots = f->next_nots;
    next->around = f->around;
    next->entered = f->entered;
    next->how = f->how;
    next->step_ms = f->step_ms;
    next->rounds = done + 1;
    walk(b, loop->children[0], &in, u, next);
}

/* Rounds that this walk has done: another, or out. A round without rows is only good to fill up the minimum. */
static void walk_loop(struct builder *b, const struct gap *g, const struct frame *f, uint32_t done)
{
    const struct nfatree *loop = f->node;
    struct gap out = *g, in = *g;
    if (done > 0 && !fewer(b, &in, f, done - 1, loop->min))
        return;
    out.nguards = in.nguards;
    memcpy(out.guards, in.guards, sizeof out.guards);
    bool may_end = at_least(b, &out, f, done, loop->min);
    if (loop->reluctant && may_end)
        walk_on(b, &out, f->up);
    uint64_t before = b->met;
    b->met = 0;
    if (!f->entered && done == 0 && f->next_nots != 0 && loop->min > 1) {
        walk_round(b, &in, f, done, 0);
        walk_round(b, &in, f, done, 1);
    } else {
        walk_round(b, &in, f, done, -1);
    }
    uint64_t again = b->met;
    b->met |= before;
    if (loop->reluctant || !may_end)
        return;
    if (holds_fast(b, loop))
        out.blockers |= again;
    walk_on(b, &out, f->up);
}

static void enter_loop(struct builder *b, const struct nfatree *loop, const struct gap *g,
                       struct untils u, const struct frame *up)
{
    struct frame *f = frame_new(b, up, loop, 0, u);
    f->around = u;
    f->entered = true;
    f->how = g->how;
    f->step_ms = g->step_ms;
    nots_after(loop, up, f);
    walk_loop(b, g, f, 0);
}

/* After a round. */
static void walk_again(struct builder *b, const struct gap *g, const struct frame *f)
{
    if (f->walk == b->walk) { /* which took no row */
        walk_loop(b, g, f, f->rounds);
        return;
    }
    struct frame again = *f;
    again.around = (struct untils){.begun = f->around.begun | f->around.fresh};
    again.entered = false;
    walk_loop(b, g, &again, 0);
}

static void walk_on(struct builder *b, const struct gap *g, const struct frame *up)
{
    if (b->limit)
        return;
    if (up == NULL)
        emit(b, NFA_ACCEPT, g, b->m->pattern->at, (struct untils){0});
    else if (up->node->kind == NODE_SEQ)
        walk_seq(b, up->node, up->next, g, false, untils_in(b, up), up->up);
    else
        walk_again(b, g, up);
}

static void walk(struct builder *b, const struct nfatree *n, const struct gap *g, struct untils u,
                 const struct frame *up)
{
    struct gap in = *g;
    if (b->depth == DEPTH_MAX || b->steps++ == STEPS_MAX)
        too_large(b, n->at);
    if (b->limit)
        return;
    b->depth++;
    if (n->step_ms >= 0 && n->kind != NODE_LOOP)
        in.step_ms = n->step_ms;
    switch (n->kind) {
    case NODE_VAR:
        b->leaves[n->state].reached = true;
        b->leaves[n->state].after = up;
        emit(b, n->state, &in, n->at, u);
        break;
    case NODE_SEQ:
        walk_seq(b, n, 0, &in, true, u, up);
        break;
    case NODE_ALT:
        for (unsigned i = 0; i < n->n; i++)
            walk(b, n->children[i], &in, u, up);
        break;
    case NODE_LOOP:
        enter_loop(b, n, &in, u, up);
        break;
    case NODE_NOT: /* alone in a group: as in a sequence of one */
        *(n->before == CONTIGUITY_NEXT ? &in.next_nots : &in.nots) |= bit(n->var);
        walk_on(b, &in, up);
        break;
    case NODE_START:
        in.at_start = true;
        if (in.start)
            walk_on(b, &in, up);
        break;
    case NODE_END:
        in.at_end = true;
        walk_on(b, &in, up);
        break;
    case NODE_EMPTY:
        walk_on(b, &in, up);
        break;
    }
    b->depth--;
}

/* --- states --- */

static void finish_state(struct builder *b, struct nfa_state *s)
{
    struct nfa_edge *e = arena_alloc(b->arena, (b->nedges + 1) * sizeof *e);
    memcpy(e, b->edges, b->nedges * sizeof *e);
    s->edges = e;
    s->nedges = (uint16_t)b->nedges;
    for (unsigned i = 0; i < b->nedges; i++) {
        s->all |= UINT64_C(1) << i;
        if (e[i].nguards == 0)
            s->unguarded |= UINT64_C(1) << i;
        if (e[i].to == NFA_ACCEPT)
            s->accepts |= UINT64_C(1) << i;
        s->vars |= e[i].nots | e[i].next_nots | e[i].untils | e[i].untils_row;
        if (e[i].to != NFA_ACCEPT) {
            s->vars |= bit(b->nodes[e[i].to]->var);
            s->strict |= e[i].how == CONTIGUITY_NEXT;
        }
        s->strict |= e[i].next_nots != 0 || e[i].at_end;
    }
}

/* Two edges of one state to the same variable: ways that may take the same rows. */
static bool doubles(const struct builder *b, const struct nfa_state *s)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < s->nedges; i++) {
        if (s->edges[i].to == NFA_ACCEPT)
            continue;
        uint64_t v = bit(b->nodes[s->edges[i].to]->var);
        if (seen & v)
            return true;
        seen |= v;
    }
    return false;
}

/* It may end, which ranks below an edge that lets rows lie and above another edge. */
static bool ends_between(const struct nfa_state *s)
{
    bool lets_lie = false, ends = false;
    for (unsigned i = 0; i < s->nedges; i++) {
        if (s->edges[i].to == NFA_ACCEPT)
            ends = lets_lie;
        else if (ends)
            return true;
        else
            lets_lie |= s->edges[i].how != CONTIGUITY_NEXT;
    }
    return false;
}

/* Each state is reached from state 0, or from one that was; rounds over all of them end when no new one was. */
static void walk_all(struct builder *b, const struct nfatree *root, struct nfa_state *states)
{
    const struct gap start = {.start = true, .step_ms = -1}, fresh = {.fresh = true, .step_ms = -1};
    b->leaves[0].reached = true;
    for (bool again = true; again && !b->limit;) {
        again = false;
        for (unsigned s = 0; s < b->tree.nstates && !b->limit; s++) {
            struct leaf *l = &b->leaves[s];
            if (l->done || !l->reached)
                continue;
            l->done = again = true;
            b->nedges = 0;
            b->walk = s;
            if (s == 0)
                walk(b, root, &start, (struct untils){0}, NULL);
            else
                walk_on(b, &fresh, l->after);
            states[s].var = s == 0 ? -1 : b->nodes[s]->var;
            states[s].excluded = s != 0 && b->nodes[s]->excluded;
            finish_state(b, &states[s]);
        }
    }
}

static struct nfa *finish(struct builder *b, const struct nfa_state *states)
{
    struct nfa *n = arena_zero(b->arena, sizeof *n);
    *n = (struct nfa){.nstates = b->tree.nstates,
                      .ndepths = b->tree.ndepths,
                      .states = states,
                      .loops = b->tree.loops,
                      .arena = b->arena};
    for (unsigned s = 0; s < b->tree.nstates; s++) {
        n->vars |= states[s].vars;
        n->strict |= s != 0 && states[s].strict;
        n->ambiguous |= doubles(b, &states[s]);
        n->tangled |= s != 0 && ends_between(&states[s]);
        for (unsigned i = 0; i < states[s].nedges && s != 0; i++)
            n->steps |= states[s].edges[i].step_ms >= 0;
        for (unsigned i = 0; i < states[s].nedges; i++) {
            n->at_start |= states[s].edges[i].at_start;
            n->at_end |= states[s].edges[i].at_end;
            n->relaxed |=
                states[s].edges[i].to != NFA_ACCEPT && states[s].edges[i].how != CONTIGUITY_NEXT;
        }
    }
    n->tangled |= n->ambiguous && n->relaxed;
    return n;
}

enum err nfa_build(const struct match_plan *m, struct diag *d, struct nfa **out)
{
    struct builder *b = mem_new(sizeof *b);
    b->m = m;
    b->no_skip = m->skip == SKIP_NONE;
    b->arena = arena_new(1024, 0);
    b->scratch = arena_new(4096, 0);
    b->tree = (struct nfatree_maker){.arena = b->scratch, .leaves = b->nodes};
    const struct nfatree *root = nfatree_make(&b->tree, m->pattern);
    if (b->tree.limit)
        too_large(b, b->tree.limit_at);
    struct nfa_state *states = arena_zero(b->arena, b->tree.nstates * sizeof *states);
    if (!b->limit)
        walk_all(b, root, states);
    enum err e = b->limit ? ERR_LIMIT : ERR_OK;
    if (e == ERR_OK)
        *out = finish(b, states);
    else
        arena_free(b->arena);
    if (e != ERR_OK && d != NULL)
        diag_error(
            d, "pattern-too-large", b->limit_at, "split the pattern over several rules",
            "the pattern has more than %d ways to go on from one row, or %d variables in all",
            NFA_EDGES_MAX, NFA_STATES_MAX - 1);
    arena_free(b->scratch);
    mem_free(b);
    return e;
}

void nfa_free(struct nfa *n)
{
    if (n != NULL)
        arena_free(n->arena);
}
