/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lookup.h"
#include "cep/derived.h"
#include "cep/list.h"
#include "cep/table.h"
#include "rules/bind.h"
#include "rules/grammar.h"
#include "rules/simplify.h"
#include <string.h>

struct lookup {
    struct cc *cc;
    struct names_relation *left;
    const struct ast_from *f;
    struct list *list; /* or a table: */
    const struct table *table;
    const char *what; /* "list", "table" */
    const struct schema *schema;
    unsigned key_column;
    const char *name; /* the alias */
    const struct ast_expr *key; /* what the key must be equal to */
    const struct ast_expr *key_at; /* the equality */
    const struct schema *rows; /* of a table: the derived stream */
    const struct expr *has; /* that it is there */
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
    const char *key = l->schema->columns[l->key_column].name;
    bool ambiguous;
    if (e->kind != AST_NAME || !names_same(&e->name, key))
        return false;
    if (e->qualifier.text != NULL)
        return names_same(&e->qualifier, l->name);
    return names_find(l->left, &e->qualifier, &e->name, &ambiguous) == NULL;
}

/* The conjunct of ON that is an equality with the key. */
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

static const struct expr *bind_key(struct lookup *l)
{
    struct bind b = {.cc = l->cc, .rel = l->left, .clause = "ON"};
    find_key(l, l->f->on);
    if (l->key == NULL) {
        const char *key = l->schema->columns[l->key_column].name;
        diag_error(l->cc->d, "join", l->f->on->at,
                   arena_printf(l->cc->scratch, "ON %s.%s = ... AND ...", l->name, key),
                   "a %s is looked up by its key: ON needs an equality with %s.%s", l->what,
                   l->name, key);
        return NULL;
    }
    return bind_expr(&b, l->key);
}

/* --- tables ----------------------------------------------------------------------------------- */

static bool check_type(const struct lookup *l, const struct expr *key)
{
    struct type want = l->schema->columns[l->key_column].type;
    char have_text[32], want_text[32];
    if (schema_type_same(key->type, want))
        return true;
    diag_error(l->cc->d, "type", l->key_at->at,
               arena_printf(l->cc->scratch, "CAST(... AS %s)", schema_type_name(want, want_text)),
               "%s.%s is %s, and what is looked up is %s", l->name,
               l->schema->columns[l->key_column].name, schema_type_name(want, want_text),
               schema_type_name(key->type, have_text));
    return false;
}

/* What is looked up in what, as a number that is the same wherever the rule is compiled. */
static uint32_t uid_of(const struct lookup *l, const struct expr *key)
{
    struct bytes text = {0};
    uint64_t hash = UINT64_C(14695981039346656037);
    bytes_printf(&text, "%s %s ", l->left->schema->name, l->schema->name);
    expr_print(key, l->left->schema, NULL, &text);
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ text.p[i]) * UINT64_C(1099511628211);
    bytes_fini(&text);
    return (uint32_t)(hash ^ hash >> DERIVED_UID_BITS) & ((UINT32_C(1) << DERIVED_UID_BITS) - 1);
}

/* Is the stream, rule or table one of this script? Then what is made of it goes with the script. */
static bool is_own(const struct lookup *l)
{
    const struct schema *s = schema_rows(l->left->schema);
    return names_known(l->cc, s->of != NULL ? s->of : s->name) != NULL ||
           names_known(l->cc, l->schema->name) != NULL;
}

static const struct schema *own_rows(const struct lookup *l, uint32_t uid)
{
    struct cc *cc = l->cc;
    const struct schema *from = l->left->schema;
    for (const struct cc_looked *k = *cc->looked; k != NULL; k = k->next)
        if (k->rows->from == from && k->rows->table == l->table && derived_uid(k->rows->id) == uid)
            return k->rows;
    struct cc_looked *k = arena_alloc(cc->lasting, sizeof *k);
    *k = (struct cc_looked){derived_lookup(from, l->table, uid, cc->lasting), *cc->looked};
    if (k->rows != NULL)
        *cc->looked = k;
    return k->rows;
}

static bool say_limit(const struct lookup *l)
{
    struct diag *d = l->cc->d;
    if (l->left->schema->ncolumns + l->schema->ncolumns > SCHEMA_COLUMNS_MAX)
        diag_error(d, "limit", l->f->at, NULL,
                   "the stream and the table have more than %d columns together",
                   SCHEMA_COLUMNS_MAX);
    else if (l->rows != NULL)
        diag_error(d, "limit", l->f->at, NULL,
                   "at most %d rules and look-ups can stand behind each other", DERIVED_STAGES_MAX);
    else
        diag_error(d, "limit", l->f->at, "start the server anew",
                   "rows have been looked up in too many ways, in texts that were only tried, too");
    return false;
}

/* The derived stream; the look-up goes to the rule's others. */
static bool look_up(struct lookup *l, const struct expr *key)
{
    struct cc *cc = l->cc;
    const struct scope *scope = cc->scope;
    uint32_t uid = uid_of(l, key);
    l->rows =
        is_own(l) ? own_rows(l, uid) : scope->lookup(scope->ctx, l->left->schema, l->table, uid);
    if (l->rows == NULL || l->rows->stage > DERIVED_STAGES_MAX)
        return say_limit(l);
    struct cc_lookups *all = cc->lookups;
    if (all->n == all->cap) {
        all->cap = all->cap > 0 ? 2 * all->cap : 4;
        struct plan_lookup *more = arena_alloc(cc->arena, all->cap * sizeof *more);
        if (all->n > 0)
            memcpy(more, all->v, all->n * sizeof *more);
        all->v = more;
    }
    all->v[all->n++] = (struct plan_lookup){.rows = l->rows, .key = key};
    return true;
}

static const struct expr *in_table(const struct lookup *l, unsigned i, struct span at)
{
    struct expr *e = types_node(l->cc, EXPR_COLUMN, l->schema->columns[i].type, at, 0, NULL);
    e->index = l->left->schema->ncolumns + i;
    return e;
}

/* Says what `has` is. */
static bool bind_has(struct lookup *l)
{
    const struct expr *key = bind_key(l);
    if (key == NULL)
        return false;
    if (l->list != NULL) {
        l->has = logic_in_list(l->cc, key, l->list, l->key_at->at);
    } else if (check_type(l, key) && look_up(l, key)) {
        const struct expr *found = in_table(l, l->key_column, l->key_at->at);
        l->has =
            logic_not(l->cc, logic_is(l->cc, EXPR_IS_NULL, found, l->key_at->at), l->key_at->at);
    }
    return l->has != NULL;
}

/* Conjuncts of `where` that columns before `n` decide. */
static const struct expr *decided(const struct cc *cc, const struct expr *where, unsigned n)
{
    struct cc c = *cc;
    struct colset reads = {0};
    const struct expr *all = NULL;
    if (where == NULL)
        return NULL;
    if (where->kind == EXPR_AND) {
        for (unsigned i = 0; i < where->nargs; i++)
            all = simplify_both(&c, all, decided(cc, where->args[i], n));
        return all;
    }
    expr_columns(where, &reads);
    for (unsigned i = n; i < SCHEMA_COLUMNS_MAX; i++)
        if (colset_has(&reads, i))
            return NULL;
    return where;
}

static bool is_below(const struct schema *rows, const struct schema *s)
{
    while (s != rows && s->derived == DERIVED_LOOKUP)
        s = s->from;
    return s == rows;
}

/* Rows that the rule does not want anyway are not looked up. Of a stream that is joined with itself either side may. */
static const struct expr *when_of(const struct cc *cc, const struct rule_plan *p,
                                  const struct schema *rows)
{
    const struct expr *where = p->where;
    if (p->shape == RULE_JOIN) {
        const struct join_side *side = p->join.side;
        bool left = is_below(rows, side[JOIN_LEFT].schema);
        if (left && is_below(rows, side[JOIN_RIGHT].schema))
            return NULL;
        where = side[left ? JOIN_LEFT : JOIN_RIGHT].where;
    }
    return decided(cc, where, rows->from->ncolumns);
}

void lookup_finish(const struct cc *cc, struct rule_plan *p)
{
    struct cc_lookups *all = cc->lookups;
    p->lookups = all->v;
    p->nlookups = all->n;
    for (unsigned i = 0; i < all->n; i++)
        all->v[i].when = when_of(cc, p, all->v[i].rows);
}

/* --- columns ---------------------------------------------------------------------------------- */

static const struct expr *column(const struct lookup *l, unsigned i, struct span at)
{
    if (l->table != NULL)
        return in_table(l, i, at);
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
    out->what =
        arena_printf(l->cc->scratch, "%s and %s %s", l->left->what, l->what, l->schema->name);
    if (l->rows != NULL)
        out->schema = l->rows;
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
                   "%s JOIN with a %s cannot be done: rows are looked up, %s give none",
                   f->join == AST_JOIN_RIGHT ? "RIGHT" : "FULL", l->what,
                   l->list != NULL ? "items" : "the table's");
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

static bool find(struct lookup *l)
{
    struct cc *cc = l->cc;
    if (is_stream(cc, &l->f->name))
        return false;
    l->list = names_list_or_table(cc, &l->f->name, &l->table);
    if (l->list == NULL && l->table == NULL)
        return false;
    l->what = l->table != NULL ? "table" : "list";
    l->schema = l->table != NULL ? l->table->schema : list_schema(l->list);
    l->key_column = l->table != NULL ? l->table->key : list_key(l->list);
    l->name = l->f->alias.text != NULL ? arena_str(cc->arena, l->f->alias.text) : l->schema->name;
    return true;
}

struct names_relation *lookup_add(struct cc *cc, struct names_relation *left,
                                  const struct ast_from *f)
{
    struct lookup l = {.cc = cc, .left = left, .f = f};
    if (!find(&l) || !check_kind(&l) || !check_time(&l) || !bind_has(&l))
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
