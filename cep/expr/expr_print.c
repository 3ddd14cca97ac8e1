/* SPDX-License-Identifier: Apache-2.0 */
/* An expression as text that reads like the SQL it came from: for EXPLAIN, the dashboard, and people who debug. */
#include "cep/expr/expr.h"
#include "cep/expr/func_list.h"
#include "cep/list.h"
#include <string.h>

struct printer {
    const struct schema *columns;
    const char *const *vars;
    struct bytes *out;
    void (*slot)(const void *ctx, unsigned index, struct bytes *out); /* NULL: by number */
    const void *slot_ctx;
};

/* How tightly a kind binds: an argument that binds less is put in parentheses. */
enum { BIND_OR = 1, BIND_AND, BIND_NOT, BIND_COMPARE, BIND_SUM, BIND_PRODUCT, BIND_ATOM };

static int binds(enum expr_kind k)
{
    switch (k) {
    case EXPR_OR:
        return BIND_OR;
    case EXPR_AND:
        return BIND_AND;
    case EXPR_NOT:
        return BIND_NOT;
    case EXPR_EQ ... EXPR_NOT_DISTINCT:
    case EXPR_IS_NULL ... EXPR_LIKE:
        return BIND_COMPARE;
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_CONCAT:
        return BIND_SUM;
    case EXPR_MUL:
    case EXPR_DIV:
    case EXPR_MOD:
        return BIND_PRODUCT;
    default:
        return BIND_ATOM;
    }
}

static void put(struct printer *p, const char *text)
{
    bytes_put(p->out, text, strlen(text));
}

static void print(struct printer *p, const struct expr *e);

static void print_inside(struct printer *p, const struct expr *e, int least)
{
    bool parens = binds(e->kind) < least;
    if (parens)
        put(p, "(");
    print(p, e);
    if (parens)
        put(p, ")");
}

static void print_list(struct printer *p, const struct expr *e, unsigned from)
{
    for (unsigned i = from; i < e->nargs; i++) {
        if (i > from)
            put(p, ", ");
        print(p, e->args[i]);
    }
}

static void print_constant(struct printer *p, const struct value *v)
{
    char text[TIMEBASE_TEXT];
    if (v->null) {
        put(p, "NULL");
        return;
    }
    switch (v->type.kind) {
    case TYPE_BOOLEAN:
        put(p, v->c.i != 0 ? "TRUE" : "FALSE");
        break;
    case TYPE_STRING:
        put(p, "'");
        for (uint32_t i = 0; i < v->c.s.n; i++) {
            bytes_put(p->out, v->c.s.p + i, 1);
            if (v->c.s.p[i] == '\'')
                put(p, "'");
        }
        put(p, "'");
        break;
    case TYPE_TIMESTAMP:
        timebase_format(v->c.i, text);
        bytes_printf(p->out, "TIMESTAMP '%s'", text);
        break;
    case TYPE_INTERVAL:
        if (v->c.i % 1000 == 0)
            bytes_printf(p->out, "INTERVAL '%lld' SECOND", (long long)(v->c.i / 1000));
        else
            bytes_printf(p->out, "INTERVAL '%s%lld.%03lld' SECOND", v->c.i < 0 ? "-" : "",
                         (long long)(v->c.i / 1000 < 0 ? -(v->c.i / 1000) : v->c.i / 1000),
                         (long long)(v->c.i % 1000 < 0 ? -(v->c.i % 1000) : v->c.i % 1000));
        break;
    default:
        value_json(v, p->out);
    }
}

/* The variables of a set: A, or (A, B), or nothing for every row. */
static void print_vars(struct printer *p, uint64_t vars)
{
    bool several = (vars & (vars - 1)) != 0;
    const char *comma = "";
    if (several)
        put(p, "(");
    for (unsigned v = 0; v < 64; v++) {
        if (!(vars >> v & 1))
            continue;
        if (p->vars != NULL)
            bytes_printf(p->out, "%s%s", comma, p->vars[v]);
        else
            bytes_printf(p->out, "%s$%u", comma, v);
        comma = ", ";
    }
    if (several)
        put(p, ")");
}

/* PREV(FINAL LAST(A: x, 1), 2); `body` is what is evaluated at that row, NULL: its classifier. */
static void print_nav(struct printer *p, const struct nav *n, const struct expr *body)
{
    if (n->physical != 0)
        put(p, n->physical < 0 ? "PREV(" : "NEXT(");
    if (!n->current) {
        put(p, n->running ? "" : "FINAL ");
        put(p, n->first ? "FIRST(" : "LAST(");
        if (n->vars != UINT64_MAX) {
            print_vars(p, n->vars);
            put(p, ": ");
        }
    }
    if (body != NULL)
        print(p, body);
    else
        put(p, "CLASSIFIER()");
    if (!n->current) {
        if (n->logical != 0)
            bytes_printf(p->out, ", %u", n->logical);
        put(p, ")");
    }
    if (n->physical != 0)
        bytes_printf(p->out, ", %d)", n->physical < 0 ? -n->physical : n->physical);
}

static void print_agg(struct printer *p, const struct expr *e)
{
    const struct agg_call *c = &e->agg.call;
    put(p, e->agg.running ? "" : "FINAL ");
    put(p, c->kind == AGG_COUNT_STAR ? "COUNT" : expr_agg_name(c->kind));
    put(p, c->distinct ? "(DISTINCT " : "(");
    if (e->agg.vars != UINT64_MAX) {
        print_vars(p, e->agg.vars);
        put(p, ": ");
    }
    if (c->arg != NULL)
        print(p, c->arg);
    else
        put(p, "*");
    for (unsigned i = 0; i < c->nparams; i++) {
        put(p, ", ");
        print_constant(p, &c->params[i]);
    }
    put(p, ")");
    if (c->filter != NULL) {
        put(p, " FILTER (WHERE ");
        print(p, c->filter);
        put(p, ")");
    }
}

static void print_case(struct printer *p, const struct expr *e)
{
    put(p, "CASE");
    for (unsigned i = 0; i + 1 < e->nargs; i += 2) {
        put(p, " WHEN ");
        print(p, e->args[i]);
        put(p, " THEN ");
        print(p, e->args[i + 1]);
    }
    if (e->nargs % 2 == 1) {
        put(p, " ELSE ");
        print(p, e->args[e->nargs - 1]);
    }
    put(p, " END");
}

static void print_func(struct printer *p, const struct expr *e)
{
    static const char *const names[] = {
#define FUNC_TEXT(name, id, signature) [FUNC_##id] = #name,
        FUNC_LIST(FUNC_TEXT)
#undef FUNC_TEXT
    };
    put(p, e->func < FUNC_COUNT ? names[e->func] : "?");
    put(p, "(");
    print_list(p, e, 0);
    put(p, ")");
}

static void upper(struct printer *p, const char *text)
{
    for (; *text != '\0'; text++) {
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        bytes_put(p->out, &c, 1);
    }
}

/* a op b op c; what follows the first binds one tighter, so that a - (b - c) keeps its parentheses. */
static void print_infix(struct printer *p, const struct expr *e)
{
    int least = binds(e->kind);
    bool compares = least == BIND_COMPARE, chains = e->kind == EXPR_AND || e->kind == EXPR_OR;
    for (unsigned i = 0; i < e->nargs; i++) {
        if (i > 0) {
            put(p, " ");
            upper(p, expr_kind_name(e->kind));
            put(p, " ");
        }
        print_inside(p, e->args[i], least + ((i > 0 && !chains) || compares ? 1 : 0));
    }
}

/* `not`: x IS NOT NULL, x NOT IN (...) */
static void print_test(struct printer *p, const struct expr *e, bool not )
{
    bool is = e->kind == EXPR_IS_NULL || e->kind == EXPR_IS_TRUE || e->kind == EXPR_IS_FALSE;
    print_inside(p, e->args[0], BIND_SUM);
    put(p, not &&!is ? " NOT " : is && not ? " IS NOT " : " ");
    upper(p, expr_kind_name(e->kind) + (is && not ? strlen("is ") : 0));
    if (e->kind == EXPR_IN) {
        put(p, " (");
        print_list(p, e, 1);
        put(p, ")");
    } else if (e->kind == EXPR_IN_LIST) {
        put(p, " ");
        put(p, list_name(e->list));
    } else if (e->kind == EXPR_LIKE) {
        put(p, " ");
        print_inside(p, e->args[1], BIND_SUM);
        if (e->nargs > 2) {
            put(p, " ESCAPE ");
            print(p, e->args[2]);
        }
    }
}

static void print_cast(struct printer *p, const struct expr *e)
{
    char type[32];
    upper(p, expr_kind_name(e->kind));
    put(p, "(");
    print(p, e->args[0]);
    bytes_printf(p->out, " AS %s)", schema_type_name(e->type, type));
}

static void print_column(struct printer *p, const struct expr *e)
{
    if (p->columns != NULL && e->index < p->columns->ncolumns)
        put(p, p->columns->columns[e->index].name);
    else
        bytes_printf(p->out, "column %u", e->index);
}

static void print(struct printer *p, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
        print_constant(p, &e->constant);
        break;
    case EXPR_COLUMN:
        print_column(p, e);
        break;
    case EXPR_SLOT:
        if (p->slot != NULL)
            p->slot(p->slot_ctx, e->index, p->out);
        else
            bytes_printf(p->out, "#%u", e->index);
        break;
    case EXPR_NAV:
        print_nav(p, &e->nav, e->args[0]);
        break;
    case EXPR_CLASSIFIER:
        print_nav(p, &e->nav, NULL);
        break;
    case EXPR_MATCH_AGG:
        print_agg(p, e);
        break;
    case EXPR_MATCH_NUMBER:
        put(p, "MATCH_NUMBER()");
        break;
    case EXPR_MATCH_ROWTIME:
        put(p, "MATCH_ROWTIME()");
        break;
    case EXPR_NEG:
        put(p, "-");
        print_inside(p, e->args[0], BIND_ATOM);
        break;
    case EXPR_NOT:
        if (e->args[0]->kind >= EXPR_IS_NULL && e->args[0]->kind <= EXPR_LIKE) {
            print_test(p, e->args[0], true);
            break;
        }
        put(p, "NOT ");
        print_inside(p, e->args[0], BIND_COMPARE);
        break;
    case EXPR_IS_NULL ... EXPR_LIKE:
        print_test(p, e, false);
        break;
    case EXPR_CASE:
        print_case(p, e);
        break;
    case EXPR_CAST:
    case EXPR_TRY_CAST:
        print_cast(p, e);
        break;
    case EXPR_COALESCE:
        put(p, "COALESCE(");
        print_list(p, e, 0);
        put(p, ")");
        break;
    case EXPR_FUNC:
        print_func(p, e);
        break;
    case EXPR_LOOKUP:
        put(p, list_name(e->list));
        put(p, "[");
        print(p, e->args[0]);
        put(p, "].");
        put(p, list_schema(e->list)->columns[e->list_column].name);
        break;
    default:
        print_infix(p, e);
    }
}

void expr_print(const struct expr *e, const struct schema *columns, const char *const *vars,
                struct bytes *out)
{
    struct printer p = {.columns = columns, .vars = vars, .out = out};
    print(&p, e);
}

void expr_print_slots(const struct expr *e, const struct schema *columns,
                      void (*slot)(const void *ctx, unsigned index, struct bytes *out),
                      const void *ctx, struct bytes *out)
{
    struct printer p = {.columns = columns, .out = out, .slot = slot, .slot_ctx = ctx};
    print(&p, e);
}
