/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - a plan as text or JSON: what is read, the conditions, the keys, what comes out.  Thread: any. */
#ifndef WEIR_RULES_EXPLAIN_H
#define WEIR_RULES_EXPLAIN_H
#include "cep/plan.h"

void explain_plan(const struct rule_plan *p, bool json, struct bytes *out);

#endif
