/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/bind.h"
#include "base/timebase.h"
#include "rules/call.h"
#include "rules/callarg.h"
#include "rules/grammar.h"
#include "rules/interval.h"
#include "rules/navigate.h"
#include "rules/planner.h"
#include <stdlib.h>
#include <strings.h>

/* --- types ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum type_kind kind;
} type_names[] = {
    {"BOOLEAN", TYPE_BOOLEAN},   {"BIGINT", TYPE_BIGINT},   {"INT", TYPE_BIGINT},
    {"INTEGER", TYPE_BIGINT},    {"SMALLINT", TYPE_BIGINT}, {"DOUBLE", TYPE_DOUBLE},
    {"FLOAT", TYPE_DOUBLE},      {"REAL", TYPE_DOUBLE},     {"DECIMAL", TYPE_DECIMAL},
    {"NUMERIC", TYPE_DECIMAL},   {"STRING", TYPE_STRING},   {"VARCHAR", TYPE_STRING},
    {"CHAR", TYPE_STRING},       {"TEXT", TYPE_STRING},     {"TIMESTAMP", TYPE_TIMESTAMP},
    {"INTERVAL", TYPE_INTERVAL},
};
enum { TYPE_NAMES = sizeof type_names / sizeof *type_names };

static bool decimal_type(struct cc *cc, const struct ast_type *t, struct type *out)
{
    long p = t->nparams > 0 ? strtol(t->params[0].p, NULL, 10) : 10;
    long s = t->nparams > 1 ? strtol(t->params[1].p, NULL, 10) : 0;
    if (p < 1 || p > 18) {
        diag_error(cc->d, "type", t->params[0].at, NULL, "a DECIMAL has 1 to 18 digits, not %.*s",
                   (int)t->params[0].n, t->params[0].p);
        return false;
    }
    if (s < 0 || s > p) {
        diag_error(cc->d, "type", t->params[1].at, NULL,
                   "the scale of a DECIMAL is at most its %ld digits, not %.*s", p,
                   (int)t->params[1].n, t->params[1].p);
        return false;
    }
    *out = (struct type){.kind = TYPE_DECIMAL, .precision = (uint8_t)p, .scale = (uint8_t)s};
    return true;
}

bool bind_type(struct cc *cc, const struct ast_type *t, struct type *out)
{
    int found = -1;
    for (int i = 0; i < TYPE_NAMES; i++)
        if (!t->name.quoted && strcasecmp(t->name.text, type_names[i].name) == 0)
            found = i;
    if (found < 0) {
        const char *names[TYPE_NAMES];
        for (int i = 0; i < TYPE_NAMES; i++)
            names[i] = type_names[i].name;
        diag_error(cc->d, "unknown-type", t->name.at,
                   names_hint(cc, t->name.text, names, TYPE_NAMES), "no type %s", t->name.text);
        return false;
    }
    enum type_kind kind = type_names[found].kind;
    if (kind == TYPE_DECIMAL)
        return decimal_type(cc, t, out);
    bool text = kind == TYPE_STRING;
    bool three = kind == TYPE_TIMESTAMP && t->nparams == 1 && t->params[0].n == 1 &&
                 t->params[0].p[0] >= '0' && t->params[0].p[0] <= '3';
    if (t->nparams > (text ? 1u : 0u) && !three) {
        diag_error(cc->d, "type", t->at,
                   kind == TYPE_TIMESTAMP ? "times are kept in milliseconds: TIMESTAMP(3)" : NULL,
                   "%s does not take these parameters", type_names[found].name);
        return false;
    }
    if (text && t->nparams > 0)
        diag_warn(cc->d, "type", t->at, NULL, "the length is not enforced: this is a STRING");
    *out = types_of(kind);
    return true;
}

bool bind_interval(struct cc *cc, const struct ast_expr *e, int64_t *ms)
{
    return interval_parse(cc, e, ms);
}

/* --- literals --------------------------------------------------------------------------------- */

static const struct expr *bind_timestamp(struct bind *b, const struct ast_expr *e)
{
    union cell c;
    if (!timebase_parse(e->text, e->text_n, &c.i)) {
        diag_error(b->cc->d, "literal", e->at, "like TIMESTAMP '2026-01-31 12:00:00.000'",
                   "'%s' is not a time", e->text);
        return NULL;
    }
    return types_const(b->cc, types_of(TYPE_TIMESTAMP), c, e->at);
}

static const struct expr *bind_interval_literal(struct bind *b, const struct ast_expr *e)
{
    union cell c;
    if (!bind_interval(b->cc, e, &c.i))
        return NULL;
    return types_const(b->cc, types_of(TYPE_INTERVAL), c, e->at);
}

/* --- names ------------------------------------------------------------------------------------ */

/* The slot of a value that is in the key; NULL: it is not. */
static const struct expr *key_slot(struct bind *b, const struct expr *e, struct span at)
{
    const struct plan_key *key = b->group->key;
    unsigned i = 0, ncolumns = plan_key_ncolumns(key);
    while (i < key->n && !(i < ncolumns ? e->kind == EXPR_COLUMN && key->columns[i] == e->index
                                        : expr_same(key->values[i - ncolumns].e, e)))
        i++;
    if (i == key->n) {
        const struct plan_key *split = b->group->split;
        unsigned n = split != NULL ? split->n : 0, k = 0;
        while (k < n && !expr_same(split->values[k].e, e))
            k++;
        if (k == n)
            return NULL;
        i += 3 + k; /* behind the window's columns */
    }
    struct expr *s = types_node(b->cc, EXPR_SLOT, e->type, at, 0, NULL);
    s->index = i;
    return s;
}

/* A row expression of a group rule: its columns must be keys, and become their slots. */
static const struct expr *to_slots(struct bind *b, const struct expr *e, const struct ast_expr *at)
{
    const struct expr *slot = key_slot(b, e, at->at);
    if (slot != NULL)
        return slot;
    if (e->kind == EXPR_COLUMN) {
        diag_error(b->cc->d, "grouping", at->at,
                   "add it to GROUP BY, or take MIN, MAX or another aggregate of it",
                   "column %s is neither in GROUP BY nor in an aggregate", at->name.text);
        return NULL;
    }
    if (e->nargs == 0)
        return e;
    const struct expr **args = types_list(b->cc->scratch, e->nargs);
    for (unsigned i = 0; i < e->nargs; i++)
        if ((args[i] = to_slots(b, e->args[i], at)) == NULL)
            return NULL;
    return types_again(b->cc, e, args);
}

/* window_start and its like; NULL: none of them. */
static const struct expr *window_column(struct bind *b, const struct ast_expr *e)
{
    static const char *const names[] = {"window_start", "window_end", "window_time"};
    bool own;
    if (names_find(b->rel, &e->qualifier, &e->name, &own) != NULL)
        return NULL; /* the stream has a column of that name */
    for (unsigned i = 0; i < 3; i++)
        if (names_same(&e->name, names[i])) {
            struct expr *s = types_node(b->cc, EXPR_SLOT, types_of(TYPE_TIMESTAMP), e->at, 0, NULL);
            s->index = b->group->key->n + i;
            return s;
        }
    return NULL;
}

static const struct expr *bind_name(struct bind *b, const struct ast_expr *e)
{
    if (b->place == BIND_DEFINE || b->place == BIND_MEASURE)
        return navigate_column(b, e);
    if (b->place == BIND_GROUP) {
        const struct expr *w = window_column(b, e);
        if (w != NULL)
            return w;
    }
    const struct names_column *c = names_column(b->cc, b->rel, e);
    if (c == NULL || c->e == NULL)
        return NULL;
    if (b->place == BIND_GROUP)
        return to_slots(b, c->e, e);
    struct expr *copy = arena_alloc(b->cc->arena, sizeof *copy); /* with its place in the text */
    *copy = *c->e;
    copy->at = e->at;
    return copy;
}

/* CURRENT_TIMESTAMP stands without parentheses; a column may be called so all the same. */
static bool is_refused(struct bind *b, const struct ast_expr *e)
{
    bool ambiguous;
    return e->qualifier.text == NULL && !e->name.quoted &&
           (b->rel == NULL || names_find(b->rel, &e->qualifier, &e->name, &ambiguous) == NULL) &&
           callarg_refused(b, e->name.text, e->at);
}

/* --- operators -------------------------------------------------------------------------------- */

static const struct expr **bind_args(struct bind *b, const struct ast_expr *e, bool *good)
{
    const struct expr **args = types_list(b->cc->scratch, (e->nargs + 1));
    unsigned n = 0;
    *good = true;
    for (const struct ast_expr *a = e->args; a != NULL; a = a->next) {
        args[n] = bind_expr(b, a);
        *good = *good && args[n] != NULL;
        n++;
    }
    return args;
}

static const struct expr *bind_binary(struct bind *b, const struct ast_expr *e)
{
    bool good;
    const struct expr **args = bind_args(b, e, &good);
    if (e->op == TOKEN_AND || e->op == TOKEN_OR)
        return logic_join(b->cc, e->op == TOKEN_AND ? EXPR_AND : EXPR_OR, e->nargs, args, e->at);
    if (!good)
        return NULL;
    switch (e->op) {
    case TOKEN_PLUS:
        return types_arith(b->cc, EXPR_ADD, args[0], args[1], e->at);
    case TOKEN_MINUS:
        return types_arith(b->cc, EXPR_SUB, args[0], args[1], e->at);
    case TOKEN_STAR:
        return types_arith(b->cc, EXPR_MUL, args[0], args[1], e->at);
    case TOKEN_SLASH:
        return types_arith(b->cc, EXPR_DIV, args[0], args[1], e->at);
    case TOKEN_PERCENT:
        return types_arith(b->cc, EXPR_MOD, args[0], args[1], e->at);
    case TOKEN_CONCAT:
        return types_concat(b->cc, args[0], args[1], e->at);
    case TOKEN_EQ:
        return logic_compare(b->cc, EXPR_EQ, args[0], args[1], e->at);
    case TOKEN_NE:
        return logic_compare(b->cc, EXPR_NE, args[0], args[1], e->at);
    case TOKEN_LT:
        return logic_compare(b->cc, EXPR_LT, args[0], args[1], e->at);
    case TOKEN_LE:
        return logic_compare(b->cc, EXPR_LE, args[0], args[1], e->at);
    case TOKEN_GT:
        return logic_compare(b->cc, EXPR_GT, args[0], args[1], e->at);
    default:
        return logic_compare(b->cc, EXPR_GE, args[0], args[1], e->at);
    }
}

/* -5 is one number: so is -9223372036854775808, whose 9223372036854775808 is none. */
static const struct expr *bind_unary(struct bind *b, const struct ast_expr *e)
{
    const struct ast_expr *x = e->args;
    if (e->op == TOKEN_MINUS && x->kind == AST_NUMBER) {
        const char *text = arena_printf(b->cc->scratch, "-%s", x->text);
        union cell c;
        if (x->op == TOKEN_INTEGER && value_parse_bigint(text, x->text_n + 1, &c.i))
            return types_const(b->cc, types_of(TYPE_BIGINT), c, e->at);
    }
    const struct expr *v = bind_expr(b, x);
    switch (e->op) {
    case TOKEN_NOT:
        return logic_not(b->cc, v, e->at);
    case TOKEN_MINUS:
        return types_neg(b->cc, v, e->at);
    default: /* + changes nothing, but needs what - needs */
        return types_neg(b->cc, types_neg(b->cc, v, e->at), e->at) != NULL ? v : NULL;
    }
}

static const struct expr *negated(struct bind *b, const struct ast_expr *e, const struct expr *v)
{
    return e->negated ? logic_not(b->cc, v, e->at) : v;
}

static const struct expr *bind_is(struct bind *b, const struct ast_expr *e)
{
    bool good;
    const struct expr **args = bind_args(b, e, &good);
    if (!good)
        return NULL;
    switch (e->op) {
    case TOKEN_TRUE:
        return negated(b, e, logic_is(b->cc, EXPR_IS_TRUE, args[0], e->at));
    case TOKEN_FALSE:
        return negated(b, e, logic_is(b->cc, EXPR_IS_FALSE, args[0], e->at));
    case TOKEN_DISTINCT:
        return logic_compare(b->cc, e->negated ? EXPR_NOT_DISTINCT : EXPR_DISTINCT, args[0],
                             args[1], e->at);
    case TOKEN_UNKNOWN:
        args[0] = logic_condition(b->cc, args[0], "IS UNKNOWN");
        /* fall through */
    default:
        return negated(b, e, logic_is(b->cc, EXPR_IS_NULL, args[0], e->at));
    }
}

static const struct expr *bind_between(struct bind *b, const struct ast_expr *e)
{
    bool good;
    const struct expr **args = bind_args(b, e, &good);
    if (!good)
        return NULL;
    const struct expr *both[2] = {logic_compare(b->cc, EXPR_GE, args[0], args[1], e->at),
                                  logic_compare(b->cc, EXPR_LE, args[0], args[2], e->at)};
    return negated(b, e, logic_join(b->cc, EXPR_AND, 2, both, e->at));
}

/* CASE x WHEN y … is CASE WHEN x = y … */
static const struct expr *bind_case(struct bind *b, const struct ast_expr *e)
{
    bool good;
    const struct expr **args = bind_args(b, e, &good), *operand = NULL;
    unsigned n = e->nargs;
    if (!good)
        return NULL;
    if (e->flag) {
        operand = *args++;
        n--;
        for (unsigned i = 0; i < n; i += 2)
            args[i] = logic_compare(b->cc, EXPR_EQ, operand, args[i], args[i]->at);
    }
    if (e->other != NULL) {
        const struct expr **more = types_list(b->cc->scratch, (n + 1));
        for (unsigned i = 0; i < n; i++)
            more[i] = args[i];
        more[n++] = bind_expr(b, e->other);
        args = more;
    }
    return logic_case(b->cc, n, args, e->at);
}

static const struct expr *bind_list(struct bind *b, const struct ast_expr *e)
{
    bool good;
    const struct expr **args = bind_args(b, e, &good);
    if (!good)
        return NULL;
    if (e->kind == AST_IN)
        return negated(b, e, logic_in(b->cc, args[0], e->nargs - 1, args + 1, e->at));
    return negated(b, e, logic_like(b->cc, args[0], args[1], e->nargs > 2 ? args[2] : NULL, e->at));
}

static const struct expr *bind_in_list(struct bind *b, const struct ast_expr *e)
{
    const struct list *l = names_list(b->cc, &e->name);
    return negated(b, e, logic_in_list(b->cc, bind_expr(b, e->args), l, e->at));
}

static const struct expr *bind_cast(struct bind *b, const struct ast_expr *e)
{
    struct type t;
    const struct expr *v = bind_expr(b, e->args);
    if (!bind_type(b->cc, e->type, &t))
        return NULL;
    return types_cast(b->cc, v, t, e->flag, e->at);
}

/* The slot of an expression that stands in GROUP BY as it stands here; NULL: it does not. */
static const struct expr *as_group(struct bind *b, const struct ast_expr *e)
{
    const struct plan_key *key = b->group->key;
    if ((key->nvalues == 0 && b->group->split == NULL) || e->kind == AST_NAME || e->args == NULL)
        return NULL;
    const struct expr *x = planner_try_row(b->cc, b->rel, e);
    return x != NULL ? key_slot(b, x, e->at) : NULL;
}

const struct expr *bind_expr(struct bind *b, const struct ast_expr *e)
{
    struct cc *cc = b->cc;
    const struct expr *group = b->place == BIND_GROUP ? as_group(b, e) : NULL;
    if (group != NULL)
        return group;
    switch (e->kind) {
    case AST_NULL:
        return types_null(cc, types_of(TYPE_NULL), e->at);
    case AST_BOOLEAN:
        return types_boolean(cc, e->flag, e->at);
    case AST_NUMBER:
        return types_number(cc, e->text, e->text_n, e->at);
    case AST_STRING:
        return types_string(cc, e->text, e->text_n, e->at);
    case AST_TIMESTAMP:
        return bind_timestamp(b, e);
    case AST_INTERVAL:
        return bind_interval_literal(b, e);
    case AST_NAME:
        return is_refused(b, e) ? NULL : bind_name(b, e);
    case AST_UNARY:
        return bind_unary(b, e);
    case AST_BINARY:
        return bind_binary(b, e);
    case AST_IS:
        return bind_is(b, e);
    case AST_IN:
    case AST_LIKE:
        return bind_list(b, e);
    case AST_BETWEEN:
        return bind_between(b, e);
    case AST_CASE:
        return bind_case(b, e);
    case AST_CAST:
        return bind_cast(b, e);
    case AST_CALL:
        return call_bind(b, e);
    case AST_IN_LIST:
        return bind_in_list(b, e);
    case AST_STAR:
        break;
    }
    diag_error(cc->d, "syntax", e->at, NULL, "* cannot stand here");
    return NULL;
}

const struct expr *bind_condition(struct bind *b, const struct ast_expr *e, const char *what)
{
    const struct expr *c = logic_condition(b->cc, bind_expr(b, e), what);
    if (c != NULL && c->kind == EXPR_CONST && (c->constant.null || c->constant.c.i == 0))
        diag_warn(b->cc->d, "never", e->at, NULL, "%s is never true", what);
    return c;
}
