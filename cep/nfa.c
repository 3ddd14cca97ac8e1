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
#include "cep/nfa.h"
#include "base/arena.h"
#include "base/mem.h"
#include <string.h>

enum node_kind { NODE_VAR, NODE_NOT, NODE_SEQ, NODE_ALT, NODE_LOOP, NODE_EMPTY, NODE_START, NODE_END };

struct node {
    enum node_kind kind;
    struct span at;
    enum contiguity before;
    int var;
    bool excluded;
    uint16_t state; /* VAR */
    int64_t step_ms;
    /* LOOP, of children[0] */
    uint32_t min, max;
    bool reluctant, counted;
    enum contiguity inner;
    int until;
    uint16_t depth; /* counted: its counter */
    bool nullable;
    unsigned n;
    struct node **children;
};

/* UNTIL variables of the loops around: of those that have taken a row, and of those that have not. */
struct untils {
    uint64_t begun, fresh;
};

/* What is still to come after a node: the rest of a sequence, or another round of a loop. */
struct frame {
    const struct frame *up; /* NULL: the end of the pattern */
    const struct node *node; /* SEQ or LOOP */
    unsigned next; /* SEQ: the child to go on with */
    uint64_t nots, next_nots; /* LOOP: those that directly follow it */
    struct untils untils; /* in force for what is still to come in it */
    unsigned walk; /* which walk went in here */
};

struct leaf { /* a state, and what comes after it */
    const struct node *node;
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
    struct nfa_guard guards[2 * NFA_DEPTH_MAX];
    struct nfa_act acts[2 * NFA_DEPTH_MAX];
};

struct builder {
    const struct match_plan *m;
    struct arena *arena, *scratch;
    struct leaf leaves[NFA_STATES_MAX];
    unsigned nstates, ndepths;
    struct nfa_edge edges[NFA_EDGES_MAX]; /* of the state in hand */
    unsigned nedges;
    unsigned walk; /* the state in hand */
    bool no_skip, limit;
    struct span limit_at;
    bool loops;
};

static void too_large(struct builder *b, struct span at)
{
    if (!b->limit)
        b->limit_at = at;
    b->limit = true;
}

/* --- the tree --- */

static struct node *node_new(struct builder *b, enum node_kind kind, const struct pattern *p)
{
    struct node *n = arena_zero(b->scratch, sizeof *n);
    n->kind = kind;
    n->at = p->at;
    n->before = p->before;
    n->step_ms = -1;
    n->until = -1;
    return n;
}

static struct node *tree_of(struct builder *b, const struct pattern *p, unsigned depth,
                            bool excluded);

static void add_children(struct builder *b, struct node *n, const struct pattern *p, unsigned depth,
                         bool excluded)
{
    n->children = arena_zero(b->scratch, (p->nchildren + 1) * sizeof(struct node *));
    n->nullable = n->kind == NODE_SEQ;
    for (unsigned i = 0; i < p->nchildren; i++) {
        struct node *c = tree_of(b, p->children[i], depth, excluded);
        n->children[n->n++] = c;
        n->nullable = n->kind == NODE_SEQ ? n->nullable && c->nullable : n->nullable || c->nullable;
    }
}

/* Alternatives that begin with each of the children in `left`, in their order, followed by the rest permuted. */
static struct node *permuted(struct builder *b, const struct pattern *p, uint64_t left,
                             unsigned depth, bool excluded)
{
    struct node *alt = node_new(b, NODE_ALT, p);
    alt->children = arena_zero(b->scratch, (p->nchildren + 1) * sizeof(struct node *));
    for (unsigned i = 0; i < p->nchildren && !b->limit; i++) {
        if (!(left >> i & 1))
            continue;
        struct node *first = tree_of(b, p->children[i], depth, excluded);
        first->before = CONTIGUITY_NEXT;
        uint64_t rest = left & ~(UINT64_C(1) << i);
        if (rest == 0) {
            alt->children[alt->n++] = first;
            continue;
        }
        struct node *seq = node_new(b, NODE_SEQ, p);
        seq->children = arena_zero(b->scratch, 2 * sizeof(struct node *));
        seq->children[seq->n++] = first;
        seq->children[seq->n++] = permuted(b, p, rest, depth, excluded);
        seq->children[1]->before = CONTIGUITY_NEXT;
        seq->nullable = first->nullable && seq->children[1]->nullable;
        alt->nullable |= seq->nullable;
        alt->children[alt->n++] = seq;
    }
    return alt;
}

static struct node *item_of(struct builder *b, const struct pattern *p, unsigned depth,
                            bool excluded)
{
    static const enum node_kind kinds[] = {
        [PATTERN_SEQ] = NODE_SEQ,     [PATTERN_EXCLUDE] = NODE_SEQ, [PATTERN_ALT] = NODE_ALT,
        [PATTERN_EMPTY] = NODE_EMPTY, [PATTERN_START] = NODE_START, [PATTERN_END] = NODE_END,
    };
    if (p->kind == PATTERN_PERMUTE) {
        if (p->nchildren > 63) {
            too_large(b, p->at);
            return node_new(b, NODE_EMPTY, p);
        }
        return permuted(b, p, (UINT64_C(1) << p->nchildren) - 1, depth, excluded);
    }
    if (p->kind != PATTERN_VAR) {
        struct node *n = node_new(b, kinds[p->kind], p);
        add_children(b, n, p, depth, excluded || p->kind == PATTERN_EXCLUDE);
        if (n->kind == NODE_EMPTY || n->kind == NODE_START || n->kind == NODE_END)
            n->nullable = true;
        return n;
    }
    struct node *n = node_new(b, p->negated ? NODE_NOT : NODE_VAR, p);
    n->var = p->var;
    n->excluded = excluded;
    n->nullable = p->negated;
    if (p->negated)
        return n;
    if (b->nstates >= NFA_STATES_MAX) {
        too_large(b, p->at);
        return n;
    }
    n->state = (uint16_t)b->nstates;
    b->leaves[b->nstates++].node = n;
    return n;
}

static struct node *tree_of(struct builder *b, const struct pattern *p, unsigned depth,
                            bool excluded)
{
    bool loop = p->quantified && !(p->min == 1 && p->max == 1);
    bool counted = loop && (p->min > 1 || (p->max > 1 && p->max != UINT32_MAX));
    if (depth + counted > NFA_DEPTH_MAX)
        too_large(b, p->at);
    if (b->limit)
        return node_new(b, NODE_EMPTY, p);
    struct node *item = item_of(b, p, depth + counted, excluded);
    if (!loop) {
        item->step_ms = p->within_ms;
        return item;
    }
    struct node *n = node_new(b, NODE_LOOP, p);
    n->children = arena_zero(b->scratch, sizeof(struct node *));
    n->children[n->n++] = item;
    n->min = p->min;
    n->max = p->max;
    n->reluctant = p->reluctant;
    n->inner = p->inner;
    n->until = p->until;
    n->step_ms = p->within_ms;
    n->counted = counted;
    n->depth = (uint16_t)depth;
    n->nullable = p->min == 0 || item->nullable;
    if (counted && depth + 1 > b->ndepths)
        b->ndepths = depth + 1;
    b->loops |= p->max > 1;
    return n;
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
        if (a->acts[i].depth != b->acts[i].depth || a->acts[i].more != b->acts[i].more)
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
        .nacts = (uint8_t)g->nacts,
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
    if (b->m->within_each_step && b->m->within_ms >= 0 && to != NFA_ACCEPT && !g->start &&
        (e.step_ms < 0 || b->m->within_ms < e.step_ms))
        e.step_ms = b->m->within_ms;
    if (g->at_end && to != NFA_ACCEPT)
        return;
    for (unsigned i = 0; i < b->nedges; i++)
        if (same_edge(&b->edges[i], &e))
            return;
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
    b->edges[b->nedges++] = e;
}

static void add_guard(struct builder *b, struct gap *g, const struct node *loop, uint32_t least,
                      uint32_t below)
{
    if (g->nguards == 2 * NFA_DEPTH_MAX)
        too_large(b, loop->at);
    else
        g->guards[g->nguards++] = (struct nfa_guard){loop->depth, least, below};
}

static void add_act(struct builder *b, struct gap *g, const struct node *loop, bool more)
{
    if (g->nacts == 2 * NFA_DEPTH_MAX)
        too_large(b, loop->at);
    else
        g->acts[g->nacts++] = (struct nfa_act){loop->depth, more};
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

static void walk(struct builder *b, const struct node *n, const struct gap *g, struct untils u,
                 const struct frame *up);

static struct frame *frame_new(struct builder *b, const struct frame *up, const struct node *n,
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
static void nots_after(const struct node *loop, const struct frame *up, struct frame *f)
{
    if (up == NULL || up->node->kind != NODE_SEQ || up->node->children[up->next - 1] != loop)
        return;
    const struct node *seq = up->node;
    for (unsigned j = up->next; j < seq->n && seq->children[j]->kind == NODE_NOT; j++)
        *(seq->children[j]->before == CONTIGUITY_NEXT ? &f->next_nots : &f->nots) |=
            bit(seq->children[j]->var);
}

static void walk_on(struct builder *b, const struct gap *g, const struct frame *up);

/* Children i.. of a sequence. first: its beginning, which follows as the sequence does. */
static void walk_seq(struct builder *b, const struct node *seq, unsigned i, const struct gap *from,
                     bool first, struct untils u, const struct frame *up)
{
    struct gap g = *from;
    for (; i < seq->n; i++) {
        const struct node *c = seq->children[i];
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

static uint64_t edges_from(const struct builder *b, unsigned from)
{
    uint64_t up_to = b->nedges == 64 ? ~UINT64_C(0) : (UINT64_C(1) << b->nedges) - 1;
    return from == 64 ? 0 : up_to & ~((UINT64_C(1) << from) - 1);
}

/* A greedy loop over one variable gives nothing back under NO SKIP: what leaves it is void once it takes a row. */
static bool holds_fast(const struct builder *b, const struct node *loop)
{
    return b->no_skip && !loop->reluctant && loop->children[0]->kind == NODE_VAR;
}

/* The first round of a loop, or none. */
static void walk_loop(struct builder *b, const struct node *loop, const struct gap *g,
                      struct untils u, const struct frame *up)
{
    struct untils inside = {u.begun, u.fresh | bit(loop->until)};
    struct frame *f = frame_new(b, up, loop, 0, inside);
    nots_after(loop, up, f);
    struct gap in = *g, out = *g;
    if (loop->counted)
        add_act(b, &in, loop, false);
    unsigned from = b->nedges;
    if (loop->reluctant && loop->nullable)
        walk_on(b, &out, up);
    if (loop->max > 0)
        walk(b, loop->children[0], &in, inside, f);
    if (loop->reluctant || !loop->nullable)
        return;
    if (holds_fast(b, loop))
        out.blockers |= edges_from(b, from);
    walk_on(b, &out, up);
}

/* Another round. part 0: the loop could not end here; 1: it could; a strict NOT after it binds only then. */
static void walk_round(struct builder *b, const struct gap *g, const struct frame *f, uint32_t least,
                       int part)
{
    const struct node *loop = f->node;
    struct gap in = then(g, loop->inner);
    uint32_t from = 0, below = loop->max;
    in.step_ms = loop->step_ms;
    in.nots |= f->nots;
    if (part == 0) {
        below = least < below ? least : below;
    } else {
        in.next_nots |= f->next_nots;
        from = f->next_nots != 0 && least > 1 ? least : 0;
    }
    if (below != UINT32_MAX || from > 0)
        add_guard(b, &in, loop, from, below);
    if (loop->counted)
        add_act(b, &in, loop, true);
    walk(b, loop->children[0], &in, untils_in(b, f), f);
}

/* After a round: again, or out. */
static void walk_again(struct builder *b, const struct gap *g, const struct frame *f)
{
    const struct node *loop = f->node;
    if (!g->fresh) { /* the round took no row: the loop is over */
        walk_on(b, g, f->up);
        return;
    }
    uint32_t least = loop->children[0]->nullable ? 0 : loop->min;
    struct gap out = *g;
    if (least > 1)
        add_guard(b, &out, loop, least, UINT32_MAX);
    if (loop->reluctant)
        walk_on(b, &out, f->up);
    unsigned from = b->nedges;
    if (loop->max > 1 && f->next_nots != 0 && least > 1)
        walk_round(b, g, f, least, 0);
    if (loop->max > 1)
        walk_round(b, g, f, least, 1);
    if (loop->reluctant)
        return;
    if (holds_fast(b, loop))
        out.blockers |= edges_from(b, from);
    walk_on(b, &out, f->up);
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

static void walk(struct builder *b, const struct node *n, const struct gap *g, struct untils u,
                 const struct frame *up)
{
    struct gap in = *g;
    if (b->limit)
        return;
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
        walk_loop(b, n, &in, u, up);
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
}

/* --- states --- */

static void finish_state(struct builder *b, struct nfa_state *s)
{
    struct nfa_edge *e = arena_alloc(b->arena, (b->nedges + 1) * sizeof *e);
    memcpy(e, b->edges, b->nedges * sizeof *e);
    s->edges = e;
    s->nedges = (uint16_t)b->nedges;
    s->all = edges_from(b, 0);
    for (unsigned i = 0; i < b->nedges; i++) {
        if (e[i].nguards == 0)
            s->unguarded |= UINT64_C(1) << i;
        s->vars |= e[i].nots | e[i].next_nots | e[i].untils | e[i].untils_row;
        if (e[i].to != NFA_ACCEPT) {
            s->vars |= bit(b->leaves[e[i].to].node->var);
            s->strict |= e[i].how == CONTIGUITY_NEXT;
        }
        s->strict |= e[i].next_nots != 0;
    }
}

static bool is_ambiguous(const struct builder *b)
{
    uint64_t seen = 0;
    for (unsigned i = 1; i < b->nstates; i++) {
        uint64_t v = bit(b->leaves[i].node->var);
        if (seen & v)
            return true;
        seen |= v;
    }
    return false;
}

/* Two edges of one state to one position, with other counters or NOTs: ways that may take the same rows. */
static bool doubles(const struct nfa_state *s)
{
    for (unsigned i = 0; i < s->nedges; i++)
        for (unsigned j = 0; j < i; j++)
            if (s->edges[i].to == s->edges[j].to)
                return true;
    return false;
}

/* Each state is reached from state 0, or from one that was; rounds over all of them end when no new one was. */
static void walk_all(struct builder *b, const struct node *root, struct nfa_state *states)
{
    const struct gap start = {.start = true, .step_ms = -1}, fresh = {.fresh = true, .step_ms = -1};
    b->leaves[0].reached = true;
    for (bool again = true; again && !b->limit;) {
        again = false;
        for (unsigned s = 0; s < b->nstates && !b->limit; s++) {
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
            states[s].var = s == 0 ? -1 : l->node->var;
            states[s].excluded = s != 0 && l->node->excluded;
            finish_state(b, &states[s]);
        }
    }
}

static struct nfa *finish(struct builder *b, const struct nfa_state *states)
{
    struct nfa *n = arena_zero(b->arena, sizeof *n);
    *n = (struct nfa){.nstates = b->nstates,
                      .ndepths = b->ndepths,
                      .states = states,
                      .ambiguous = is_ambiguous(b),
                      .loops = b->loops,
                      .arena = b->arena};
    for (unsigned s = 0; s < b->nstates; s++) {
        n->vars |= states[s].vars;
        n->strict |= s != 0 && states[s].strict;
        n->ambiguous |= doubles(&states[s]);
    }
    return n;
}

enum err nfa_build(const struct match_plan *m, struct diag *d, struct nfa **out)
{
    struct builder *b = mem_new(sizeof *b);
    b->m = m;
    b->no_skip = m->skip == SKIP_NONE;
    b->arena = arena_new(1024, 0);
    b->scratch = arena_new(4096, 0);
    b->nstates = 1;
    const struct node *root = tree_of(b, m->pattern, 0, false);
    struct nfa_state *states = arena_zero(b->arena, b->nstates * sizeof *states);
    if (!b->limit)
        walk_all(b, root, states);
    enum err e = b->limit ? ERR_LIMIT : ERR_OK;
    if (e == ERR_OK)
        *out = finish(b, states);
    else
        arena_free(b->arena);
    if (e != ERR_OK && d != NULL)
        diag_error(d, "pattern-too-large", b->limit_at, "split the pattern over several rules",
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
