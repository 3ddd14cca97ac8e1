/* SPDX-License-Identifier: Apache-2.0 */
/* explainrule.h - EXPLAIN RULE: the plan, what it shares with others, its automaton, and how much state it keeps.
 *
 * Room:   plan, job -> [explainrule: explain, explainstate, jobprint, nfa_print] -> text, JSON, Graphviz.  Thread: any. */
#ifndef WEIR_RULES_EXPLAINRULE_H
#define WEIR_RULES_EXPLAINRULE_H
#include "cep/job.h"

enum explainrule_format { EXPLAINRULE_TEXT, EXPLAINRULE_JSON, EXPLAINRULE_DOT };

/* job: of all rules, this one among them; NULL: no merged plan. Ends with a newline. */
void explainrule_print(const struct rule_plan *p, const struct job *job, enum explainrule_format f,
                       struct bytes *out);
/* What a key keeps, in a sentence without a full stop. */
void explainrule_state(const struct rule_plan *p, struct bytes *out);
/* A warning's words of a state that has no bound, NULL: it has one. In the arena. */
const char *explainrule_endless(const struct match_plan *m, struct arena *arena,
                                const struct pattern **culprit, const char **hint);

#endif
