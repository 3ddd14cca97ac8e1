/* SPDX-License-Identifier: Apache-2.0 */
/* overrule.h - agg(…) OVER (…), LAG, ROW_NUMBER to calls of an OVER plan, whose slots stand for them.  Thread: one. */
#ifndef WEIR_RULES_OVERRULE_H
#define WEIR_RULES_OVERRULE_H
#include "rules/bind.h"
#include "rules/planner.h"

/* A name that is a function with OVER only: FIRST_VALUE, LAST_VALUE (LAG and ROW_NUMBER are known to call.c). */
bool overrule_is_function(const char *name);
/* The slot of a call with OVER; NULL, once said. */
const struct expr *overrule_call(struct bind *b, const struct ast_expr *e);
/* What QUALIFY can name: the SELECT's own columns, then those of `rel` that they do not hide. */
struct names_relation *overrule_aliases(struct cc *cc, const struct names_relation *rel,
                                        const struct planner_outputs *o);
/* The columns that a call reads. */
void overrule_columns(const struct over_call *c, struct colset *out);
/* Makes p a rule of shape OVER. */
void overrule_plan(struct rule_plan *p, const struct bind_over *o, const struct expr *having);

#endif
