/* SPDX-License-Identifier: Apache-2.0 */
/* joinrule.h - joins are parsed and checked, and then refused: no operator does them yet.  Thread: one. */
#ifndef WEIR_RULES_JOINRULE_H
#define WEIR_RULES_JOINRULE_H
#include "rules/planner.h"

void joinrule_refuse(struct cc *cc, const struct ast_select *s);

#endif
