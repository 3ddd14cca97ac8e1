/* SPDX-License-Identifier: Apache-2.0
 *
 * PERMUTE becomes alternatives that share their beginnings: (A | B) C … as a tree of choices, so that a state has as many
 * edges as there are elements left, in ISO's order of preference. An element that matches in several ways begins no two
 * of them: the first order is preferred, in all its ways, to the second. */
#include "cep/match/nfatree.h"
#include <string.h>

static void too_large(struct nfatree_maker *b, struct span at)
{
    if (!b->limit)
        b->limit_at = at;
    b->limit = true;
}

static struct nfatree *node_new(struct nfatree_maker *b, enum nfatree_kind kind,
                                const struct pattern *p)
{
    struct nfatree *n = arena_zero(b->arena, sizeof *n);
    n->kind = kind;
    n->at = p->at;
    n->before = p->before;
    n->step_ms = -1;
    n->until = -1;
    return n;
}

static struct nfatree *tree_of(struct nfatree_maker *b, const struct pattern *p, unsigned depth,
                               bool excluded);

static void add_children(struct nfatree_maker *b, struct nfatree *n, const struct pattern *p,
                         unsigned depth, bool excluded)
{
    n->children = arena_zero(b->arena, (p->nchildren + 1) * sizeof(struct nfatree *));
    n->nullable = n->kind == NODE_SEQ;
    for (unsigned i = 0; i < p->nchildren; i++) {
        struct nfatree *c = tree_of(b, p->children[i], depth, excluded);
        n->children[n->n++] = c;
        n->nullable = n->kind == NODE_SEQ ? n->nullable && c->nullable : n->nullable || c->nullable;
    }
}

/* Does it match in one way only, if at all? */
static bool has_one_way(const struct pattern *p)
{
    if (p->kind == PATTERN_ALT || p->kind == PATTERN_PERMUTE || p->min != p->max)
        return false;
    if (p->max > 1 && p->inner == CONTIGUITY_ANY)
        return false;
    for (unsigned i = 0; i < p->nchildren; i++)
        if (!has_one_way(p->children[i]) || (i > 0 && p->children[i]->before == CONTIGUITY_ANY))
            return false;
    return true;
}

static struct nfatree *seq_of(struct nfatree_maker *b, const struct pattern *p,
                              struct nfatree **children, unsigned n)
{
    struct nfatree *seq = node_new(b, NODE_SEQ, p);
    seq->children = arena_zero(b->arena, n * sizeof(struct nfatree *));
    seq->n = n;
    seq->nullable = true;
    for (unsigned i = 0; i < n; i++) {
        seq->children[i] = children[i];
        children[i]->before = CONTIGUITY_NEXT;
        seq->nullable &= children[i]->nullable;
    }
    return seq;
}

static void add_way(struct nfatree *alt, struct nfatree *way)
{
    alt->nullable |= way->nullable;
    alt->children[alt->n++] = way;
}

/* Every order of the children in `left` after those chosen, each spelled out. */
static void add_orders(struct nfatree_maker *b, const struct pattern *p, struct nfatree *alt,
                       unsigned *chosen, unsigned nchosen, uint64_t left, unsigned depth,
                       bool excluded)
{
    if (left == 0) {
        struct nfatree *children[64];
        for (unsigned i = 0; i < nchosen; i++)
            children[i] = tree_of(b, p->children[chosen[i]], depth, excluded);
        if (alt->n == NFA_EDGES_MAX)
            too_large(b, p->at);
        else
            add_way(alt, seq_of(b, p, children, nchosen));
        return;
    }
    for (uint64_t more = left; more != 0 && !b->limit; more &= more - 1) {
        chosen[nchosen] = (unsigned)__builtin_ctzll(more);
        add_orders(b, p, alt, chosen, nchosen + 1, left & ~(more & -more), depth, excluded);
    }
}

/* Alternatives that begin with each of the children in `left`, in their order, followed by the rest permuted. */
static struct nfatree *permuted(struct nfatree_maker *b, const struct pattern *p, uint64_t left,
                                unsigned depth, bool excluded)
{
    struct nfatree *alt = node_new(b, NODE_ALT, p);
    alt->children = arena_zero(b->arena, (NFA_EDGES_MAX + 1) * sizeof(struct nfatree *));
    for (unsigned i = 0; i < p->nchildren && !b->limit; i++) {
        uint64_t rest = left & ~(UINT64_C(1) << i);
        unsigned chosen[64] = {i};
        if (!(left >> i & 1))
            continue;
        if (!has_one_way(p->children[i]) || rest == 0) {
            add_orders(b, p, alt, chosen, 1, rest, depth, excluded);
            continue;
        }
        struct nfatree *both[] = {tree_of(b, p->children[i], depth, excluded),
                                  permuted(b, p, rest, depth, excluded)};
        if (alt->n == NFA_EDGES_MAX)
            too_large(b, p->at);
        else
            add_way(alt, seq_of(b, p, both, 2));
    }
    return alt;
}

static struct nfatree *item_of(struct nfatree_maker *b, const struct pattern *p, unsigned depth,
                               bool excluded)
{
    static const enum nfatree_kind kinds[] = {
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
        struct nfatree *n = node_new(b, kinds[p->kind], p);
        add_children(b, n, p, depth, excluded || p->kind == PATTERN_EXCLUDE);
        if (n->kind == NODE_EMPTY || n->kind == NODE_START || n->kind == NODE_END)
            n->nullable = true;
        return n;
    }
    struct nfatree *n = node_new(b, p->negated ? NODE_NOT : NODE_VAR, p);
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
    b->leaves[b->nstates++] = n;
    return n;
}

static struct nfatree *tree_of(struct nfatree_maker *b, const struct pattern *p, unsigned depth,
                               bool excluded)
{
    bool loop = p->quantified && !(p->min == 1 && p->max == 1);
    bool counted = loop && (p->min > 1 || (p->max > 1 && p->max != UINT32_MAX));
    if (depth + counted > NFA_DEPTH_MAX)
        too_large(b, p->at);
    if (b->limit)
        return node_new(b, NODE_EMPTY, p);
    struct nfatree *item = item_of(b, p, depth + counted, excluded);
    if (!loop) {
        item->step_ms = p->quantified ? -1 : p->within_ms; /* {1}: rows of a loop, and one only */
        return item;
    }
    struct nfatree *n = node_new(b, NODE_LOOP, p);
    n->children = arena_zero(b->arena, sizeof(struct nfatree *));
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

const struct nfatree *nfatree_make(struct nfatree_maker *b, const struct pattern *p)
{
    b->nstates = 1;
    return tree_of(b, p, 0, false);
}
