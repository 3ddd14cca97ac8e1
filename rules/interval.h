/* SPDX-License-Identifier: Apache-2.0 */
/* interval.h - INTERVAL '10' MINUTE, INTERVAL '1 06:30:00.5' DAY TO SECOND as milliseconds.  Thread: one. */
#ifndef WEIR_RULES_INTERVAL_H
#define WEIR_RULES_INTERVAL_H
#include "rules/ast.h"
#include "rules/cc.h"

/* e is an AST_INTERVAL. False, once said. */
bool interval_parse(struct cc *cc, const struct ast_expr *e, int64_t *ms);

#endif
