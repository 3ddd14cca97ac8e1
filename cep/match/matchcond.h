/* SPDX-License-Identifier: Apache-2.0 */
/* matchcond.h - conditions of DEFINE taken apart (cond.h), asked of a row and the way that it would go on with.
 *
 * Room:   plan -> [matchcond: cond] -> matchtrace
 * Owns:   machines of its own.  Thread: one.  Time: none. */
#ifndef WEIR_CEP_MATCHCOND_H
#define WEIR_CEP_MATCHCOND_H
#include "cep/match/matchrun.h"
#include "cep/why/cond.h"

/* a AND b, of which either may be NULL (true): of one variable, or of WHERE. To be asked with a matchcond_at. */
struct cond *matchcond_new(const struct expr *a, const struct expr *b, const struct rule_plan *p);

struct
    matchcond_at { /* where it is asked: the row in hand, as `var`, after node n (NULL: it would be the first) */
    struct match *m;
    const struct match_cell *cell;
    int var;
    struct match_node *n;
    const struct keyed_row *r;
};

#endif
