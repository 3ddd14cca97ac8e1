/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/matchrule.h"
#include "rules/bind.h"
#include "rules/explainrule.h"
#include "rules/logic.h"
#include "rules/patterntree.h"
#include "rules/simplify.h"
#include <string.h>
#include <strings.h>

struct matching {
    struct cc *cc;
    const struct ast_match *m;
    const struct names_relation *rel; /* of the input */
    struct rule_plan *p;
    struct names_vars vars;
    bool bounded;
    struct names_relation out; /* what SELECT can name */
};

/* --- clauses ---------------------------------------------------------------------------------- */

static void plan_within(struct matching *g)
{
    const struct ast_match *m = g->m;
    struct match_plan *mp = &g->p->match;
    int64_t ms;
    mp->within_ms = -1;
    if (m->within == NULL || !bind_interval(g->cc, m->within, &ms))
        return;
    if (ms > 0)
        mp->within_ms = ms;
    else
        diag_error(g->cc->d, "pattern", m->within->at, NULL,
                   "WITHIN needs an interval longer than nothing");
    mp->within_each_step = m->each_step;
}

/* ORDER BY begins with the time, ascending; more columns order equal times. */
static void plan_order(struct matching *g)
{
    struct cc *cc = g->cc;
    const struct schema *s = g->rel->schema;
    const char *time = s->columns[s->time_column].name;
    if (g->m->order == NULL) {
        diag_error(cc->d, "order", g->m->at, NULL,
                   "ORDER BY %s is missing: a pattern needs an order", time);
        return;
    }
    unsigned n = 0;
    for (const struct ast_expr *e = g->m->order; e != NULL; e = e->next)
        n++;
    uint16_t *columns = arena_alloc(cc->arena, (n + 1) * sizeof *columns);
    for (const struct ast_expr *e = g->m->order; e != NULL; e = e->next) {
        bool first = e == g->m->order;
        if (e->kind != AST_NAME) {
            diag_error(cc->d, "order", e->at, NULL,
                       "ORDER BY takes columns, first %s, and %s is none", time,
                       types_quote(cc, e->at));
            continue;
        }
        const struct names_column *c = names_column(cc, g->rel, e);
        if (c == NULL || c->e == NULL)
            continue;
        bool column = c->e->kind == EXPR_COLUMN;
        if (first && (!column || c->e->index != (unsigned)s->time_column || e->descending)) {
            diag_error(cc->d, "order", e->at, NULL,
                       "ORDER BY begins with the time, %s, ascending%s%s", time,
                       e->descending ? "" : ", not with ", e->descending ? "" : e->name.text);
        } else if (!column) {
            diag_error(cc->d, "unsupported", e->at, "make it a computed column of the stream",
                       "ORDER BY a computed value: this release takes columns of the stream");
        } else if (!first) {
            if (g->p->match.norder == 64) {
                diag_error(cc->d, "limit", e->at, NULL, "at most 64 columns can order equal times");
                break;
            }
            if (e->descending)
                g->p->match.order_desc |= UINT64_C(1) << g->p->match.norder;
            columns[g->p->match.norder++] = (uint16_t)c->e->index;
        }
    }
    g->p->match.order_columns = columns;
}

static bool is_taken(const struct matching *g, const char *name)
{
    return names_find_var(&g->vars, name) >= 0 || names_find_subset(&g->vars, name) >= 0;
}

static void plan_subsets(struct matching *g)
{
    struct cc *cc = g->cc;
    for (const struct ast_subset *s = g->m->subsets; s != NULL; s = s->next) {
        const char *name = names_variable(cc, &s->name);
        uint64_t bits = 0;
        if (is_taken(g, name)) {
            diag_error(cc->d, "pattern", s->name.at, NULL, "%s is a variable or subset already",
                       s->name.text);
            continue;
        }
        if (g->vars.nsubsets == PLAN_VARS_MAX) {
            diag_error(cc->d, "limit", s->name.at, NULL, "a pattern has at most %d subsets",
                       PLAN_VARS_MAX);
            return;
        }
        for (const struct ast_name *n = s->members; n != NULL; n = n->next) {
            int i = names_find_var(&g->vars, names_variable(cc, n));
            if (i < 0)
                names_unknown_var(cc, &g->vars, n, false);
            else
                bits |= UINT64_C(1) << i;
        }
        g->vars.subsets[g->vars.nsubsets++] = (struct subset){name, bits};
    }
}

static void plan_skip(struct matching *g)
{
    static const enum skip_kind kinds[] = {
        [AST_SKIP_DEFAULT] = SKIP_PAST_LAST, [AST_SKIP_NONE] = SKIP_NONE,
        [AST_SKIP_NEXT] = SKIP_TO_NEXT,      [AST_SKIP_PAST] = SKIP_PAST_LAST,
        [AST_SKIP_FIRST] = SKIP_TO_FIRST,    [AST_SKIP_LAST] = SKIP_TO_LAST,
    };
    static const enum rows_kind rows[] = {
        [AST_ROWS_DEFAULT] = ROWS_ONE,         [AST_ROWS_ONE] = ROWS_ONE,
        [AST_ROWS_ALL] = ROWS_ALL_SHOW_EMPTY,  [AST_ROWS_SHOW] = ROWS_ALL_SHOW_EMPTY,
        [AST_ROWS_OMIT] = ROWS_ALL_OMIT_EMPTY, [AST_ROWS_UNMATCHED] = ROWS_ALL_UNMATCHED,
    };
    const struct ast_skip_to *to = &g->m->skip;
    struct match_plan *mp = &g->p->match;
    mp->skip = kinds[to->kind];
    mp->rows = rows[g->m->rows];
    mp->bounded = g->bounded;
    if (to->name.text == NULL)
        return;
    mp->skip_vars = names_var_bits(g->cc, &g->vars, &to->name);
    if (mp->skip_vars != 0 && mp->pattern != NULL)
        patterntree_check_skip(g->cc, mp->pattern, to, mp->skip_vars);
}

static struct bind binder(struct matching *g, enum bind_place place, const char *clause)
{
    return (struct bind){.cc = g->cc,
                         .place = place,
                         .rel = g->rel,
                         .clause = clause,
                         .vars = &g->vars,
                         .bounded = g->bounded};
}

static void plan_defines(struct matching *g)
{
    struct cc *cc = g->cc;
    struct match_var *vars = arena_zero(cc->arena, (g->vars.n + 1) * sizeof *vars);
    uint64_t seen = 0;
    for (unsigned i = 0; i < g->vars.n; i++)
        vars[i].name = g->vars.vars[i];
    for (const struct ast_define *d = g->m->defines; d != NULL; d = d->next) {
        int i = names_find_var(&g->vars, names_variable(cc, &d->name));
        if (i < 0) {
            names_unknown_var(cc, &g->vars, &d->name, false);
            continue;
        }
        if (seen >> i & 1) {
            diag_error(cc->d, "pattern", d->name.at, NULL, "%s is defined twice", d->name.text);
            continue;
        }
        seen |= UINT64_C(1) << i;
        struct bind b = binder(g, BIND_DEFINE, "DEFINE");
        b.self = (unsigned)i;
        const struct expr *e = bind_condition(&b, d->e, "DEFINE");
        if (e != NULL)
            simplify_split(cc, e, &vars[i].row, &vars[i].path);
    }
    const char **names = arena_alloc(cc->arena, (g->vars.n + 1) * sizeof *names);
    struct subset *subsets = arena_alloc(cc->arena, (g->vars.nsubsets + 1) * sizeof *subsets);
    memcpy(names, g->vars.vars, g->vars.n * sizeof *names);
    memcpy(subsets, g->vars.subsets, g->vars.nsubsets * sizeof *subsets);
    g->p->match.vars = vars;
    g->p->match.nvars = g->vars.n;
    g->p->match.var_names = names;
    g->p->match.subsets = subsets;
    g->p->match.nsubsets = g->vars.nsubsets;
}

/* --- what comes out --------------------------------------------------------------------------- */

static void add_out(struct matching *g, const char *name, const struct expr *e, struct span at)
{
    for (unsigned i = 0; i < g->out.n; i++)
        if (strcasecmp(g->out.columns[i].name, name) == 0) {
            diag_error(g->cc->d, "output", at, "give the measure another name",
                       "MATCH_RECOGNIZE gives two columns %s", name);
            return;
        }
    g->out.columns[g->out.n++] =
        (struct names_column){name, g->out.what[0] != '\0' ? g->out.what : NULL, e, false};
}

/* A column of the row that is given out: not of the match, which may be empty. */
static void add_columns(struct matching *g, const struct ast_expr *list)
{
    for (const struct ast_expr *e = list; e != NULL; e = e->next) {
        if (e->kind != AST_NAME)
            continue; /* refused already */
        bool ambiguous;
        const struct names_column *c = names_find(g->rel, &e->qualifier, &e->name, &ambiguous);
        bool there = false;
        for (unsigned i = 0; c != NULL && i < g->out.n; i++)
            there = there || strcasecmp(g->out.columns[i].name, c->name) == 0;
        if (c != NULL && !there)
            add_out(g, c->name, c->e, e->at);
    }
}

/* A row that no match takes has no measures: their number is NULL too. */
static const struct expr *of_a_match(struct matching *g, const struct expr *e)
{
    struct cc *cc = g->cc;
    if (e == NULL || g->p->match.rows != ROWS_ALL_UNMATCHED)
        return e;
    const struct expr *number =
        types_node(cc, EXPR_MATCH_NUMBER, types_of(TYPE_BIGINT), e->at, 0, NULL);
    const struct expr *args[2] = {logic_not(cc, logic_is(cc, EXPR_IS_NULL, number, e->at), e->at),
                                  e};
    return logic_case(cc, 2, args, e->at);
}

static void add_measures(struct matching *g)
{
    for (const struct ast_item *i = g->m->measures; i != NULL; i = i->next) {
        struct bind b = binder(g, BIND_MEASURE, "MEASURES");
        const struct expr *e = of_a_match(g, bind_expr(&b, i->e));
        add_out(g, arena_str(g->cc->arena, i->alias.text), e, i->alias.at);
    }
}

/* Where a measure of that name is, which is what can be renamed. */
static struct span measure_at(const struct matching *g, const char *name)
{
    for (const struct ast_item *i = g->m->measures; i != NULL; i = i->next)
        if (strcasecmp(i->alias.text, name) == 0)
            return i->alias.at;
    return g->m->at;
}

/* ONE ROW: partition columns, measures. ALL ROWS: partition columns, order columns, measures, the rest. */
static void plan_columns(struct matching *g, const char *alias)
{
    bool all = g->p->match.rows != ROWS_ONE;
    unsigned room = 2 * g->rel->n + 1;
    for (const struct ast_item *i = g->m->measures; i != NULL; i = i->next)
        room++;
    for (const struct ast_expr *e = g->m->partition; e != NULL; e = e->next)
        room++;
    for (const struct ast_expr *e = g->m->order; e != NULL; e = e->next)
        room++;
    g->out.schema = g->rel->schema;
    g->out.what = alias;
    g->out.columns = arena_alloc(g->cc->scratch, room * sizeof *g->out.columns);
    add_columns(g, g->m->partition);
    if (all)
        add_columns(g, g->m->order);
    unsigned before = g->out.n;
    add_measures(g);
    for (unsigned i = 0; all && i < g->rel->n; i++) {
        bool there = false;
        for (unsigned k = 0; k < before && !g->rel->columns[i].hidden; k++)
            there = there || strcasecmp(g->out.columns[k].name, g->rel->columns[i].name) == 0;
        if (!there && !g->rel->columns[i].hidden)
            add_out(g, g->rel->columns[i].name, g->rel->columns[i].e,
                    measure_at(g, g->rel->columns[i].name));
    }
    g->out.what = "what MATCH_RECOGNIZE gives";
    g->out.whole = true;
}

/* What a kept row needs: all but what WHERE and the row conditions have read when it came. */
static void collect_keeps(struct rule_plan *p)
{
    struct match_plan *m = &p->match;
    for (unsigned i = 0; i < p->noutputs; i++)
        expr_columns(p->outputs[i].e, &p->keeps);
    for (unsigned i = 0; i < m->nvars; i++)
        if (m->vars[i].path != NULL)
            expr_columns(m->vars[i].path, &p->keeps);
    if (m->having != NULL)
        expr_columns(m->having, &p->keeps);
    for (unsigned i = 0; i < m->norder; i++)
        colset_add(&p->keeps, m->order_columns[i]);
    plan_key_reads(&p->key, &p->keeps);
}

static void plan_select(struct matching *g, const struct ast_select *s)
{
    struct planner_outputs o = {0};
    planner_select(g->cc, &g->out, s->items, &o);
    g->p->outputs = o.v;
    g->p->noutputs = o.n;
    if (s->where != NULL) {
        struct bind b = {.cc = g->cc, .rel = &g->out, .clause = "WHERE"};
        g->p->match.having = bind_condition(&b, s->where, "WHERE");
    }
    if (s->group != NULL || s->having != NULL)
        diag_error(g->cc->d, "grouping", s->group != NULL ? s->group->at : s->having->at, NULL,
                   "%s cannot follow MATCH_RECOGNIZE: aggregate in MEASURES",
                   s->group != NULL ? "GROUP BY" : "HAVING");
}

/* A state without a bound is told at the element that makes it so. */
static void warn_endless(struct matching *g)
{
    const struct pattern *culprit;
    const char *hint, *said;
    if (g->p->match.pattern == NULL)
        return;
    said = explainrule_endless(&g->p->match, g->cc->scratch, &culprit, &hint);
    if (said != NULL)
        diag_warn(g->cc->d, "endless", culprit != NULL ? culprit->at : g->m->pattern_at, hint, "%s",
                  said);
}

void matchrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p, bool bounded)
{
    const struct ast_from *f = s->from;
    struct matching g = {.cc = cc, .m = f->match, .p = p, .bounded = bounded};
    g.rel = planner_relation(cc, f);
    if (g.rel == NULL)
        return;
    p->shape = RULE_MATCH;
    p->input = g.rel->schema;
    p->where = g.rel->where;
    planner_key(cc, g.rel, g.m->partition, "PARTITION BY", &p->key);
    plan_order(&g);
    plan_within(&g);
    p->match.pattern = patterntree_build(cc, g.m, p->match.within_ms, bounded, &g.vars);
    if (p->match.pattern == NULL)
        return; /* without the variables all else would be unknown too */
    plan_subsets(&g);
    plan_skip(&g);
    plan_defines(&g);
    plan_columns(&g, f->match_alias.text != NULL ? f->match_alias.text : "");
    plan_select(&g, s);
    collect_keeps(p);
    warn_endless(&g);
}
