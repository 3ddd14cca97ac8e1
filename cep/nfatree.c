/* SPDX-License-Identifier: Apache-2.0
 *
 * PERMUTE becomes alternatives that share their beginnings: (A | B) C … as a tree of choices, so that a state has as many
 * edges as there are elements left, in ISO's order of preference. */
#include "cep/nfatree.h"
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

/* Alternatives that begin with each of the children in `left`, in their order, followed by the rest permuted. */
static struct nfatree *permuted(struct nfatree_maker *b, const struct pattern *p, uint64_t left,
                                unsigned depth, bool excluded)
{
    struct nfatree *alt = node_new(b, NODE_ALT, p);
    alt->children = arena_zero(b->arena, (p->nchildren + 1) * sizeof(struct nfatree *));
    for (unsigned i = 0; i < p->nchildren && !b->limit; i++) {
        if (!(left >> i & 1))
            continue;
        struct nfatree *first = tree_of(b, p->children[i], depth, excluded);
        first->before = CONTIGUITY_NEXT;
        uint64_t rest = left & ~(UINT64_C(1) << i);
        if (rest == 0) {
            alt->children[alt->n++] = first;
            continue;
        }
        struct nfatree *seq = node_new(b, NODE_SEQ, p);
        seq->children = arena_zero(b->arena, 2 * sizeof(struct nfatree *));
        seq->children[seq->n++] = first;
        seq->children[seq->n++] = permuted(b, p, rest, depth, excluded);
        seq->children[1]->before = CONTIGUITY_NEXT;
        seq->nullable = first->nullable && seq->children[1]->nullable;
        alt->nullable |= seq->nullable;
        alt->children[alt->n++] = seq;
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
