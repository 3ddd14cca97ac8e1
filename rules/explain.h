/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - a plan as text or JSON: what is read, the conditions, the keys, what comes out.  Thread: any. */
#ifndef WEIR_RULES_EXPLAIN_H
#define WEIR_RULES_EXPLAIN_H
#include "cep/plan.h"

void explain_plan(const struct rule_plan *p, bool json, struct bytes *out);
/* Parts of it: "10 min"; "A->{3,}", vars: names of the variables. */
void explain_duration(int64_t ms, struct bytes *out);
void explain_pattern(const struct pattern *p, const char *const *vars, struct bytes *out);

#endif
