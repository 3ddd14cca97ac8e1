/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h - JOIN list FOR SYSTEM_TIME AS OF p.ts AS c ON c.id = p.account: the list's columns beside the row's. The same
 * for a table outside.
 *
 * Room:   relations -> [lookup] -> bind
 * Thread: one.
 *
 * A list needs no operator: a column of it is an expression over the row, so it may stand wherever the relation does, a
 * pattern's or a window's input too. A table does: what it answers comes later. So the relation becomes one over a derived
 * stream (derived_lookup), in which the columns so far have the numbers that they had; what is bound already stays right. */
#ifndef WEIR_RULES_LOOKUP_H
#define WEIR_RULES_LOOKUP_H
#include "rules/names.h"

/* `left` with the columns of the list that f names beside its own. NULL, once said. */
struct names_relation *lookup_add(struct cc *cc, struct names_relation *left,
                                  const struct ast_from *f);
/* The tables that the rule looks into, to its plan, with the rows for which that is worth the while. */
void lookup_finish(const struct cc *cc, struct rule_plan *p);
/* What comes after f and its look-ups: a join's other side, or NULL. */
const struct ast_from *lookup_rest(const struct ast_from *f);

#endif
