/* SPDX-License-Identifier: Apache-2.0 */
/* explainlookup.h - the tables outside that a rule looks into, for people.
 *
 * Room:   plan -> [explainlookup] -> explain, explainrule.  Thread: any. */
#ifndef WEIR_RULES_EXPLAINLOOKUP_H
#define WEIR_RULES_EXPLAINLOOKUP_H
#include "cep/plan.h"

void explainlookup_text(const struct rule_plan *p, struct bytes *out); /* lines of the plan */
void explainlookup_json(const struct rule_plan *p,
                        struct bytes *out); /* "lookups":[…], or nothing */
/* "; each row for what customers answers, at most 3 s" */
void explainlookup_waits(const struct rule_plan *p, struct bytes *out);

#endif
