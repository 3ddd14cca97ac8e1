/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - calls: scalar functions, aggregates, navigation in a match.
 *
 * Room:   bind -> [call] -> types.  Thread: one. */
#ifndef WEIR_RULES_CALL_H
#define WEIR_RULES_CALL_H
#include "rules/bind.h"

/* NULL, once said. */
const struct expr *call_bind(struct bind *b, const struct ast_expr *e);

#endif
