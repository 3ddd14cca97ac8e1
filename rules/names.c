/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/names.h"
#include "base/mem.h"
#include "cep/derived.h"
#include "cep/list.h"
#include "rules/types.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *names_hint(struct cc *cc, const char *name, const char *const *candidates, size_t n)
{
    const char *near = diag_nearest(name, candidates, n);
    return near != NULL ? arena_printf(cc->scratch, "did you mean %s?", near) : NULL;
}

bool names_same(const struct ast_name *n, const char *name)
{
    return n->quoted ? strcmp(n->text, name) == 0 : strcasecmp(n->text, name) == 0;
}

/* --- streams ---------------------------------------------------------------------------------- */

enum { CANDIDATES_MAX = 512 };

static const char *source_hint(struct cc *cc, const char *name)
{
    const char **candidates = arena_alloc(cc->scratch, CANDIDATES_MAX * sizeof *candidates);
    size_t n = 0;
    struct cc_known *k = NULL, *next = NULL;
    MAP_EACH(cc->known, k, next) {
        if ((k->schema != NULL || k->plan != NULL) && n < CANDIDATES_MAX)
            candidates[n++] = k->name;
    }
    if (cc->scope != NULL && cc->scope->stream_name != NULL)
        for (unsigned i = 0; n < CANDIDATES_MAX; i++) {
            const char *s = cc->scope->stream_name(cc->scope->ctx, i);
            if (s == NULL)
                break;
            candidates[n++] = s;
        }
    return names_hint(cc, name, candidates, n);
}

const char *names_key(struct arena *a, const char *name)
{
    char *key = arena_str(a, name);
    for (char *p = key; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return key;
}

struct cc_known *names_known(const struct cc *cc, const char *name)
{
    struct cc_known *map = cc->known;
    return MAP_GET_STR(map, names_key(cc->scratch, name));
}

void names_unknown_source(struct cc *cc, const struct ast_name *n)
{
    diag_error(cc->d, "unknown-stream", n->at, source_hint(cc, n->text), "no stream %s", n->text);
}

static size_t of_scope(const struct cc *cc, const char *(*name)(void *ctx, unsigned i),
                       const char **out, size_t n)
{
    const char *found = NULL;
    for (unsigned i = 0; name != NULL && n < CANDIDATES_MAX; i++) {
        if ((found = name(cc->scope->ctx, i)) == NULL)
            break;
        out[n++] = found;
    }
    return n;
}

/* The nearest of the script's lists and the scope's; of tables, too. */
static const char *list_hint(struct cc *cc, const char *name, bool tables)
{
    const char **candidates = arena_alloc(cc->scratch, CANDIDATES_MAX * sizeof *candidates);
    size_t n = 0;
    struct cc_known *k = NULL, *next = NULL;
    MAP_EACH(cc->known, k, next) {
        if ((k->list != NULL || (tables && k->table != NULL)) && n < CANDIDATES_MAX)
            candidates[n++] = k->name;
    }
    if (cc->scope != NULL)
        n = of_scope(cc, cc->scope->list_name, candidates, n);
    if (cc->scope != NULL && tables)
        n = of_scope(cc, cc->scope->table_name, candidates, n);
    return names_hint(cc, name, candidates, n);
}

/* Kept for the statement. `l` with a reference of its own. */
static struct list *keep_list(struct cc *cc, struct list *l)
{
    struct cc_lists *all = cc->lists;
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i] == l) {
            list_unref(l);
            return l;
        }
    all->v = mem_grow(all->v, all->n, 1, &all->cap, sizeof(struct list *));
    all->v[all->n++] = l;
    return l;
}

static const struct table *find_table(struct cc *cc, const struct ast_name *n)
{
    const struct cc_known *k = names_known(cc, n->text);
    if (k != NULL)
        return names_same(n, k->name) ? k->table : NULL;
    return cc->scope != NULL && cc->scope->table != NULL ? cc->scope->table(cc->scope->ctx, n->text)
                                                         : NULL;
}

/* NULL: none of that name; *said: its own statement has said what is wrong. */
static struct list *find_list(struct cc *cc, const struct ast_name *n, bool *said)
{
    struct list *l = NULL;
    struct cc_known *k = names_known(cc, n->text);
    *said = false;
    if (k != NULL && k->list != NULL && names_same(n, k->name))
        return keep_list(cc, list_ref(k->list));
    *said = k != NULL && k->wrong;
    if (k == NULL && cc->scope != NULL && cc->scope->list != NULL)
        l = cc->scope->list(cc->scope->ctx, n->text);
    return l != NULL ? keep_list(cc, l) : NULL;
}

struct list *names_list(struct cc *cc, const struct ast_name *n)
{
    bool said;
    struct list *l = find_list(cc, n, &said);
    if (l == NULL && !said)
        diag_error(cc->d, "unknown-list", n->at, list_hint(cc, n->text, false), "no list %s",
                   n->text);
    return l;
}

struct list *names_list_or_table(struct cc *cc, const struct ast_name *n,
                                 const struct table **table)
{
    bool said;
    *table = find_table(cc, n);
    if (*table != NULL)
        return NULL;
    struct list *l = find_list(cc, n, &said);
    if (l == NULL && !said)
        diag_error(cc->d, "unknown-list", n->at, list_hint(cc, n->text, true),
                   "no list or table %s", n->text);
    return l;
}

/* --- columns ---------------------------------------------------------------------------------- */

static struct names_column *add_column(struct cc *cc, struct names_relation *r, unsigned column,
                                       const char *name, const char *alias)
{
    const struct schema *s = r->schema;
    const char *own = s->of != NULL ? s->of : s->name;
    struct expr *e =
        types_node(cc, EXPR_COLUMN, s->columns[column].type, (struct span){0}, 0, NULL);
    e->index = column;
    r->columns[r->n] = (struct names_column){name, alias != NULL ? alias : own, e, false};
    return &r->columns[r->n++];
}

struct names_relation *names_of_schema(struct cc *cc, const struct schema *s, const char *alias)
{
    struct cc temporary = *cc; /* what a plan takes of these nodes it copies */
    temporary.arena = cc->scratch;
    struct names_relation *r = arena_zero(cc->scratch, sizeof *r);
    r->schema = s;
    r->what = arena_printf(cc->scratch, "%s %s", s->derived == DERIVED_RESULTS ? "rule" : "stream",
                           s->name);
    r->columns = arena_alloc(cc->scratch, (s->ncolumns + 1) * sizeof *r->columns);
    for (unsigned i = 0; i < s->ncolumns; i++)
        add_column(&temporary, r, i, s->columns[i].name, alias)->hidden = s->columns[i].hidden;
    if (s->derived != DERIVED_NOT && schema_column(s, DERIVED_ROWTIME, strlen(DERIVED_ROWTIME)) < 0)
        add_column(&temporary, r, (unsigned)s->time_column, DERIVED_ROWTIME, alias)->hidden = true;
    return r;
}

bool names_has_qualifier(const struct names_relation *r, const struct ast_name *q)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->columns[i].qualifier != NULL && names_same(q, r->columns[i].qualifier))
            return true;
    return false;
}

const struct names_column *names_find(const struct names_relation *r,
                                      const struct ast_name *qualifier, const struct ast_name *name,
                                      bool *ambiguous)
{
    const struct names_column *found = NULL;
    *ambiguous = false;
    for (unsigned i = 0; i < r->n; i++) {
        const struct names_column *c = &r->columns[i];
        if (qualifier->text != NULL &&
            (c->qualifier == NULL || !names_same(qualifier, c->qualifier)))
            continue;
        if (!names_same(name, c->name))
            continue;
        if (found != NULL)
            *ambiguous = true;
        found = c;
    }
    return found;
}

static const char *column_hint(struct cc *cc, const struct names_relation *r, const char *name)
{
    const char **candidates = arena_alloc(cc->scratch, (r->n + 1) * sizeof *candidates);
    for (unsigned i = 0; i < r->n; i++)
        candidates[i] = r->columns[i].name;
    return names_hint(cc, name, candidates, r->n);
}

static const char *qualifier_hint(struct cc *cc, const struct names_relation *r, const char *name)
{
    const char **candidates = arena_alloc(cc->scratch, (r->n + 1) * sizeof *candidates);
    size_t n = 0;
    for (unsigned i = 0; i < r->n; i++)
        if (r->columns[i].qualifier != NULL)
            candidates[n++] = r->columns[i].qualifier;
    return names_hint(cc, name, candidates, n);
}

const struct names_column *names_column(struct cc *cc, const struct names_relation *r,
                                        const struct ast_expr *e)
{
    bool ambiguous;
    const struct names_column *c = names_find(r, &e->qualifier, &e->name, &ambiguous);
    if (ambiguous) {
        diag_error(cc->d, "ambiguous", e->at, "put the name of its stream and a point before it",
                   "column %s is in more than one stream", e->name.text);
        return NULL;
    }
    if (c != NULL)
        return c;
    if (e->qualifier.text != NULL && !names_has_qualifier(r, &e->qualifier))
        diag_error(cc->d, "unknown-name", e->qualifier.at, qualifier_hint(cc, r, e->qualifier.text),
                   "no stream or alias %s here", e->qualifier.text);
    else
        diag_error(cc->d, "unknown-column", r->whole ? e->at : e->name.at,
                   column_hint(cc, r, e->name.text), "no column %s in %s", e->name.text, r->what);
    return NULL;
}

/* --- pattern variables ------------------------------------------------------------------------ */

const char *names_variable(struct cc *cc, const struct ast_name *n)
{
    char *name = arena_str(cc->arena, n->text);
    if (!n->quoted)
        for (char *p = name; *p != '\0'; p++)
            *p = (char)toupper((unsigned char)*p);
    return name;
}

int names_find_var(const struct names_vars *v, const char *name)
{
    for (unsigned i = 0; i < v->n; i++)
        if (strcmp(v->vars[i], name) == 0)
            return (int)i;
    return -1;
}

int names_find_subset(const struct names_vars *v, const char *name)
{
    for (unsigned i = 0; i < v->nsubsets; i++)
        if (strcmp(v->subsets[i].name, name) == 0)
            return (int)i;
    return -1;
}

void names_unknown_var(struct cc *cc, const struct names_vars *v, const struct ast_name *n,
                       bool with_subsets)
{
    const char *candidates[2 * PLAN_VARS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < v->n; i++)
        candidates[count++] = v->vars[i];
    for (unsigned i = 0; with_subsets && i < v->nsubsets; i++)
        candidates[count++] = v->subsets[i].name;
    diag_error(cc->d, "unknown-variable", n->at, names_hint(cc, n->text, candidates, count),
               "no variable %s in the pattern", n->text);
}

uint64_t names_var_bits(struct cc *cc, const struct names_vars *v, const struct ast_name *n)
{
    const char *name = names_variable(cc, n);
    int i = names_find_var(v, name);
    if (i >= 0)
        return UINT64_C(1) << i;
    i = names_find_subset(v, name);
    if (i >= 0)
        return v->subsets[i].vars;
    names_unknown_var(cc, v, n, true);
    return 0;
}
