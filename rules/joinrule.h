/* SPDX-License-Identifier: Apache-2.0 */
/* joinrule.h - FROM a JOIN b ON …: what is a key, what bounds the time, what one side decides alone, and the rest. */
#ifndef WEIR_RULES_JOINRULE_H
#define WEIR_RULES_JOINRULE_H
#include "rules/planner.h"

void joinrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p);

#endif
