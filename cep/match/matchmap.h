/* SPDX-License-Identifier: Apache-2.0 */
/* matchmap.h - from the automaton of one version of a pattern to that of another: what a partial match becomes.
 *
 * Room:   two versions of a rule -> [matchmap] -> matchsave_load (which reads partial matches through it), the report that
 *         says what an upgrade keeps (rules/upgrade.h)
 * Owns:   its arena.  Immutable.  Thread: any, read only.  Time: none.
 *
 * Positions correspond by their variables' names, in order (a longest common subsequence); a variable that was renamed is
 * known by its condition and its place. A partial match goes on at the position that corresponds to its own, and may take
 * those edges that it still could. An edge that is new (an optional step was added) may be taken if nothing that has passed
 * could have forbidden it; what cannot be known is dropped, never guessed. */
#ifndef WEIR_CEP_MATCHMAP_H
#define WEIR_CEP_MATCHMAP_H
#include "cep/match/match.h"
#include "cep/match/nfa.h"

enum { MATCHMAP_NONE = UINT16_MAX };

struct matchmap_state { /* of the old automaton */
    uint16_t to; /* of the new one, or NONE */
    uint8_t edge[NFA_EDGES_MAX]; /* the new number of each old edge; NFA_EDGES_MAX: it has none */
    uint64_t fresh; /* new edges that may be taken whatever has passed */
    uint64_t fresh_next; /* ... only if no row has passed since its last one */
    uint64_t next; /* old edges that are alive only if no row has passed */
    bool loses; /* some edge has no counterpart */
};

struct matchmap {
    const char *reset; /* why nothing can be kept; NULL: see states */
    bool
        in_place; /* positions, edges and what partial matches carry are the same: nothing need be moved */
    bool
        sooner; /* some limit of time is shorter, or new: a partial match may be over before the old one's time */
    unsigned nstates, ndepths; /* of the old one */
    bool remembers; /* the old one keeps more of a key than its runs */
    const struct matchmap_state *states;
    int var[PLAN_VARS_MAX]; /* old variable -> new one, or -1 */
    struct arena *arena;
};

/* Both of the same key definition. */
struct matchmap *matchmap_new(const struct match_prog *from, const struct match_prog *to);
void matchmap_free(struct matchmap *m); /* NULL is fine */
/* The edges that a partial match at `state` may take: 0: it is lost. */
uint64_t matchmap_live(const struct matchmap *m, unsigned state, uint64_t live);

#endif
