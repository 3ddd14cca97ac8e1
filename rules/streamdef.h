/* SPDX-License-Identifier: Apache-2.0 */
/* streamdef.h - CREATE STREAM to a schema.
 *
 * Room:   ast -> [streamdef] -> schema.  Owns: nothing; the schema lives in the arena of the context.  Thread: one. */
#ifndef WEIR_RULES_STREAMDEF_H
#define WEIR_RULES_STREAMDEF_H
#include "cep/row/schema.h"
#include "rules/ast.h"
#include "rules/cc.h"

/* NULL, once said. sql: the statement's own text. */
const struct schema *streamdef_make(struct cc *cc, const struct ast_statement *s, const char *sql,
                                    unsigned id);

#endif
