/* SPDX-License-Identifier: Apache-2.0 */
/* sinkdef.h - CREATE SINK, and EMIT of a rule.
 *
 * Room:   ast -> [sinkdef] -> struct sink, plans.  Thread: one. */
#ifndef WEIR_RULES_SINKDEF_H
#define WEIR_RULES_SINKDEF_H
#include "cep/sink.h"
#include "rules/ast.h"
#include "rules/cc.h"

/* NULL, once said. */
struct sink *sinkdef_make(struct cc *cc, const struct ast_statement *st, const char *sql);
/* EMIT TO a, LATE TO b: into the plan. */
void sinkdef_emits(struct cc *cc, const struct ast_emit *list, struct rule_plan *p);

#endif
