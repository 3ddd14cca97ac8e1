/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/aggregate.h"
#include "rules/grammar.h"
#include "rules/navigate.h"
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum agg_kind kind;
} aggregates[] = {
    {"COUNT", AGG_COUNT},
    {"SUM", AGG_SUM},
    {"AVG", AGG_AVG},
    {"MIN", AGG_MIN},
    {"MAX", AGG_MAX},
    {"STDDEV", AGG_STDDEV},
    {"FIRST", AGG_FIRST},
    {"LAST", AGG_LAST},
    {"TOP", AGG_TOP},
    {"LIST_AGG", AGG_LIST_AGG},
    {"APPROX_COUNT_DISTINCT", AGG_APPROX_COUNT_DISTINCT},
    {"APPROX_PERCENTILE", AGG_APPROX_PERCENTILE},
};

enum { TOP_MAX = 100, SEPARATOR_MAX = 64 };

int aggregate_kind(const char *name)
{
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        if (strcasecmp(aggregates[i].name, name) == 0)
            return (int)aggregates[i].kind;
    return -1;
}

/* How many constants come after the argument. */
static unsigned params_of(enum agg_kind k)
{
    return k == AGG_TOP || k == AGG_LIST_AGG || k == AGG_APPROX_PERCENTILE ? 1 : 0;
}

static bool check_shape(struct bind *b, const struct ast_expr *e, enum agg_kind k)
{
    struct cc *cc = b->cc;
    const char *name = expr_agg_name(k);
    unsigned want = 1 + params_of(k);
    if (e->nargs != want && !(k == AGG_LIST_AGG && e->nargs == 1)) {
        diag_error(cc->d, "aggregate", e->op_at, k == AGG_COUNT ? "COUNT(*) counts rows" : NULL,
                   "%s takes %s, not %u", name, want == 1 ? "one argument" : "two arguments",
                   e->nargs);
        return false;
    }
    if (e->args->kind == AST_STAR && (k != AGG_COUNT || e->call->distinct)) {
        diag_error(cc->d, "aggregate", e->args->at, NULL, "%s takes a value, not a whole row",
                   e->call->distinct ? "DISTINCT" : name);
        return false;
    }
    if (e->call->modifier.kind != 0 && b->place == BIND_GROUP) {
        diag_error(cc->d, "aggregate", e->call->modifier.at, NULL,
                   "RUNNING and FINAL belong to MATCH_RECOGNIZE");
        return false;
    }
    if (e->call->modifier.kind == TOKEN_FINAL && b->place == BIND_DEFINE) {
        diag_error(cc->d, "aggregate", e->call->modifier.at, NULL,
                   "FINAL cannot stand in DEFINE: the end of the match is not known there");
        return false;
    }
    return true;
}

static bool is_comparable(struct type t)
{
    return t.kind != TYPE_BOOLEAN && t.kind != TYPE_NULL;
}

/* The type of the result. False, once said, when the argument is of a wrong one. */
static bool type_result(struct cc *cc, enum agg_kind k, const struct expr *arg, struct type *out)
{
    char t[32];
    struct type in = arg->type;
    bool number = types_is_number(in);
    switch (k) {
    case AGG_COUNT:
    case AGG_APPROX_COUNT_DISTINCT:
        *out = types_of(TYPE_BIGINT);
        return true;
    case AGG_SUM:
        *out = in.kind == TYPE_DECIMAL
                   ? (struct type){.kind = TYPE_DECIMAL, .precision = 18, .scale = in.scale}
                   : in;
        break;
    case AGG_AVG: /* as exact as its argument: six digits or more after the point */
        *out = types_of(TYPE_DOUBLE);
        if (in.kind == TYPE_DECIMAL)
            *out = types_decimal(in.precision - in.scale, in.scale > 6 ? in.scale : 6);
        break;
    case AGG_STDDEV:
    case AGG_APPROX_PERCENTILE:
        *out = types_of(TYPE_DOUBLE);
        break;
    case AGG_LIST_AGG:
    case AGG_TOP:
        *out = types_of(TYPE_STRING);
        return true;
    default:
        *out = in;
        if (is_comparable(in) || k == AGG_FIRST || k == AGG_LAST)
            return true;
        number = false;
    }
    if (!number)
        diag_error(cc->d, "type", arg->at, NULL, "%s needs %s, and %s is %s", expr_agg_name(k),
                   k == AGG_MIN || k == AGG_MAX ? "what can be ordered" : "numbers",
                   types_quote(cc, arg->at), schema_type_name(in, t));
    return number;
}

/* Rows of which variables, for COUNT(*) and COUNT(A.*). */
static bool star_rows(struct bind *b, const struct ast_expr *star)
{
    if (star->qualifier.text == NULL)
        return true;
    if (b->vars == NULL) { /* a group, whose rows are the stream's */
        if (names_has_qualifier(b->rel, &star->qualifier))
            return true;
        diag_error(b->cc->d, "unknown-name", star->qualifier.at, NULL, "no stream or alias %s here",
                   star->qualifier.text);
        return false;
    }
    uint64_t vars = names_var_bits(b->cc, b->vars, &star->qualifier);
    return vars != 0 && navigate_note(b, vars, names_variable(b->cc, &star->qualifier), star->at);
}

/* The constant as its aggregate reads it; NULL: it is of a wrong kind. */
static const struct expr *param(struct cc *cc, enum agg_kind k, const struct expr *v)
{
    if (k == AGG_LIST_AGG)
        return v->type.kind == TYPE_STRING && v->constant.c.s.n <= SEPARATOR_MAX ? v : NULL;
    if (k == AGG_TOP)
        return v->type.kind == TYPE_BIGINT && v->constant.c.i >= 1 && v->constant.c.i <= TOP_MAX
                   ? v
                   : NULL;
    if (!types_is_number(v->type))
        return NULL;
    v = types_to(cc, v, types_of(TYPE_DOUBLE));
    return v->constant.c.d >= 0 && v->constant.c.d <= 1 ? v : NULL;
}

static bool bind_params(struct bind *b, const struct ast_expr *e, struct agg_call *call)
{
    const struct ast_expr *p = e->args->next;
    if (p == NULL)
        return true;
    const struct expr *v = bind_expr(b, p);
    if (v == NULL)
        return false;
    if (v->kind != EXPR_CONST || v->constant.null) {
        diag_error(b->cc->d, "aggregate", p->at, NULL, "the second argument of %s is a constant",
                   expr_agg_name(call->kind));
        return false;
    }
    v = param(b->cc, call->kind, v);
    if (v == NULL) {
        diag_error(b->cc->d, "aggregate", p->at, NULL, "the second argument of %s is %s",
                   expr_agg_name(call->kind),
                   call->kind == AGG_TOP ? "how many values: 1 to 100"
                   : call->kind == AGG_LIST_AGG
                       ? "the text between values, at most 64 bytes"
                       : "a number from 0 (the least) to 1 (the greatest)");
        return false;
    }
    call->params = &v->constant;
    call->nparams = 1;
    return true;
}

/* Argument and filter, whose columns are those of one row. */
static bool bind_parts(struct bind *b, const struct ast_expr *e, struct agg_call *call)
{
    if (e->call->filter != NULL) {
        call->filter = bind_condition(b, e->call->filter, "FILTER (WHERE ...)");
        if (call->filter == NULL)
            return false;
    }
    if (e->args->kind == AST_STAR) {
        call->kind = AGG_COUNT_STAR;
        call->type = types_of(TYPE_BIGINT);
        return star_rows(b, e->args);
    }
    const struct expr *arg = bind_expr(b, e->args);
    if (arg == NULL || !bind_params(b, e, call))
        return false;
    if (arg->type.kind == TYPE_NULL)
        arg = types_to(b->cc, arg, types_of(TYPE_BIGINT));
    if (call->kind == AGG_COUNT && !call->distinct && arg->kind == EXPR_CONST &&
        !arg->constant.null) { /* COUNT(1) */
        call->kind = AGG_COUNT_STAR;
        call->type = types_of(TYPE_BIGINT);
        return true;
    }
    if (call->kind == AGG_TOP || call->kind == AGG_LIST_AGG)
        arg = types_to(b->cc, arg, types_of(TYPE_STRING));
    call->arg = arg;
    return type_result(b->cc, call->kind, arg, &call->type);
}

static const struct expr *in_match(struct bind *b, const struct ast_expr *e, struct agg_call *call)
{
    struct bind_arg arg = {.function = expr_agg_name(call->kind), .vars = UINT64_MAX};
    struct bind inner = *b;
    inner.arg = &arg;
    if (!bind_parts(&inner, e, call))
        return NULL;
    struct expr *n = types_node(b->cc, EXPR_MATCH_AGG, call->type, e->at, 0, NULL);
    n->agg.call = *call;
    n->agg.vars = arg.vars;
    n->agg.running = e->call->modifier.kind != TOKEN_FINAL;
    return n;
}

static bool same_call(struct cc *cc, const struct agg_call *x, const struct agg_call *y)
{
    struct expr *a = types_node(cc, EXPR_MATCH_AGG, x->type, (struct span){0}, 0, NULL);
    struct expr *b = types_node(cc, EXPR_MATCH_AGG, y->type, (struct span){0}, 0, NULL);
    a->agg.call = *x;
    b->agg.call = *y;
    return expr_same(a, b);
}

/* A slot of the group; equal aggregates share one. */
static const struct expr *in_group(struct bind *b, const struct ast_expr *e, struct agg_call *call)
{
    struct bind_group *g = b->group;
    struct bind inner = *b;
    inner.place = BIND_ROW;
    inner.clause = "an aggregate";
    if (!bind_parts(&inner, e, call))
        return NULL;
    unsigned i = 0;
    while (i < g->naggs && !same_call(b->cc, &g->aggs[i], call))
        i++;
    if (i == g->naggs) {
        if (g->naggs == g->cap) {
            g->cap = g->cap ? 2 * g->cap : 8;
            struct agg_call *more = arena_alloc(b->cc->arena, g->cap * sizeof *more);
            if (g->naggs > 0)
                memcpy(more, g->aggs, g->naggs * sizeof *more);
            g->aggs = more;
        }
        g->aggs[g->naggs++] = *call;
    }
    struct expr *s = types_node(b->cc, EXPR_SLOT, call->type, e->at, 0, NULL);
    s->index = g->key->n + 3 + i;
    return s;
}

const struct expr *aggregate_call(struct bind *b, const struct ast_expr *e, enum agg_kind kind)
{
    const char *name = expr_agg_name(kind);
    if (b->place == BIND_ROW) {
        bool group = strcmp(b->clause, "SELECT") == 0;
        diag_error(b->cc->d, "aggregate", e->op_at,
                   group ? "aggregates need a window: FROM TABLE(TUMBLE(TABLE ...)) and GROUP BY"
                         : NULL,
                   "%s cannot be used in %s", name, b->clause);
        return NULL;
    }
    if (b->arg != NULL) {
        diag_error(b->cc->d, "nesting", e->op_at, NULL, "%s cannot stand inside %s", name,
                   b->arg->function);
        return NULL;
    }
    if (!check_shape(b, e, kind))
        return NULL;
    struct agg_call call = {.kind = kind, .distinct = e->call->distinct};
    return b->place == BIND_GROUP ? in_group(b, e, &call) : in_match(b, e, &call);
}
