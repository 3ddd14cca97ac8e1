/* SPDX-License-Identifier: Apache-2.0 */
/* nfa.h - a pattern as a position automaton: one state for each occurrence of a variable, edges in order of preference.
 *
 * Room:   struct pattern (plan) -> [nfa] -> match (which runs it), EXPLAIN (which draws it)
 * Owns:   its arena.  Immutable once built.  Thread: any, read only.  Time: milliseconds of WITHIN.
 *
 * State 0 is before the first row; state s > 0: the last row taken is that of position s. Edges of a state are in ISO's
 * order of preference (alternatives as written, greedy goes round again, reluctant leaves); NFA_ACCEPT is a target among
 * them. Counts of {n,m} are counters of the partial match, one for each depth of counted loops, not copies of states. */
#ifndef WEIR_CEP_NFA_H
#define WEIR_CEP_NFA_H
#include "base/diag.h"
#include "base/err.h"
#include "cep/plan.h"

struct bytes;

enum { NFA_ACCEPT = UINT16_MAX, NFA_EDGES_MAX = 64, NFA_STATES_MAX = 4096, NFA_DEPTH_MAX = 8 };

struct nfa_guard { /* the edge is there only if count[depth] >= least and < below */
    uint16_t depth;
    uint32_t least, below; /* below UINT32_MAX: no bound */
};

struct nfa_act { /* when the edge is taken: count[depth] = by, or += by */
    uint16_t depth;
    bool more;
    uint32_t by;
};

struct nfa_edge {
    uint16_t to; /* state, or NFA_ACCEPT */
    uint8_t how; /* enum contiguity; of state 0's edges and NFA_ACCEPT without meaning */
    uint8_t nguards, nacts;
    bool at_start, at_end; /* anchors ^ and $ on the way */
    const struct nfa_guard *guards;
    const struct nfa_act *acts;
    uint64_t nots; /* variables that may hold for no row passed over */
    uint64_t next_nots; /* variables that may not hold for the very next row */
    uint64_t untils; /* variables that end the edge from the first row for which they hold ... */
    uint64_t untils_row; /* ... or only keep that row from being taken (the loop has not begun) */
    uint64_t
        blockers; /* NO SKIP: edges of this state, greedy loops left by this edge: once one takes a row, it is void */
    int64_t
        step_ms; /* the row lies less than this after the one before it; to NFA_ACCEPT: the NOT waits so long; -1 */
};

struct nfa_state {
    int var; /* -1: state 0 */
    bool excluded; /* inside {- -} */
    uint16_t nedges;
    const struct nfa_edge *edges;
    uint64_t all; /* bit of every edge */
    uint64_t accepts; /* of those to NFA_ACCEPT */
    uint64_t unguarded; /* edges that need no look at the counters */
    bool strict; /* some edge cares for the very next row, whatever it is */
    uint64_t vars; /* variables whose conditions some edge looks at */
};

struct nfa {
    unsigned nstates, ndepths;
    const struct nfa_state *states;
    uint64_t vars; /* every variable that the automaton looks at */
    bool strict; /* some edge is strict: all rows of the partition matter */
    bool steps; /* some edge has a step_ms */
    bool at_start; /* some edge is only there at the first row of the partition */
    bool at_end; /* some edge is only there after the last one */
    bool relaxed; /* rows may lie between those of a match */
    bool ambiguous; /* two ways may take the same rows for the same variables */
    bool tangled; /* which of two ways is preferred may depend on a third (matchrank.c) */
    bool loops;
    struct arena *arena;
};

/* ERR_LIMIT: more states or edges than it may have; told in d (may be NULL). */
enum err nfa_build(const struct match_plan *m, struct diag *d, struct nfa **out);
void nfa_free(struct nfa *n); /* NULL is fine */

enum nfa_format { NFA_TEXT, NFA_JSON, NFA_DOT };
/* The automaton for people (TEXT), the dashboard (JSON), Graphviz (DOT). */
void nfa_print(const struct nfa *n, const struct rule_plan *p, enum nfa_format f,
               struct bytes *out);

#endif
