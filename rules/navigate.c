/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/navigate.h"
#include "rules/call.h"
#include "rules/grammar.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint64_t every = UINT64_MAX;

static bool is(const char *name, const char *function)
{
    return strcasecmp(name, function) == 0;
}

bool navigate_is_function(const char *name)
{
    return is(name, "FIRST") || is(name, "LAST") || is(name, "PREV") || is(name, "NEXT") ||
           is(name, "CLASSIFIER") || is(name, "MATCH_NUMBER") || is(name, "MATCH_ROWTIME");
}

bool navigate_note(struct bind *b, uint64_t vars, const char *name, struct span at)
{
    struct bind_arg *a = b->arg;
    if (a->seen && (a->vars != vars || (a->name == NULL) != (name == NULL))) {
        diag_error(b->cc->d, "mixed-variables", at,
                   "what stands in one argument is read from one row: use two calls",
                   "%s reads rows of %s and of %s: one variable for each argument", a->function,
                   a->name != NULL ? a->name : "the whole match",
                   name != NULL ? name : "the whole match");
        return false;
    }
    a->seen = true;
    a->vars = vars;
    a->name = name;
    return true;
}

/* --- an expression at another row ------------------------------------------------------------- */

static bool has_classifier(const struct expr *e)
{
    if (e->kind == EXPR_CLASSIFIER)
        return true;
    for (unsigned i = 0; i < e->nargs; i++)
        if (has_classifier(e->args[i]))
            return true;
    return false;
}

static const struct expr *at_row(struct cc *cc, const struct expr *e, struct nav nav)
{
    struct expr *n = types_node(cc, EXPR_NAV, e->type, e->at, 1, &e);
    n->nav = nav;
    return n;
}

/* e with each of its parts moved to that row: a NAV cannot hold a CLASSIFIER, whose row is not the current one. */
static const struct expr *push_down(struct cc *cc, const struct expr *e, struct nav nav)
{
    if (e->kind == EXPR_CLASSIFIER) {
        struct expr *c = types_node(cc, EXPR_CLASSIFIER, e->type, e->at, 0, NULL);
        c->nav = nav;
        return c;
    }
    if (e->kind == EXPR_CONST || e->kind == EXPR_MATCH_NUMBER)
        return e;
    if (!has_classifier(e) && expr_is_row_only(e))
        return at_row(cc, e, nav);
    const struct expr **args = types_list(cc->scratch, (e->nargs + 1));
    for (unsigned i = 0; i < e->nargs; i++)
        args[i] = push_down(cc, e->args[i], nav);
    return types_again(cc, e, args);
}

/* The value of e, a row expression, at another row: NULL when there is no such row. */
static const struct expr *evaluate_at(struct bind *b, const struct expr *e, struct nav nav)
{
    if (nav.current && nav.physical == 0)
        return e;
    bool moved = e->kind == EXPR_CLASSIFIER || (!has_classifier(e) && expr_is_row_only(e));
    if (moved)
        return e->kind == EXPR_CLASSIFIER ? push_down(b->cc, e, nav) : at_row(b->cc, e, nav);
    /* CASE WHEN that row is there THEN …: its time says whether it is. */
    const struct schema *s = b->rel->schema;
    struct expr *time =
        types_node(b->cc, EXPR_COLUMN, s->columns[s->time_column].type, e->at, 0, NULL);
    time->index = (unsigned)s->time_column;
    const struct expr *gone = logic_is(b->cc, EXPR_IS_NULL, at_row(b->cc, time, nav), e->at);
    const struct expr *args[2] = {logic_not(b->cc, gone, e->at), push_down(b->cc, e, nav)};
    return logic_case(b->cc, 2, args, e->at);
}

/* In a DEFINE the last row of a set that holds the variable being defined is the row being tested. */
static struct nav last_of(const struct bind *b, uint64_t vars)
{
    if (b->place == BIND_DEFINE && (vars >> b->self & 1) != 0)
        return (struct nav){.current = true};
    return (struct nav){.vars = vars, .running = true};
}

const struct expr *navigate_column(struct bind *b, const struct ast_expr *e)
{
    uint64_t vars = every;
    const char *name = NULL;
    if (e->qualifier.text != NULL) {
        vars = names_var_bits(b->cc, b->vars, &e->qualifier);
        name = names_variable(b->cc, &e->qualifier);
        if (vars == 0)
            return NULL;
    }
    struct ast_expr bare = *e; /* the variable is no qualifier of the stream's */
    bare.qualifier = (struct ast_name){0};
    const struct names_column *c = names_column(b->cc, b->rel, &bare);
    if (c == NULL || c->e == NULL)
        return NULL;
    struct expr *copy = arena_alloc(b->cc->arena, sizeof *copy);
    *copy = *c->e;
    copy->at = e->at;
    if (b->arg != NULL)
        return navigate_note(b, vars, name, e->at) ? copy : NULL;
    return evaluate_at(b, copy, last_of(b, vars));
}

/* --- calls ------------------------------------------------------------------------------------ */

static bool offset_of(struct bind *b, const struct ast_expr *e, const char *function, int64_t *out)
{
    const struct ast_expr *o = e->args->next;
    *out = -1;
    if (o == NULL)
        return true;
    if (o->kind != AST_NUMBER || o->op != TOKEN_INTEGER ||
        !value_parse_bigint(o->text, o->text_n, out) || *out > INT32_MAX) {
        diag_error(b->cc->d, "navigation", o->at, NULL,
                   "the offset of %s is a whole number from 0 to %d, not %s", function, INT32_MAX,
                   types_quote(b->cc, o->at));
        return false;
    }
    return true;
}

static bool check_call(struct bind *b, const struct ast_expr *e, const char *function)
{
    if (e->nargs < 1 || e->nargs > 2) {
        diag_error(b->cc->d, "navigation", e->op_at, NULL,
                   "%s takes a value and perhaps an offset, not %u arguments", function, e->nargs);
        return false;
    }
    if (e->call->distinct || e->call->filter != NULL || e->args->kind == AST_STAR) {
        diag_error(b->cc->d, "navigation", e->at, NULL, "%s takes one value of one row", function);
        return false;
    }
    return true;
}

/* The argument, whose columns stay columns; the rows it is for are noted in `arg`. */
static const struct expr *bind_inside(struct bind *b, const struct ast_expr *e,
                                      const char *function, struct bind_arg *arg)
{
    *arg = (struct bind_arg){.function = function, .vars = every};
    struct bind inner = *b;
    inner.arg = arg;
    const struct expr *v = bind_expr(&inner, e);
    if (v != NULL && !arg->seen) {
        diag_error(b->cc->d, "navigation", e->at, NULL, "%s needs a column, and %s has none",
                   function, types_quote(b->cc, e->at));
        return NULL;
    }
    return v;
}

/* FIRST or LAST; physical: of the PREV or NEXT around it. */
static const struct expr *bind_logical(struct bind *b, const struct ast_expr *e, int32_t physical)
{
    bool first = is(e->name.text, "FIRST");
    const char *function = first ? "FIRST" : "LAST";
    struct bind_arg arg;
    int64_t offset;
    if (!check_call(b, e, function) || !offset_of(b, e, function, &offset))
        return NULL;
    bool final = e->call->modifier.kind == TOKEN_FINAL;
    if (final && b->place == BIND_DEFINE) {
        diag_error(b->cc->d, "navigation", e->call->modifier.at, NULL,
                   "FINAL cannot stand in DEFINE: the end of the match is not known there");
        return NULL;
    }
    const struct expr *v = bind_inside(b, e->args, function, &arg);
    if (v == NULL)
        return NULL;
    struct nav nav = {.vars = arg.vars,
                      .first = first,
                      .running = !final,
                      .logical = offset > 0 ? (uint32_t)offset : 0};
    if (!first && nav.logical == 0 && !final)
        nav = last_of(b, arg.vars);
    nav.physical = physical;
    return evaluate_at(b, v, nav);
}

/* FIRST or LAST directly inside PREV or NEXT. */
static bool is_logical_call(const struct ast_expr *e)
{
    return e->kind == AST_CALL && (is(e->name.text, "FIRST") || is(e->name.text, "LAST"));
}

static const struct expr *bind_physical(struct bind *b, const struct ast_expr *e)
{
    bool prev = is(e->name.text, "PREV");
    const char *function = prev ? "PREV" : "NEXT";
    struct bind_arg arg;
    int64_t offset;
    if (!check_call(b, e, function) || !offset_of(b, e, function, &offset))
        return NULL;
    if (!prev && !b->bounded) {
        diag_error(
            b->cc->d, "unbounded", e->op_at, "make the next row an element of the pattern",
            "NEXT looks at a row that has not come yet: it can be used on input that ends only");
        return NULL;
    }
    int32_t physical = (int32_t)(offset < 0 ? 1 : offset);
    physical = prev ? -physical : physical;
    if (is_logical_call(e->args))
        return bind_logical(b, e->args, physical);
    const struct expr *v = bind_inside(b, e->args, function, &arg);
    if (v == NULL)
        return NULL;
    struct nav nav = last_of(b, arg.vars);
    nav.physical = physical;
    return evaluate_at(b, v, nav);
}

static const struct expr *bind_classifier(struct bind *b, const struct ast_expr *e)
{
    uint64_t vars = every;
    const char *name = NULL;
    if (e->nargs > 1 ||
        (e->nargs == 1 && (e->args->kind != AST_NAME || e->args->qualifier.text != NULL))) {
        diag_error(b->cc->d, "navigation", e->at, NULL,
                   "CLASSIFIER takes the name of a variable or subset, or nothing");
        return NULL;
    }
    if (e->nargs == 1) {
        vars = names_var_bits(b->cc, b->vars, &e->args->name);
        name = names_variable(b->cc, &e->args->name);
        if (vars == 0)
            return NULL;
    }
    struct expr *c = types_node(b->cc, EXPR_CLASSIFIER, types_of(TYPE_STRING), e->at, 0, NULL);
    c->nav.current = true;
    if (b->arg != NULL)
        return navigate_note(b, vars, name, e->at) ? c : NULL;
    c->nav = last_of(b, vars);
    if (c->nav.current) {
        const char *self = b->vars->vars[b->self];
        return types_string(b->cc, self, strlen(self), e->at);
    }
    return c;
}

static const struct expr *bind_no_argument(struct bind *b, const struct ast_expr *e)
{
    bool number = is(e->name.text, "MATCH_NUMBER");
    const char *function = number ? "MATCH_NUMBER" : "MATCH_ROWTIME";
    if (e->nargs > 0) {
        diag_error(b->cc->d, "navigation", e->at, NULL, "%s takes no argument", function);
        return NULL;
    }
    if (number)
        return types_node(b->cc, EXPR_MATCH_NUMBER, types_of(TYPE_BIGINT), e->at, 0, NULL);
    if (b->place != BIND_MEASURE || b->arg != NULL) {
        diag_error(
            b->cc->d, "navigation", e->at, NULL,
            "MATCH_ROWTIME is the time of a whole match: it can stand by itself in MEASURES");
        return NULL;
    }
    return types_node(b->cc, EXPR_MATCH_ROWTIME, types_of(TYPE_TIMESTAMP), e->at, 0, NULL);
}

const struct expr *navigate_call(struct bind *b, const struct ast_expr *e)
{
    const char *name = e->name.text;
    if (b->place != BIND_DEFINE && b->place != BIND_MEASURE) {
        diag_error(b->cc->d, "navigation", e->op_at, NULL,
                   "%s can be used in MATCH_RECOGNIZE only, in DEFINE and MEASURES", name);
        return NULL;
    }
    if (is(name, "MATCH_NUMBER") || is(name, "MATCH_ROWTIME"))
        return bind_no_argument(b, e);
    if (is(name, "CLASSIFIER"))
        return bind_classifier(b, e);
    if (b->arg != NULL) {
        diag_error(b->cc->d, "nesting", e->op_at,
                   "only PREV and NEXT can stand around FIRST or LAST, and directly",
                   "%s cannot stand inside %s", name, b->arg->function);
        return NULL;
    }
    if (is_logical_call(e))
        return bind_logical(b, e, 0);
    return bind_physical(b, e);
}
