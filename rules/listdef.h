/* SPDX-License-Identifier: Apache-2.0 */
/* listdef.h - CREATE LIST to a list, INSERT INTO to its items.
 *
 * Room:   ast -> [listdef] -> list.  Owns: nothing.  Thread: one. */
#ifndef WEIR_RULES_LISTDEF_H
#define WEIR_RULES_LISTDEF_H
#include "cep/list.h"
#include "rules/ast.h"
#include "rules/cc.h"

/* NULL, once said. */
struct list *listdef_make(struct cc *cc, const struct ast_statement *st);
struct listdef_rows { /* of VALUES, each with a value for each column; texts are in cc's arena */
    const struct value **v;
    size_t n, cap;
};
/* Into the list; or, with `rows`, only there: it is edited by somebody else. False, once said; rows that were right may be
 * in the list. */
bool listdef_insert(struct cc *cc, struct list *l, const struct ast_statement *st,
                    struct listdef_rows *rows);

#endif
