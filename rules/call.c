/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/call.h"
#include "cep/expr/func.h"
#include "rules/aggregate.h"
#include "rules/callarg.h"
#include "rules/grammar.h"
#include "rules/navigate.h"
#include "rules/overrule.h"
#include "rules/simplify.h"
#include <string.h>
#include <strings.h>

static const struct function {
    const char *name, *signature;
    enum func_id id;
} functions[] = {
#define FUNCTION_ROW(name, id, signature) {#name, signature, FUNC_##id},
    FUNC_LIST(FUNCTION_ROW)
#undef FUNCTION_ROW
};

static const struct {
    const char *name;
    enum func_id id;
} aliases[] = {
#define ALIAS_ROW(name, id) {#name, FUNC_##id},
    FUNC_ALIAS_LIST(ALIAS_ROW)
#undef ALIAS_ROW
};

/* Those that become nodes of their own, and names that are known elsewhere. */
static const char *const others[] = {"COALESCE", "IFNULL", "NULLIF",     "IF",           "MOD",
                                     "CONCAT",   "PI",     "CLASSIFIER", "MATCH_NUMBER", "PREV",
                                     "NEXT",     "FIRST",  "LAST",       "MATCH_ROWTIME"};
static const char *const aggregate_names[] = {"COUNT",
                                              "SUM",
                                              "AVG",
                                              "MIN",
                                              "MAX",
                                              "STDDEV",
                                              "TOP",
                                              "LIST_AGG",
                                              "APPROX_COUNT_DISTINCT",
                                              "APPROX_PERCENTILE"};

enum {
    FUNCTIONS = sizeof functions / sizeof *functions,
    ALIASES = sizeof aliases / sizeof *aliases,
    OTHERS = sizeof others / sizeof *others,
    AGGREGATES = sizeof aggregate_names / sizeof *aggregate_names,
    ARGS_MAX = 100
};

static const struct function *find(const char *name)
{
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (strcasecmp(functions[i].name, name) == 0)
            return &functions[i];
    for (unsigned i = 0; i < ALIASES; i++)
        if (strcasecmp(aliases[i].name, name) == 0)
            return &functions[aliases[i].id];
    return NULL;
}

static bool is_over_only(const char *name)
{
    return strcasecmp(name, "LAG") == 0 || strcasecmp(name, "LEAD") == 0 ||
           strcasecmp(name, "ROW_NUMBER") == 0;
}

static void say_unknown(struct bind *b, const struct ast_expr *e)
{
    const char *names[FUNCTIONS + ALIASES + OTHERS + AGGREGATES];
    if (is_over_only(e->name.text) && e->call->over == NULL) {
        diag_error(b->cc->d, "over", e->op_at, NULL,
                   "%s needs OVER (PARTITION BY ... ORDER BY ...)", e->name.text);
        return;
    }
    size_t n = 0;
    for (unsigned i = 0; i < AGGREGATES; i++) /* the first of equally near ones is offered */
        names[n++] = aggregate_names[i];
    for (unsigned i = 0; i < FUNCTIONS; i++)
        names[n++] = functions[i].name;
    for (unsigned i = 0; i < ALIASES; i++)
        names[n++] = aliases[i].name;
    for (unsigned i = 0; i < OTHERS; i++)
        names[n++] = others[i];
    diag_error(b->cc->d, "unknown-function", e->op_at, names_hint(b->cc, e->name.text, names, n),
               "no function %s", e->name.text);
}

/* --- arguments -------------------------------------------------------------------------------- */

static const struct expr *wrong_argument(struct bind *b, const struct expr *v, const char *name,
                                         const char *needs)
{
    char t[32];
    diag_error(b->cc->d, "type", v->at, NULL, "%s needs %s, and %s is %s", name, needs,
               types_quote(b->cc, v->at), schema_type_name(v->type, t));
    return NULL;
}

static const struct expr *to_kind(struct bind *b, const struct expr *v, enum type_kind kind,
                                  const char *name, const char *needs)
{
    if (v->type.kind == kind || v->type.kind == TYPE_NULL)
        return types_to(b->cc, v, types_of(kind));
    return wrong_argument(b, v, name, needs);
}

static const struct expr *argument(struct bind *b, const struct expr *v, char kind,
                                   const char *name)
{
    if (v == NULL)
        return NULL;
    switch (kind) {
    case 's':
        return to_kind(b, v, TYPE_STRING, name, "a text");
    case 'b':
        return to_kind(b, v, TYPE_BOOLEAN, name, "a BOOLEAN");
    case 't':
        return to_kind(b, v, TYPE_TIMESTAMP, name, "a TIMESTAMP");
    case 'i':
        return to_kind(b, v, TYPE_BIGINT, name, "a whole number");
    case 'd':
        if (types_is_number(v->type))
            return types_to(b->cc, v, types_of(TYPE_DOUBLE));
        return to_kind(b, v, TYPE_DOUBLE, name, "a number");
    case 'p':
    case 'z':
    case 'u':
        return callarg_constant(b, kind, v, name);
    case 'n':
        if (types_is_number(v->type))
            return v;
        return to_kind(b, v, TYPE_BIGINT, name, "a number");
    default:
        return v;
    }
}

static struct type result_type(char kind, const struct expr *first)
{
    switch (kind) {
    case 's':
        return types_of(TYPE_STRING);
    case 'i':
        return types_of(TYPE_BIGINT);
    case 'd':
        return types_of(TYPE_DOUBLE);
    case 'b':
        return types_of(TYPE_BOOLEAN);
    case 't':
        return types_of(TYPE_TIMESTAMP);
    default:
        return first->type;
    }
}

/* Least and most arguments of a signature. */
static void count_args(const char *s, unsigned *least, unsigned *most)
{
    bool optional = false;
    *least = *most = 0;
    for (; *s != ':'; s++) {
        if (*s == '?') {
            optional = true;
        } else if (*s == '*') {
            *most = ARGS_MAX;
        } else {
            ++*most;
            *least += !optional;
        }
    }
}

static const struct expr *all_of_one_type(struct bind *b, const struct expr **args, unsigned n,
                                          const char *name, struct span at)
{
    struct type t;
    if (!types_common(b->cc, n, args, name, at, &t))
        return NULL;
    for (unsigned i = 0; i < n; i++)
        args[i] = types_to(b->cc, args[i], t);
    return args[0];
}

static const struct expr *scalar(struct bind *b, const struct ast_expr *e, const struct function *f,
                                 const struct expr **args)
{
    unsigned least, most, n = 0;
    count_args(f->signature, &least, &most);
    if (e->nargs < least || e->nargs > most) {
        if (least == most)
            diag_error(b->cc->d, "arguments", e->op_at, NULL, "%s takes %u argument%s, not %u",
                       f->name, least, least == 1 ? "" : "s", e->nargs);
        else
            diag_error(b->cc->d, "arguments", e->op_at, NULL,
                       "%s takes from %u to %u arguments, not %u", f->name, least, most, e->nargs);
        return NULL;
    }
    const char *s = f->signature;
    bool good = true, alike = *s == 'a';
    while (n < e->nargs) {
        if (*s == '?')
            s++;
        args[n] = argument(b, args[n], *s, f->name);
        good = good && args[n] != NULL;
        n++;
        if (s[1] != '*' && s[1] != ':')
            s++;
    }
    if (!good || (alike && all_of_one_type(b, args, n, f->name, e->at) == NULL))
        return NULL;
    if (!callarg_check(b, f->id, args, n))
        return NULL;
    const char *result = strchr(f->signature, ':') + 1;
    struct expr *node = types_node(b->cc, EXPR_FUNC, result_type(*result, args[0]), e->at, n, args);
    node->func = f->id;
    return simplify_fold(b->cc, node);
}

/* --- calls that become other nodes ------------------------------------------------------------ */

static bool wants(struct bind *b, const struct ast_expr *e, unsigned n)
{
    if (e->nargs == n)
        return true;
    diag_error(b->cc->d, "arguments", e->op_at, NULL, "%s takes %u arguments, not %u", e->name.text,
               n, e->nargs);
    return false;
}

static bool is_other(const char *name)
{
    for (unsigned i = 0; i < 7; i++)
        if (strcasecmp(others[i], name) == 0)
            return true;
    return false;
}

static const struct expr *other(struct bind *b, const struct ast_expr *e, const struct expr **args)
{
    struct cc *cc = b->cc;
    const char *name = e->name.text;
    if (strcasecmp(name, "COALESCE") == 0 || strcasecmp(name, "CONCAT") == 0) {
        if (e->nargs == 0) {
            diag_error(cc->d, "arguments", e->op_at, NULL, "%s needs an argument", name);
            return NULL;
        }
        if (strcasecmp(name, "COALESCE") == 0)
            return logic_coalesce(cc, e->nargs, args, e->at);
        const struct expr *all = types_concat(cc, args[0], types_string(cc, "", 0, e->at), e->at);
        if (e->nargs > 1)
            all = args[0];
        for (unsigned i = 1; i < e->nargs; i++)
            all = types_concat(cc, all, args[i], e->at);
        return all;
    }
    if (strcasecmp(name, "IFNULL") == 0)
        return wants(b, e, 2) ? logic_coalesce(cc, 2, args, e->at) : NULL;
    if (strcasecmp(name, "MOD") == 0)
        return wants(b, e, 2) ? types_arith(cc, EXPR_MOD, args[0], args[1], e->at) : NULL;
    if (strcasecmp(name, "PI") == 0)
        return wants(b, e, 0) ? types_const(cc, types_of(TYPE_DOUBLE),
                                            (union cell){.d = 3.14159265358979323846}, e->at)
                              : NULL;
    if (strcasecmp(name, "IF") == 0)
        return wants(b, e, 3) ? logic_case(cc, 3, args, e->at) : NULL;
    if (!wants(b, e, 2) || args[0] == NULL)
        return NULL;
    /* NULLIF(a, b): NULL when they are equal, else a */
    const struct expr *branches[3] = {logic_compare(cc, EXPR_EQ, args[0], args[1], e->at),
                                      types_null(cc, args[0]->type, e->at), args[0]};
    return logic_case(cc, 3, branches, e->at);
}

/* --- which call is it ------------------------------------------------------------------------- */

static bool check_modifiers(struct bind *b, const struct ast_expr *e, bool navigation,
                            bool aggregate)
{
    const struct ast_call *c = e->call;
    bool logical = strcasecmp(e->name.text, "FIRST") == 0 || strcasecmp(e->name.text, "LAST") == 0;
    if (c->modifier.kind != 0 && !aggregate && !(navigation && logical)) {
        diag_error(b->cc->d, "navigation", c->modifier.at, NULL,
                   "%.*s goes with FIRST, LAST and aggregates, not with %s", (int)c->modifier.n,
                   c->modifier.p, e->name.text);
        return false;
    }
    if ((c->distinct || c->filter != NULL) && !aggregate) {
        diag_error(b->cc->d, "aggregate", e->op_at, NULL,
                   "%s belongs to aggregates, and %s is none", c->distinct ? "DISTINCT" : "FILTER",
                   e->name.text);
        return false;
    }
    return true;
}

static const struct expr *bind_scalar(struct bind *b, const struct ast_expr *e)
{
    const struct function *f = find(e->name.text);
    if (f == NULL && callarg_refused(b, e->name.text, e->op_at))
        return NULL;
    if (f == NULL && !is_other(e->name.text)) {
        say_unknown(b, e);
        return NULL;
    }
    if (e->nargs > ARGS_MAX) {
        diag_error(b->cc->d, "limit", e->op_at, NULL, "%s: more than %d arguments", e->name.text,
                   ARGS_MAX);
        return NULL;
    }
    if (e->has_from && (f == NULL || f->id != FUNC_SUBSTRING)) {
        diag_error(b->cc->d, "syntax", e->op_at, NULL, "%s does not take FROM", e->name.text);
        return NULL;
    }
    if (e->flag && (f == NULL || strncmp(f->signature, "t:i", 4) != 0)) {
        diag_error(b->cc->d, "unknown-function", e->op_at, "like EXTRACT(HOUR FROM ts)",
                   "a time has no field %s", e->name.text);
        return NULL;
    }
    const struct expr *args[ARGS_MAX + 1] = {NULL};
    unsigned n = 0;
    bool good = true;
    for (const struct ast_expr *a = e->args; a != NULL; a = a->next) {
        if (a->kind == AST_STAR) {
            diag_error(b->cc->d, "arguments", a->at, NULL, "%s takes values, not a whole row",
                       e->name.text);
            return NULL;
        }
        const struct expr *unit = NULL;
        if (f != NULL && func_argument(f->id, n) == 'u')
            unit = callarg_unit(b, a);
        args[n] = unit != NULL ? unit : bind_expr(b, a);
        good = good && args[n] != NULL;
        n++;
    }
    if (!good)
        return NULL;
    return f != NULL ? scalar(b, e, f, args) : other(b, e, args);
}

const struct expr *call_bind(struct bind *b, const struct ast_expr *e)
{
    const char *name = e->name.text;
    if (e->call->over != NULL &&
        (is_over_only(name) || aggregate_kind(name) >= 0 || overrule_is_function(name)))
        return overrule_call(b, e);
    if (e->call->over != NULL) {
        if (find(name) != NULL)
            diag_error(b->cc->d, "over", e->op_at, "aggregates, LAG and ROW_NUMBER do",
                       "%s does not go with OVER", name);
        else
            say_unknown(b, e);
        return NULL;
    }
    int kind = aggregate_kind(name);
    bool match = b->place == BIND_DEFINE || b->place == BIND_MEASURE;
    bool navigation = navigate_is_function(name) && (match || kind < 0);
    if (navigation)
        kind = -1;
    if (!check_modifiers(b, e, navigation, kind >= 0))
        return NULL;
    if (navigation)
        return navigate_call(b, e);
    if (kind >= 0)
        return aggregate_call(b, e, (enum agg_kind)kind);
    return bind_scalar(b, e);
}
