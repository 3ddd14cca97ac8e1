/* SPDX-License-Identifier: Apache-2.0 */
/* evalexplain.h - what EXPLAIN says of a rule in `weir eval`: its plan, and a pattern's automaton. */
#ifndef WEIR_SERVER_EVALEXPLAIN_H
#define WEIR_SERVER_EVALEXPLAIN_H
#include "cep/plan.h"

/* format: "TEXT", "JSON", "DOT" (the automaton alone, for Graphviz), NULL: TEXT. Appends, with a newline at the end. */
void evalexplain_rule(const struct rule_plan *p, const char *format, struct bytes *out);

#endif
