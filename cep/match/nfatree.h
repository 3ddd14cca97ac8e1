/* SPDX-License-Identifier: Apache-2.0 */
/* nfatree.h - a pattern as the automaton's builder wants it: quantifiers as nodes, PERMUTE spelled out, states numbered.
 *
 * Room:   struct pattern -> [nfatree] -> nfa
 * Owns:   nothing; nodes live in the arena given.  Thread: any.  Time: milliseconds of WITHIN. */
#ifndef WEIR_CEP_NFATREE_H
#define WEIR_CEP_NFATREE_H
#include "base/arena.h"
#include "cep/match/nfa.h"

enum nfatree_kind {
    NODE_VAR,
    NODE_NOT,
    NODE_SEQ,
    NODE_ALT,
    NODE_LOOP,
    NODE_EMPTY,
    NODE_START,
    NODE_END
};

struct nfatree {
    enum nfatree_kind kind;
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
    struct nfatree **children;
};

struct nfatree_maker {
    struct arena *arena;
    const struct nfatree **leaves; /* by state, NFA_STATES_MAX of them; 0 is none */
    unsigned nstates, ndepths;
    bool loops; /* some loop can go round more than once */
    bool limit; /* too large */
    struct span limit_at;
};

/* The tree of m->pattern. Only what is in the maker before `nstates` must be set; with `limit` the tree is not whole. */
const struct nfatree *nfatree_make(struct nfatree_maker *b, const struct pattern *p);

#endif
