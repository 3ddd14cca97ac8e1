/* SPDX-License-Identifier: Apache-2.0 */
/* explainjoin.h - a join for people: its sides, keys and bounds.
 *
 * Room:   plan -> [explainjoin] -> explain, explainrule.  Thread: any. */
#ifndef WEIR_RULES_EXPLAINJOIN_H
#define WEIR_RULES_EXPLAINJOIN_H
#include "cep/plan.h"

/* An expression over both sides, with the sides' names before the columns. */
void explainjoin_expr(const struct rule_plan *p, const struct expr *e, struct bytes *out);
/* "b.ts from 5 s before a.ts to 6 s after it" */
void explainjoin_bounds(const struct join_plan *j, struct bytes *out);
void explainjoin_text(const struct rule_plan *p, struct bytes *out);
void explainjoin_json(const struct rule_plan *p, struct bytes *out); /* ,"join":{…} */
/* What bounds its state; how long a row is kept at most. */
void explainjoin_state(const struct rule_plan *p, struct bytes *out);
int64_t explainjoin_ms(const struct rule_plan *p);
/* "for the watermark of both streams, …" */
void explainjoin_waits(const struct rule_plan *p, struct bytes *out);

#endif
