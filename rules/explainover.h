/* SPDX-License-Identifier: Apache-2.0 */
/* explainover.h - the part of EXPLAIN that is about OVER: calls and their frames, what is kept.  Thread: any. */
#ifndef WEIR_RULES_EXPLAINOVER_H
#define WEIR_RULES_EXPLAINOVER_H
#include "cep/plan.h"

/* "COUNT(*) OVER RANGE 1 h PRECEDING": call i of an OVER rule. */
void explainover_call(const struct rule_plan *p, unsigned i, struct bytes *out);
/* Lines of the text form. */
void explainover_text(const struct rule_plan *p, struct bytes *out);
/* ,"over":[…],"having":… of the JSON form. */
void explainover_json(const struct rule_plan *p, struct bytes *out);
/* What a key keeps. */
void explainover_state(const struct rule_plan *p, struct bytes *out);
/* How long a row counts, in ms; -1: as long as the rule lives, or as others push it out. */
int64_t explainover_ms(const struct rule_plan *p);

#endif
