/* SPDX-License-Identifier: Apache-2.0 */
/* windowgroup.h - GROUP BY of a window rule: its key, what divides windows further, SELECT and HAVING over the groups.
 *
 * Room:   windowrule -> [windowgroup] over bind
 * Owns:   nothing.  Thread: one. */
#ifndef WEIR_RULES_WINDOWGROUP_H
#define WEIR_RULES_WINDOWGROUP_H
#include "rules/planner.h"

/* A window of counted rows and the global one have no bounds to be named. */
bool windowgroup_has_bounds(const struct window_plan *w);
/* p->key is what PARTITION BY of the table says. */
void windowgroup_plan(struct cc *cc, const struct ast_select *s, struct names_relation *rel,
                      struct rule_plan *p);

#endif
