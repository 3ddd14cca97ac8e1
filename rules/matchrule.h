/* SPDX-License-Identifier: Apache-2.0 */
/* matchrule.h - SELECT … FROM … MATCH_RECOGNIZE (…) to a match plan.  Thread: one. */
#ifndef WEIR_RULES_MATCHRULE_H
#define WEIR_RULES_MATCHRULE_H
#include "rules/planner.h"

/* Fills p; errors are in cc->d. bounded: the input ends. */
void matchrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p, bool bounded);

#endif
