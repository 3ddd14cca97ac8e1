/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/planner.h"
#include "rules/bind.h"
#include "rules/joinrule.h"
#include "rules/lookup.h"
#include "rules/matchrule.h"
#include "rules/options.h"
#include "rules/overrule.h"
#include "rules/simplify.h"
#include "rules/sinkdef.h"
#include "rules/sources.h"
#include "rules/windowrule.h"
#include <string.h>
#include <strings.h>

enum { PLAN_BLOCK = 2048 }; /* most plans take two such blocks */

/* --- what can be read ------------------------------------------------------------------------- */

/* over: NULL where OVER cannot stand. */
static const struct expr *bind_item(struct cc *cc, const struct names_relation *rel,
                                    const struct ast_expr *e, struct bind_over *over)
{
    struct bind b = {.cc = cc, .rel = rel, .clause = "SELECT", .over = over};
    return bind_expr(&b, e);
}

static const struct expr *bind_where(struct cc *cc, const struct names_relation *rel,
                                     const struct ast_expr *e)
{
    struct bind b = {.cc = cc, .rel = rel, .clause = "WHERE"};
    return bind_condition(&b, e, "WHERE");
}

const char *planner_item_name(struct cc *cc, const struct ast_item *i, unsigned n)
{
    if (i->alias.text != NULL)
        return arena_str(cc->arena, i->alias.text);
    if (i->e->kind == AST_NAME)
        return arena_str(cc->arena, i->e->name.text);
    return arena_printf(cc->arena, "EXPR$%u", n);
}

/* (SELECT …) inside FROM may filter, rename and compute, nothing else. */
static bool is_plain(struct cc *cc, const struct ast_select *q)
{
    const char *what = lookup_rest(q->from)     ? "a join"
                       : q->from->match != NULL ? "MATCH_RECOGNIZE"
                       : q->from->function.text ? "a windowing function"
                       : q->group != NULL       ? "GROUP BY"
                       : q->having != NULL      ? "HAVING"
                                                : NULL;
    if (what == NULL)
        return true;
    diag_error(cc->d, "unsupported", q->at, "only SELECT ... FROM stream WHERE ... can stand here",
               "%s inside (SELECT ...): this release does not do that yet", what);
    return false;
}

static struct names_relation *relation(struct cc *cc, const struct ast_from *f);

/* Is the column one of * or q.*? */
static bool is_of(const struct names_column *c, const struct ast_expr *star)
{
    return star->qualifier.text == NULL ||
           (c->qualifier != NULL && names_same(&star->qualifier, c->qualifier));
}

/* The calls with OVER that a SELECT from `in` may have or use. */
static struct bind_over *over_of(struct cc *cc, const struct names_relation *in)
{
    struct bind_over *o = in->over;
    if (o == NULL) {
        o = arena_zero(cc->scratch, sizeof *o);
        o->rel = in;
    } else {
        o->done = true;
    }
    return o;
}

/* WHERE is about rows, or about results if there is OVER below; QUALIFY about results. */
static void bind_choice(struct cc *cc, const struct ast_select *q, const struct names_relation *in,
                        const struct planner_outputs *o, struct bind_over *over,
                        struct names_relation *out)
{
    out->where = in->where;
    out->having = in->having;
    if (q->where != NULL) {
        const struct expr **to = in->over != NULL ? &out->having : &out->where;
        *to = simplify_both(cc, *to, bind_where(cc, in, q->where));
    }
    if (q->qualify != NULL) {
        int errors = cc->d->errors;
        struct bind b = {.cc = cc,
                         .rel = overrule_aliases(cc, in, o),
                         .clause = "QUALIFY",
                         .over = over};
        const struct expr *e = bind_condition(&b, q->qualify, "QUALIFY");
        out->having = simplify_both(cc, out->having, e);
        if (over->ncalls == 0 && cc->d->errors == errors)
            diag_error(cc->d, "over", q->qualify->at, "use WHERE",
                       "QUALIFY is about calls with OVER, and there is none");
    }
    out->over = over->ncalls > 0 ? over : NULL;
}

static struct names_relation *select_of(struct cc *cc, const struct ast_select *q,
                                        struct names_relation *in, const char *alias)
{
    struct bind_over *over = over_of(cc, in);
    struct names_relation *out = arena_zero(cc->scratch, sizeof *out);
    struct planner_outputs o = {0};
    *out = *in;
    out->columns = NULL;
    out->n = 0;
    unsigned room = 0;
    for (const struct ast_item *i = q->items; i != NULL; i = i->next)
        room += i->e->kind == AST_STAR ? in->n : 1;
    out->columns = arena_alloc(cc->scratch, (room + 1) * sizeof *out->columns);
    o.v = arena_zero(cc->scratch, (room + 1) * sizeof *o.v);
    for (const struct ast_item *i = q->items; i != NULL; i = i->next) {
        if (i->e->kind == AST_STAR) {
            for (unsigned c = 0; c < in->n; c++)
                if (is_of(&in->columns[c], i->e))
                    out->columns[out->n++] =
                        (struct names_column){in->columns[c].name, alias, in->columns[c].e,
                                              in->columns[c].hidden};
            continue;
        }
        const char *name = planner_item_name(cc, i, out->n);
        const struct expr *e = bind_item(cc, in, i->e, over);
        out->columns[out->n++] = (struct names_column){name, alias, e, false};
        if (e != NULL)
            o.v[o.n++] = (struct plan_output){.name = name, .e = e};
    }
    bind_choice(cc, q, in, &o, over, out);
    out->what = "the SELECT in FROM";
    return out;
}

static struct names_relation *relation_of_query(struct cc *cc, const struct ast_select *q,
                                                const char *alias)
{
    if (!is_plain(cc, q))
        return NULL;
    struct names_relation *in = relation(cc, q->from);
    return in != NULL ? select_of(cc, q, in, alias) : NULL;
}

static struct names_relation *relation(struct cc *cc, const struct ast_from *f)
{
    const char *alias = f->alias.text != NULL ? arena_str(cc->arena, f->alias.text) : NULL;
    struct names_relation *rel = NULL;
    if (f->query != NULL) {
        rel = relation_of_query(cc, f->query, alias);
    } else {
        const struct schema *s = sources_find(cc, f);
        rel = s != NULL ? names_of_schema(cc, s, alias) : NULL;
    }
    for (f = f->next; f != NULL && f->as_of != NULL && rel != NULL; f = f->next)
        rel = lookup_add(cc, rel, f);
    return rel;
}

struct names_relation *planner_relation(struct cc *cc, const struct ast_from *f)
{
    struct names_relation *rel = relation(cc, f);
    if (rel == NULL || rel->over == NULL)
        return rel;
    diag_error(cc->d, "unsupported", f->query->at, "only SELECT ... WHERE ... can be around it",
               "OVER below a pattern or a window: this release does not do that yet");
    return NULL;
}

struct names_relation *planner_windowed(struct cc *cc, const struct ast_from *f,
                                        struct window_plan *w, bool *windowed)
{
    const struct ast_select *q = f->query;
    struct names_relation *in = NULL;
    *windowed = true;
    bool plain = f->function.text == NULL && (q == NULL || q->from->function.text == NULL);
    if (plain) {
        *windowed = false;
        return planner_relation(cc, f);
    }
    if (f->next != NULL && f->next->as_of != NULL) {
        diag_error(cc->d, "unsupported", f->next->join_at,
                   "look it up in TABLE(TUMBLE((SELECT ...), ...))",
                   "a look-up of rows with their windows: this release does not do that");
        return NULL;
    }
    if (f->function.text != NULL)
        return windowrule_rows(cc, f, w);
    if (q->qualify != NULL)
        diag_error(cc->d, "over", q->qualify_at, "use WHERE",
                   "OVER below a join: this release does not do that yet");
    else if (q->group != NULL || q->having != NULL || q->from->next != NULL)
        diag_error(cc->d, "unsupported", q->at, "make it a rule of its own, and join with that",
                   "rows of windows are joined, not their sums");
    else if ((in = windowrule_rows(cc, q->from, w)) != NULL)
        return select_of(cc, q, in,
                         f->alias.text != NULL ? arena_str(cc->arena, f->alias.text) : NULL);
    return NULL;
}

/* --- what comes out --------------------------------------------------------------------------- */

void planner_output(struct cc *cc, struct planner_outputs *o, const char *name, struct span at,
                    const struct expr *e)
{
    if (o->n == o->cap) {
        o->cap = o->cap > 0 ? 2 * o->cap : 8;
        struct plan_output *more = arena_alloc(cc->arena, o->cap * sizeof *more);
        if (o->n > 0)
            memcpy(more, o->v, o->n * sizeof *more);
        o->v = more;
    }
    for (unsigned i = 0; i < o->n; i++)
        if (strcasecmp(o->v[i].name, name) == 0) {
            diag_error(cc->d, "output", at, "give one of them another name with AS",
                       "the result has two columns %s", name);
            return;
        }
    if (o->n == PLAN_OUTPUTS_MAX) {
        diag_error(cc->d, "limit", at, NULL, "a result has at most %d columns", PLAN_OUTPUTS_MAX);
        return;
    }
    if (e == NULL)
        return;
    if (e->type.kind == TYPE_NULL)
        e = types_null(cc, types_of(TYPE_STRING), e->at);
    o->v[o->n++] = (struct plan_output){name, e->type, e};
}

static bool check_star(struct cc *cc, const struct names_relation *rel, const struct ast_expr *star)
{
    if (star->qualifier.text == NULL || names_has_qualifier(rel, &star->qualifier))
        return true;
    diag_error(cc->d, "unknown-name", star->qualifier.at, NULL, "no stream or alias %s here",
               star->qualifier.text);
    return false;
}

/* A relation's columns are gone with the statement. */
static const struct expr *copy(struct cc *cc, const struct expr *e)
{
    if (e == NULL)
        return NULL;
    struct expr *c = arena_alloc(cc->arena, sizeof *c);
    *c = *e;
    return c;
}

static void select_items(struct cc *cc, const struct names_relation *rel,
                         const struct ast_item *items, struct planner_outputs *o,
                         struct bind_over *over)
{
    unsigned n = 0;
    for (const struct ast_item *i = items; i != NULL; i = i->next, n++) {
        if (i->e->kind != AST_STAR) {
            const struct expr *e = bind_item(cc, rel, i->e, over);
            struct span at = i->alias.text != NULL ? i->alias.at : i->e->at;
            planner_output(cc, o, planner_item_name(cc, i, n), at, e);
            continue;
        }
        if (!check_star(cc, rel, i->e))
            continue;
        for (unsigned c = 0; c < rel->n; c++)
            if (is_of(&rel->columns[c], i->e) && !rel->columns[c].hidden)
                planner_output(cc, o, rel->columns[c].name, i->e->at, copy(cc, rel->columns[c].e));
    }
}

void planner_select(struct cc *cc, const struct names_relation *rel, const struct ast_item *items,
                    struct planner_outputs *o)
{
    select_items(cc, rel, items, o, NULL);
}

/* --- keys ------------------------------------------------------------------------------------- */

bool planner_is_window_column(const struct names_relation *rel, const struct ast_expr *e)
{
    bool ambiguous;
    return e->kind == AST_NAME && names_find(rel, &e->qualifier, &e->name, &ambiguous) == NULL &&
           (names_same(&e->name, "window_start") || names_same(&e->name, "window_end") ||
            names_same(&e->name, "window_time"));
}

static bool has_room(struct cc *cc, const struct plan_key *key, struct span at)
{
    if (key->n < PLAN_KEYS_MAX)
        return true;
    diag_error(cc->d, "limit", at, NULL, "a key has at most %d columns", PLAN_KEYS_MAX);
    return false;
}

static bool add_column(struct cc *cc, struct plan_key *key, unsigned column, struct span at)
{
    unsigned i = 0, n = plan_key_ncolumns(key);
    while (i < n && key->columns[i] < column)
        i++;
    if (i < n && key->columns[i] == column)
        return true;
    if (!has_room(cc, key, at))
        return false;
    memmove(&key->columns[i + 1], &key->columns[i], (n - i) * sizeof *key->columns);
    key->columns[i] = (uint16_t)column;
    key->n++;
    return true;
}

/* Behind the others, in the order written. */
static bool add_value(struct cc *cc, struct plan_key *key, const char *name, const struct expr *e)
{
    unsigned n = key->nvalues;
    if (e->type.kind == TYPE_NULL)
        e = types_null(cc, types_of(TYPE_STRING), e->at);
    for (unsigned i = 0; i < n; i++)
        if (expr_same(key->values[i].e, e))
            return true;
    if (!has_room(cc, key, e->at))
        return false;
    struct plan_key_value *values = arena_alloc(cc->arena, (n + 1) * sizeof *values);
    if (n > 0)
        memcpy(values, key->values, n * sizeof *values);
    values[n] = (struct plan_key_value){name, e};
    key->values = values;
    key->nvalues++;
    key->n++;
    return true;
}

bool planner_key_part(struct cc *cc, const struct names_relation *rel, const struct ast_expr *e,
                      const char *clause, struct plan_key *key)
{
    struct bind b = {.cc = cc, .rel = rel, .clause = clause};
    const struct expr *x = bind_expr(&b, e);
    if (x == NULL)
        return false;
    if (x->kind == EXPR_COLUMN)
        return add_column(cc, key, x->index, e->at);
    const char *name = e->kind == AST_NAME ? arena_str(cc->arena, names_column(cc, rel, e)->name)
                                           : types_quote(cc, e->at);
    return add_value(cc, key, name, x);
}

bool planner_key(struct cc *cc, const struct names_relation *rel, const struct ast_expr *list,
                 const char *clause, struct plan_key *key)
{
    bool good = true;
    for (const struct ast_expr *e = list; e != NULL; e = e->next)
        good = planner_key_part(cc, rel, e, clause, key) && good;
    return good;
}

const struct expr *planner_try_row(struct cc *cc, const struct names_relation *rel,
                                   const struct ast_expr *e)
{
    struct cc quiet = *cc;
    struct diag nothing;
    diag_init(&nothing, NULL, 0);
    quiet.d = &nothing;
    struct bind b = {.cc = &quiet, .rel = rel, .clause = "GROUP BY"};
    const struct expr *x = bind_expr(&b, e);
    diag_fini(&nothing);
    return x;
}

/* --- rules ------------------------------------------------------------------------------------ */

/* A filter, or with OVER that shape. */
static void plan_rows(struct cc *cc, const struct ast_select *s, struct rule_plan *p)
{
    struct planner_outputs o = {0};
    struct names_relation out = {0};
    if (s->group != NULL || s->having != NULL)
        diag_error(cc->d, "grouping", s->group != NULL ? s->group->at : s->having->at,
                   "FROM TABLE(TUMBLE(TABLE ...)) makes windows", "%s needs a window",
                   s->group != NULL ? "GROUP BY" : "HAVING");
    struct names_relation *rel = relation(cc, s->from);
    if (rel == NULL)
        return;
    struct bind_over *over = over_of(cc, rel);
    p->shape = RULE_FILTER;
    p->input = rel->schema;
    select_items(cc, rel, s->items, &o, over);
    bind_choice(cc, s, rel, &o, over, &out);
    p->where = out.where;
    p->outputs = o.v;
    p->noutputs = o.n;
    if (out.over != NULL)
        overrule_plan(p, out.over, out.having);
}

void planner_computed(const struct schema *s, struct colset *reads)
{
    for (unsigned i = s->ncolumns; i-- > 0;) /* computed ones read columns before them */
        if (colset_has(reads, i) && s->columns[i].computed != NULL)
            expr_columns(s->columns[i].computed, reads);
}

/* Everything that the plan reads, with what computed columns are computed from. */
static void collect_reads(struct rule_plan *p)
{
    struct colset *r = &p->reads;
    if (p->where != NULL)
        expr_columns(p->where, r);
    plan_key_reads(&p->key, r);
    for (unsigned i = 0; i < p->noutputs; i++)
        expr_columns(p->outputs[i].e, r);
    if (p->shape == RULE_WINDOW)
        for (unsigned i = 0; i < p->window.naggs; i++) {
            if (p->window.aggs[i].arg != NULL)
                expr_columns(p->window.aggs[i].arg, r);
            if (p->window.aggs[i].filter != NULL)
                expr_columns(p->window.aggs[i].filter, r);
        }
    for (unsigned i = 0; p->shape == RULE_OVER && i < p->over.ncalls; i++)
        overrule_columns(&p->over.calls[i], r);
    if (p->shape == RULE_OVER && p->over.having != NULL)
        expr_columns(p->over.having, r);
    if (p->shape == RULE_WINDOW && p->window.gap != NULL)
        expr_columns(p->window.gap, r);
    if (p->shape == RULE_MATCH) {
        for (unsigned i = 0; i < p->match.nvars; i++)
            if (p->match.vars[i].row != NULL)
                expr_columns(p->match.vars[i].row, r);
        colset_union(r, &p->keeps);
    }
    planner_computed(p->input, r);
}

static bool is_bounded(const struct cc *cc, const struct ast_select *s)
{
    struct cc quiet = *cc;
    struct diag nothing;
    if (cc->bounded)
        return true;
    const struct ast_from *f = s->from;
    while (f->query != NULL)
        f = f->query->from;
    if (f->name.text == NULL)
        return false;
    diag_init(&nothing, NULL, 0);
    quiet.d = &nothing;
    const struct schema *input = sources_find(&quiet, f);
    diag_fini(&nothing);
    if (input == NULL)
        return false;
    input = sources_root(input);
    const char *follow = schema_option(input, "follow");
    bool ends = follow == NULL || strcmp(follow, "true") != 0;
    return strcmp(input->connector, "inline") == 0 ||
           (strcmp(input->connector, "file") == 0 && ends);
}

static void plan_select(struct cc *cc, const struct ast_select *s, struct rule_plan *p,
                        int64_t lateness_ms)
{
    if (lookup_rest(s->from) != NULL)
        joinrule_plan(cc, s, p);
    else if (s->from->next != NULL && (s->from->match != NULL || s->from->function.text != NULL))
        diag_error(cc->d, "unsupported", s->from->next->join_at,
                   "look it up in (SELECT ...) that the pattern or the window reads",
                   "a look-up of what a pattern or a window gives: this release does not do that");
    else if (s->from->match != NULL)
        matchrule_plan(cc, s, p, is_bounded(cc, s));
    else if (s->from->function.text != NULL)
        windowrule_plan(cc, s, p, lateness_ms);
    else
        plan_rows(cc, s, p);
    if (s->qualify != NULL && (s->from->match != NULL || s->from->function.text != NULL))
        diag_error(cc->d, "over", s->qualify->at,
                   s->from->match != NULL ? "use WHERE" : "use HAVING",
                   "QUALIFY is about calls with OVER");
}

struct rule_plan *planner_rule(const struct cc *base, const struct ast_statement *st,
                               const char *name, const char *sql, size_t sql_n)
{
    struct cc cc = *base;
    int errors = cc.d->errors;
    int64_t lateness = 0;
    struct cc_lookups lookups = {0};
    cc.arena = arena_new(PLAN_BLOCK, 0);
    cc.lookups = &lookups;
    struct rule_plan *p = arena_zero(cc.arena, sizeof *p);
    p->arena = cc.arena;
    p->refs = 1;
    p->name = cc.creating = arena_str(cc.arena, name);
    p->sql = arena_dup(cc.arena, sql, sql_n);
    bool window = st->select->from->function.text != NULL;
    options_rule(&cc, st->options, p, window, &lateness);
    plan_select(&cc, st->select, p, lateness);
    sinkdef_emits(&cc, st->emits, p);
    if (cc.d->errors != errors || p->input == NULL) { /* its stream was wrong, as has been said */
        arena_free(cc.arena);
        return NULL;
    }
    if (p->state_ttl_ms > 0 && p->shape == RULE_FILTER)
        diag_error(cc.d, "option", st->select->at, NULL,
                   "'state-ttl' has no meaning here: this rule keeps no state");
    const struct schema *roots[PLAN_ROOTS_MAX];
    if (plan_roots(p, roots) > PLAN_ROOTS_MAX)
        diag_error(cc.d, "limit", st->select->from->at, NULL,
                   "a rule is made from at most %d streams, those of the rules it reads among them",
                   PLAN_ROOTS_MAX);
    options_check_title(&cc, st->options, p);
    options_check_limits(&cc, st->options, p);
    collect_reads(p);
    lookup_finish(&cc, p);
    if (cc.d->errors != errors) {
        arena_free(cc.arena);
        return NULL;
    }
    return p;
}
