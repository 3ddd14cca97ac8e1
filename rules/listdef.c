/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/listdef.h"
#include "base/mem.h"
#include "rules/bind.h"
#include "rules/tabledef.h"
#include <string.h>

/* --- CREATE LIST ------------------------------------------------------------------------------ */

struct list *listdef_make(struct cc *cc, const struct ast_statement *st)
{
    struct schema *s = arena_zero(cc->arena, sizeof *s);
    unsigned key = 0;
    bool good = tabledef_columns(cc, st, "a list", s, &key);
    for (const struct ast_option *o = st->options; o != NULL; o = o->next) {
        diag_error(cc->d, "option", o->name.at, NULL, "a list has no options");
        good = false;
    }
    return good ? list_new(s, key) : NULL;
}

/* --- INSERT ----------------------------------------------------------------------------------- */

static bool is_number(struct type t)
{
    return t.kind == TYPE_BIGINT || t.kind == TYPE_DECIMAL || t.kind == TYPE_DOUBLE;
}

/* A constant of the column's type; a number becomes it if nothing is lost. NULL, once said. */
static const struct expr *bind_value(struct cc *cc, const struct ast_expr *e,
                                     const struct column *col)
{
    static const struct names_relation nothing = {.what = "VALUES"};
    struct bind b = {.cc = cc, .rel = &nothing, .clause = "VALUES"};
    const struct expr *v = bind_expr(&b, e);
    char t[32], want[32];
    if (v == NULL)
        return NULL;
    if (v->kind != EXPR_CONST) {
        diag_error(cc->d, "type", e->at, NULL, "VALUES takes constants");
        return NULL;
    }
    if (v->constant.null) {
        if (col->not_null)
            diag_error(cc->d, "type", e->at, NULL, "column %s cannot be NULL", col->name);
        return col->not_null ? NULL : v;
    }
    const struct expr *same = NULL;
    if (v->type.kind == col->type.kind || (is_number(v->type) && is_number(col->type)))
        same = types_cast(cc, v, col->type, true, e->at);
    else
        diag_error(cc->d, "type", e->at, NULL, "column %s is %s, and %s is %s", col->name,
                   schema_type_name(col->type, want), types_quote(cc, e->at),
                   schema_type_name(v->type, t));
    if (same == NULL || col->type.kind == TYPE_DOUBLE || !is_number(v->type))
        return same;
    const struct expr *equal = logic_compare(cc, EXPR_EQ, v, same, e->at);
    if (same->kind == EXPR_CONST && !same->constant.null && equal != NULL &&
        equal->kind == EXPR_CONST && equal->constant.c.i != 0)
        return same;
    diag_error(cc->d, "type", e->at, NULL, "column %s is %s, which %s does not fit", col->name,
               schema_type_name(col->type, want), types_quote(cc, e->at));
    return NULL;
}

/* A row's values, with texts of their own. */
static void keep_row(struct arena *a, struct listdef_rows *rows, const struct value *v, unsigned n)
{
    struct value *copy = arena_alloc(a, n * sizeof *copy);
    for (unsigned i = 0; i < n; i++) {
        copy[i] = v[i];
        if (v[i].type.kind == TYPE_STRING && !v[i].null)
            copy[i].c.s.p = arena_dup(a, v[i].c.s.p, v[i].c.s.n);
    }
    rows->v = mem_grow(rows->v, rows->n, 1, &rows->cap, sizeof(const struct value *));
    rows->v[rows->n++] = copy;
}

/* Into the list, or kept in `rows`, whose texts go into `a`. */
static bool insert_row(struct cc *cc, struct list *l, const struct ast_row *row, struct arena *a,
                       struct listdef_rows *rows)
{
    const struct schema *s = list_schema(l);
    struct value *values = arena_zero(cc->scratch, s->ncolumns * sizeof *values);
    unsigned i = 0;
    bool good = true;
    if (row->values.n != s->ncolumns) {
        diag_error(cc->d, "type", row->at, NULL, "list %s has %u columns, and here are %u values",
                   s->name, s->ncolumns, row->values.n);
        return false;
    }
    for (const struct ast_expr *e = row->values.first; e != NULL; e = e->next, i++) {
        const struct expr *v = bind_value(cc, e, &s->columns[i]);
        good = good && v != NULL;
        if (v != NULL)
            values[i] = v->constant;
    }
    if (good && rows != NULL)
        keep_row(a, rows, values, s->ncolumns);
    if (!good || rows != NULL || list_put_row(l, values) == ERR_OK)
        return good;
    diag_error(cc->d, "limit", row->at, NULL, "a list has at most %d items, and keys of %d bytes",
               LIST_ITEMS_MAX, LIST_KEY_MAX);
    return false;
}

bool listdef_insert(struct cc *cc, struct list *l, const struct ast_statement *st,
                    struct listdef_rows *rows)
{
    struct cc temporary = *cc; /* what is put into the list is copied */
    bool good = true;
    temporary.arena = cc->scratch;
    for (const struct ast_row *row = st->rows; row != NULL; row = row->next)
        good = insert_row(&temporary, l, row, cc->arena, rows) && good;
    return good;
}
