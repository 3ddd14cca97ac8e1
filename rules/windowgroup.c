/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/windowgroup.h"
#include "rules/bind.h"
#include <string.h>

bool windowgroup_has_bounds(const struct window_plan *w)
{
    return w->kind != WINDOW_COUNT_TUMBLE && w->kind != WINDOW_COUNT_HOP &&
           w->kind != WINDOW_GLOBAL;
}

static void plan_outputs(struct cc *cc, const struct ast_select *s, struct bind *b,
                         struct rule_plan *p)
{
    struct planner_outputs o = {0};
    unsigned n = 0;
    for (const struct ast_item *i = s->items; i != NULL; i = i->next, n++) {
        if (i->e->kind == AST_STAR) {
            diag_error(cc->d, "grouping", i->e->at,
                       "name the keys, window_start and the aggregates",
                       "* cannot stand in a SELECT with GROUP BY");
            continue;
        }
        const struct expr *e = bind_expr(b, i->e);
        struct span at = i->alias.text != NULL ? i->alias.at : i->e->at;
        planner_output(cc, &o, planner_item_name(cc, i, n), at, e);
    }
    p->outputs = o.v;
    p->noutputs = o.n;
}

static bool names_window(const struct names_relation *rel, const struct ast_expr *list)
{
    for (const struct ast_expr *e = list; e != NULL; e = e->next)
        if (planner_is_window_column(rel, e) && !names_same(&e->name, "window_time"))
            return true;
    return false;
}

/* Does it name window_start or its like? */
static bool reads_window(const struct names_relation *rel, const struct ast_expr *e)
{
    bool some =
        planner_is_window_column(rel, e) || (e->other != NULL && reads_window(rel, e->other));
    for (const struct ast_expr *a = e->args; a != NULL && !some; a = a->next)
        some = reads_window(rel, a);
    return some;
}

/* Rows are divided into sessions and counts by PARTITION BY, before there are groups. */
static bool is_divided(const struct window_plan *w)
{
    return w->kind == WINDOW_SESSION || w->kind == WINDOW_COUNT_TUMBLE ||
           w->kind == WINDOW_COUNT_HOP;
}

static bool has_part(const struct plan_key *k, const struct plan_key *of, unsigned i)
{
    unsigned ncolumns = plan_key_ncolumns(of), n = plan_key_ncolumns(k);
    for (unsigned c = 0; i < ncolumns && c < n; c++)
        if (k->columns[c] == of->columns[i])
            return true;
    for (unsigned c = 0; i >= ncolumns && c < k->nvalues; c++)
        if (expr_same(k->values[c].e, of->values[i - ncolumns].e))
            return true;
    return false;
}

static const struct expr *part_expr(struct cc *cc, const struct plan_key *k, const struct schema *s,
                                    unsigned i, struct span at)
{
    unsigned ncolumns = plan_key_ncolumns(k);
    if (i >= ncolumns)
        return k->values[i - ncolumns].e;
    struct expr *e = types_node(cc, EXPR_COLUMN, plan_key_part_type(k, s, i), at, 0, NULL);
    e->index = k->columns[i];
    return e;
}

/* What GROUP BY has beyond PARTITION BY: values that are the same in all rows of a group, as aggregates of it. */
static bool plan_split(struct cc *cc, const struct ast_select *s, const struct plan_key *groups,
                       struct rule_plan *p, struct bind_group *group)
{
    struct window_plan *w = &p->window;
    for (unsigned i = 0; i < groups->n; i++)
        if (!has_part(&p->key, groups, i))
            w->split.n++;
    if (w->split.n == 0)
        return true;
    if (w->trigger != TRIGGER_EVENT_TIME && w->kind == WINDOW_SESSION) {
        diag_error(cc->d, "unsupported", s->group->at,
                   "name the column in PARTITION BY of the table",
                   "groups that are finer than the PARTITION BY of SESSION, with a 'trigger'");
        return false;
    }
    if (w->lateness_ms > 0) {
        diag_error(
            cc->d, "unsupported", s->group->at, "name the column in PARTITION BY of the table",
            "groups that are finer than the PARTITION BY of SESSION, with 'allowed-lateness'");
        return false;
    }
    if (p->key.n + w->split.n > PLAN_KEYS_MAX) {
        diag_error(cc->d, "limit", s->group->at, NULL, "a group has at most %d columns",
                   PLAN_KEYS_MAX);
        return false;
    }
    struct plan_key_value *values = arena_alloc(cc->arena, w->split.n * sizeof *values);
    group->aggs = arena_alloc(cc->arena, w->split.n * sizeof *group->aggs);
    group->cap = w->split.n;
    for (unsigned i = 0; i < groups->n; i++) {
        if (has_part(&p->key, groups, i))
            continue;
        const struct expr *e = part_expr(cc, groups, p->input, i, s->group->at);
        values[group->naggs] = (struct plan_key_value){plan_key_part(groups, p->input, i), e};
        group->aggs[group->naggs++] =
            (struct agg_call){.kind = AGG_FIRST, .type = e->type, .arg = e};
    }
    w->split.values = values;
    w->split.nvalues = w->split.n;
    group->split = &w->split;
    return true;
}

/* What is said of rows makes the groups. */
static bool plan_rows(struct cc *cc, const struct ast_select *s, const struct names_relation *rel,
                      struct plan_key *key)
{
    bool good = true;
    for (const struct ast_expr *e = s->group; e != NULL; e = e->next)
        if (!reads_window(rel, e))
            good = planner_key_part(cc, rel, e, "GROUP BY", key) && good;
    return good;
}

/* What is said of windows, and of those, divides no further. */
static bool check_rest(struct bind *b, const struct ast_select *s)
{
    unsigned before = b->group->naggs;
    for (const struct ast_expr *e = s->group; e != NULL; e = e->next) {
        if (planner_is_window_column(b->rel, e))
            continue;
        if (bind_expr(b, e) == NULL)
            return false;
        if (b->group->naggs > before) {
            diag_error(b->cc->d, "grouping", e->at, "HAVING chooses among groups",
                       "an aggregate cannot stand in GROUP BY");
            return false;
        }
    }
    return true;
}

static bool plan_group(struct bind *b, const struct ast_select *s, struct rule_plan *p)
{
    struct plan_key groups = {0};
    if (windowgroup_has_bounds(&p->window) && !names_window(b->rel, s->group)) {
        diag_error(
            b->cc->d, "grouping", s->group->at, NULL,
            "GROUP BY must name window_start or window_end: the groups are of one window each");
        return false;
    }
    if (!is_divided(&p->window))
        return plan_rows(b->cc, s, b->rel, &p->key) && check_rest(b, s);
    return plan_rows(b->cc, s, b->rel, &groups) && plan_split(b->cc, s, &groups, p, b->group) &&
           check_rest(b, s);
}

void windowgroup_plan(struct cc *cc, const struct ast_select *s, struct names_relation *rel,
                      struct rule_plan *p)
{
    struct bind_group group = {.key = &p->key};
    struct bind b = {
        .cc = cc, .place = BIND_GROUP, .rel = rel, .clause = "GROUP BY", .group = &group};
    if (!plan_group(&b, s, p))
        return;
    b.clause = "SELECT";
    plan_outputs(cc, s, &b, p);
    b.clause = "HAVING";
    if (s->having != NULL)
        p->window.having = bind_condition(&b, s->having, "HAVING");
    p->window.aggs = group.aggs;
    p->window.naggs = group.naggs;
}
