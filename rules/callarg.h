/* SPDX-License-Identifier: Apache-2.0 */
/* callarg.h - arguments that must be constants (regular expressions, zones, units), and functions that a rule cannot have.
 *
 * Room:   call -> [callarg].  Thread: one. */
#ifndef WEIR_RULES_CALLARG_H
#define WEIR_RULES_CALLARG_H
#include "rules/bind.h"

/* The argument of a p, z or u of a signature (func_list.h), a checked constant. NULL, once said. */
const struct expr *callarg_constant(struct bind *b, char letter, const struct expr *v,
                                    const char *function);
/* A unit without quotes, as TIMESTAMPADD(DAY, 1, t) has it; NULL: it is none, and nothing is said. */
const struct expr *callarg_unit(struct bind *b, const struct ast_expr *e);
/* REGEXP_EXTRACT's group, DATE_FORMAT's pattern: false, once said. */
bool callarg_check(struct bind *b, unsigned func, const struct expr *const *args, unsigned n);
/* CURRENT_TIMESTAMP, RAND() and their like: true, and says why not. */
bool callarg_refused(struct bind *b, const char *name, struct span at);

#endif
