/* SPDX-License-Identifier: Apache-2.0 */
/* windowrule.h - SELECT … FROM TABLE(TUMBLE(…)) … GROUP BY … to a window plan.  Thread: one. */
#ifndef WEIR_RULES_WINDOWRULE_H
#define WEIR_RULES_WINDOWRULE_H
#include "rules/planner.h"

/* Fills p; errors are in cc->d. lateness_ms: what is allowed. */
void windowrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p,
                     int64_t lateness_ms);

/* The rows of a windowing function without GROUP BY, for a join of windows: the columns of the table, and window_start,
 * window_end and window_time as slots 0 to 2. NULL, once said. */
struct names_relation *windowrule_rows(struct cc *cc, const struct ast_from *f,
                                       struct window_plan *w);

#endif
