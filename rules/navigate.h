/* SPDX-License-Identifier: Apache-2.0 */
/* navigate.h - which row of a match an expression looks at: variables, FIRST, LAST, PREV, NEXT, CLASSIFIER.
 *
 * Room:   bind, call -> [navigate].  Thread: one.
 *
 * ISO 9075-2: A.price is the last A so far. In the DEFINE of A that is the row being tested, so it becomes a plain
 * column of that row, and a condition that reads nothing else can be evaluated by the batch. */
#ifndef WEIR_RULES_NAVIGATE_H
#define WEIR_RULES_NAVIGATE_H
#include "rules/bind.h"

/* [variable.]column */
const struct expr *navigate_column(struct bind *b, const struct ast_expr *e);
bool navigate_is_function(
    const char *name); /* FIRST, LAST, PREV, NEXT, CLASSIFIER, MATCH_NUMBER, MATCH_ROWTIME */
const struct expr *navigate_call(struct bind *b, const struct ast_expr *e);
/* Note that the argument reads `vars`; false, once said, when it has read another variable before. `name` NULL: every
 * row. */
bool navigate_note(struct bind *b, uint64_t vars, const char *name, struct span at);

#endif
