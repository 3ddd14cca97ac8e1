/* SPDX-License-Identifier: Apache-2.0 */
/* tabledef.h - CREATE TABLE: a table of a database outside, by whose key rows are looked up.
 *
 * Room:   ast -> [tabledef] -> struct table.  Thread: one. */
#ifndef WEIR_RULES_TABLEDEF_H
#define WEIR_RULES_TABLEDEF_H
#include "cep/table.h"
#include "rules/ast.h"
#include "rules/cc.h"

/* NULL, once said. */
struct table *tabledef_make(struct cc *cc, const struct ast_statement *st, const char *sql,
                            unsigned id);

/* The columns of a list or table: names and types, one PRIMARY KEY (*key). what: "a list". False, once said. */
bool tabledef_columns(struct cc *cc, const struct ast_statement *st, const char *what,
                      struct schema *s, unsigned *key);

#endif
