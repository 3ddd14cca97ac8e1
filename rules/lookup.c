/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lookup.h"
#include "cep/list.h"
#include "rules/bind.h"
#include "rules/grammar.h"
#include "rules/simplify.h"

struct lookup {
    struct cc *cc;
    struct names_relation *left;
    const struct ast_from *f;
    struct list *list;
    const struct schema *schema;
    const char *name; /* the alias */
    const struct ast_expr *key; /* what the list's key must be equal to */
    const struct ast_expr *key_at; /* the equality */
    const struct expr *has; /* that it is in the list */
};

const struct ast_from *lookup_rest(const struct ast_from *f)
{
    f = f->next;
    while (f != NULL && f->as_of != NULL)
        f = f->next;
    return f;
}

/* --- the key ---------------------------------------------------------------------------------- */

static bool is_key(const struct lookup *l, const struct ast_expr *e)
{
    const char *key = l->schema->columns[list_key(l->list)].name;
    bool ambiguous;
    if (e->kind != AST_NAME || !names_same(&e->name, key))
        return false;
    if (e->qualifier.text != NULL)
        return names_same(&e->qualifier, l->name);
    return names_find(l->left, &e->qualifier, &e->name, &ambiguous) == NULL;
}

/* The conjunct of ON that is an equality with the list's key. */
static void find_key(struct lookup *l, const struct ast_expr *e)
{
    if (l->key != NULL || e->kind != AST_BINARY)
        return;
    const struct ast_expr *a = e->args, *b = a->next;
    if (e->op == TOKEN_EQ && (is_key(l, a) || is_key(l, b))) {
        l->key = is_key(l, a) ? b : a;
        l->key_at = e;
    } else if (e->op == TOKEN_AND) {
        for (; a != NULL; a = a->next)
            find_key(l, a);
    }
}

static bool bind_key(struct lookup *l)
{
    struct bind b = {.cc = l->cc, .rel = l->left, .clause = "ON"};
    find_key(l, l->f->on);
    if (l->key == NULL) {
        const char *key = l->schema->columns[list_key(l->list)].name;
        diag_error(l->cc->d, "join", l->f->on->at,
                   arena_printf(l->cc->scratch, "ON %s.%s = ... AND ...", l->name, key),
                   "a list is looked up by its key: ON needs an equality with %s.%s", l->name, key);
        return false;
    }
    l->has = logic_in_list(l->cc, bind_expr(&b, l->key), l->list, l->key_at->at);
    return l->has != NULL;
}

/* --- columns ---------------------------------------------------------------------------------- */

static const struct expr *column(const struct lookup *l, unsigned i, struct span at)
{
    if (l->has->kind != EXPR_IN_LIST) /* of the literal NULL */
        return types_null(l->cc, l->schema->columns[i].type, at);
    struct expr *e =
        types_node(l->cc, EXPR_LOOKUP, l->schema->columns[i].type, at, 1, l->has->args);
    e->list = l->list;
    e->list_since = l->has->list_since;
    e->list_column = i;
    return e;
}

static struct names_relation *beside(const struct lookup *l)
{
    struct names_relation *out = arena_alloc(l->cc->scratch, sizeof *out);
    *out = *l->left;
    out->n = l->left->n + l->schema->ncolumns;
    out->columns = arena_alloc(l->cc->scratch, out->n * sizeof *out->columns);
    for (unsigned i = 0; i < l->left->n; i++)
        out->columns[i] = l->left->columns[i];
    for (unsigned i = 0; i < l->schema->ncolumns; i++)
        out->columns[l->left->n + i] = (struct names_column){l->schema->columns[i].name, l->name,
                                                             column(l, i, l->f->at), false};
    out->what = arena_printf(l->cc->scratch, "%s and list %s", l->left->what, l->schema->name);
    return out;
}

/* ON but for the equality with the key. NULL: nothing. */
static const struct expr *rest_of_on(const struct lookup *l, struct bind *b,
                                     const struct ast_expr *e)
{
    const struct expr *all = NULL;
    if (e == l->key_at)
        return NULL;
    if (e->kind != AST_BINARY || e->op != TOKEN_AND)
        return bind_condition(b, e, "ON");
    for (const struct ast_expr *a = e->args; a != NULL; a = a->next)
        all = simplify_both(l->cc, all, rest_of_on(l, b, a));
    return all;
}

/* LEFT: what does not fit is NULL. */
static void only_where(const struct lookup *l, struct names_relation *rel, const struct expr *when)
{
    for (unsigned i = l->left->n; i < rel->n && when != NULL; i++) {
        const struct expr *args[2] = {when, rel->columns[i].e};
        rel->columns[i].e = logic_case(l->cc, 2, args, when->at);
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool check_time(const struct lookup *l)
{
    const struct schema *s = l->left->schema;
    struct bind b = {.cc = l->cc, .rel = l->left, .clause = "FOR SYSTEM_TIME AS OF"};
    const struct expr *e = bind_expr(&b, l->f->as_of);
    if (e == NULL)
        return false;
    if (e->kind == EXPR_COLUMN && e->index == (unsigned)s->time_column)
        return true;
    diag_error(l->cc->d, "join", l->f->as_of->at, NULL,
               "FOR SYSTEM_TIME AS OF takes the stream's time, %s",
               s->columns[s->time_column].name);
    return false;
}

static bool check_kind(const struct lookup *l)
{
    const struct ast_from *f = l->f;
    if (f->join == AST_JOIN_FULL || f->join == AST_JOIN_RIGHT) {
        diag_error(l->cc->d, "join", f->join_at, "write JOIN or LEFT JOIN",
                   "%s JOIN with a list cannot be done: rows are looked up, items give none",
                   f->join == AST_JOIN_RIGHT ? "RIGHT" : "FULL");
        return false;
    }
    if (l->left->over == NULL)
        return true;
    diag_error(l->cc->d, "unsupported", f->join_at, "look it up in the inner SELECT",
               "a look-up around OVER: this release does not do that yet");
    return false;
}

static bool is_stream(struct cc *cc, const struct ast_name *n)
{
    const struct cc_known *k = names_known(cc, n->text);
    bool is = k != NULL ? k->schema != NULL
                        : cc->scope != NULL && cc->scope->stream != NULL &&
                              cc->scope->stream(cc->scope->ctx, n->text) != NULL;
    if (is)
        diag_error(cc->d, "join", n->at,
                   "leave FOR SYSTEM_TIME out, and bound the times in ON: b.ts BETWEEN ...",
                   "%s is a stream: it is joined by its times, and not looked up", n->text);
    return is;
}

struct names_relation *lookup_add(struct cc *cc, struct names_relation *left,
                                  const struct ast_from *f)
{
    struct lookup l = {.cc = cc, .left = left, .f = f};
    if (!check_kind(&l) || is_stream(cc, &f->name) || (l.list = names_list(cc, &f->name)) == NULL)
        return NULL;
    l.schema = list_schema(l.list);
    l.name = f->alias.text != NULL ? arena_str(cc->arena, f->alias.text) : l.schema->name;
    if (!check_time(&l) || !bind_key(&l))
        return NULL;
    int errors = cc->d->errors;
    struct names_relation *out = beside(&l);
    struct bind b = {.cc = cc, .rel = out, .clause = "ON"};
    const struct expr *rest = rest_of_on(&l, &b, f->on);
    if (cc->d->errors != errors)
        return NULL;
    if (f->join == AST_JOIN_LEFT)
        only_where(&l, out, rest);
    else
        out->where = simplify_both(cc, out->where, simplify_both(cc, l.has, rest));
    return out;
}
