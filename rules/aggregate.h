/* SPDX-License-Identifier: Apache-2.0 */
/* aggregate.h - COUNT, SUM … over a group of a window, or over rows of a match.
 *
 * Room:   call -> [aggregate].  Thread: one. */
#ifndef WEIR_RULES_AGGREGATE_H
#define WEIR_RULES_AGGREGATE_H
#include "rules/bind.h"

/* -1: no aggregate of that name. */
int aggregate_kind(const char *name);
const struct expr *aggregate_call(struct bind *b, const struct ast_expr *e, enum agg_kind kind);

#endif
