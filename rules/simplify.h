/* SPDX-License-Identifier: Apache-2.0 */
/* simplify.h - what can be computed is computed, conditions become flat, a DEFINE is cut into its row and path parts.
 *
 * Room:   types -> [simplify] -> plans
 * Thread: one. */
#ifndef WEIR_RULES_SIMPLIFY_H
#define WEIR_RULES_SIMPLIFY_H
#include "cep/expr/expr.h"
#include "rules/cc.h"

/* A node whose arguments are all constants as the constant it is: evaluated by the machine that runs rules, so that
 * both agree. Others unchanged. */
const struct expr *simplify_fold(struct cc *cc, const struct expr *e);
/* AND or OR of n conditions: flat, without neutral constants, without doubles. */
const struct expr *simplify_logic(struct cc *cc, enum expr_kind k, unsigned n,
                                  const struct expr *const *args, struct span at);
const struct expr *simplify_not(struct cc *cc, const struct expr *e, struct span at);
/* The conjuncts that read only the row itself, and the rest; either may come out as NULL (true). */
void simplify_split(struct cc *cc, const struct expr *e, const struct expr **row,
                    const struct expr **path);
/* a AND b, where NULL is true. */
const struct expr *simplify_both(struct cc *cc, const struct expr *a, const struct expr *b);

#endif
