/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/windowrule.h"
#include "rules/bind.h"
#include "rules/grammar.h"
#include "rules/simplify.h"
#include <string.h>
#include <strings.h>

static const struct function {
    const char *name;
    enum window_kind kind;
    bool timed; /* DESCRIPTOR, then intervals */
    unsigned least, most; /* arguments after the table and the descriptor */
} functions[] = {
    {"TUMBLE", WINDOW_TUMBLE, true, 1, 2},
    {"HOP", WINDOW_HOP, true, 2, 3},
    {"CUMULATE", WINDOW_CUMULATE, true, 2, 3},
    {"SESSION", WINDOW_SESSION, true, 1, 1},
    {"COUNT_TUMBLE", WINDOW_COUNT_TUMBLE, false, 1, 1},
    {"COUNT_HOP", WINDOW_COUNT_HOP, false, 2, 2},
    {"GLOBAL", WINDOW_GLOBAL, false, 0, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const struct function *find(struct cc *cc, const struct ast_name *n)
{
    const char *names[FUNCTIONS];
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (strcasecmp(functions[i].name, n->text) == 0)
            return &functions[i];
        names[i] = functions[i].name;
    }
    diag_error(cc->d, "unknown-function", n->at, names_hint(cc, n->text, names, FUNCTIONS),
               "no windowing function %s", n->text);
    return NULL;
}

/* --- arguments -------------------------------------------------------------------------------- */

static struct names_relation *table_of(struct cc *cc, const struct ast_from *f)
{
    const struct ast_arg *a = f->args;
    struct ast_from inner = {.at = a->at, .alias = f->alias};
    if (a->kind == AST_ARG_TABLE) {
        inner.name = a->name;
    } else if (a->kind == AST_ARG_QUERY) {
        inner.query = a->query;
    } else {
        diag_error(cc->d, "window", a->at, NULL,
                   "the first argument of %s is TABLE and a stream's name", f->function.text);
        return NULL;
    }
    return planner_relation(cc, &inner);
}

static bool check_descriptor(struct cc *cc, const struct names_relation *rel, const char *function,
                             const struct ast_arg *a)
{
    const struct schema *s = rel->schema;
    const char *time = s->columns[s->time_column].name;
    if (a == NULL || a->kind != AST_ARG_DESCRIPTOR) {
        diag_error(cc->d, "window", a != NULL ? a->at : (struct span){0}, NULL,
                   "the second argument of %s is DESCRIPTOR(%s)", function, time);
        return false;
    }
    struct ast_name none = {0};
    bool ambiguous;
    const struct names_column *c = names_find(rel, &none, &a->name, &ambiguous);
    if (c == NULL) {
        diag_error(cc->d, "unknown-column", a->name.at, NULL,
                   "no column %s in %s, whose time is %s", a->name.text, rel->what, time);
        return false;
    }
    if (c->e == NULL)
        return false;
    if (c->e->kind == EXPR_COLUMN && c->e->index == (unsigned)s->time_column)
        return true;
    diag_error(cc->d, "window", a->name.at, NULL, "%s is not the time of %s; that is %s",
               a->name.text, rel->what, time);
    return false;
}

/* The i-th of the arguments after the descriptor, as a span of time. */
static bool interval_arg(struct cc *cc, const char *function, const struct ast_arg *a, int64_t *ms)
{
    struct names_relation nothing = {.what = "a windowing function's arguments"};
    struct bind b = {.cc = cc, .rel = &nothing, .clause = "a windowing function's arguments"};
    if (a->kind != AST_ARG_EXPR) {
        diag_error(cc->d, "window", a->at, NULL, "%s takes intervals here", function);
        return false;
    }
    const struct expr *e = bind_expr(&b, a->e);
    if (e == NULL)
        return false;
    if (e->kind != EXPR_CONST || e->type.kind != TYPE_INTERVAL || e->constant.null) {
        diag_error(cc->d, "window", a->at, "like INTERVAL '10' MINUTE",
                   "%s takes a constant INTERVAL here", function);
        return false;
    }
    *ms = e->constant.c.i;
    return true;
}

static bool check_sizes(struct cc *cc, const struct function *f, struct span at, const int64_t *ms,
                        unsigned n, struct window_plan *w)
{
    w->kind = f->kind;
    w->slide_ms = w->size_ms = ms[0];
    if (f->kind == WINDOW_HOP || f->kind == WINDOW_CUMULATE)
        w->size_ms = ms[1];
    if (n > f->least)
        w->offset_ms = ms[f->least];
    if (w->slide_ms <= 0 || w->size_ms <= 0) {
        diag_error(cc->d, "window", at, NULL, "the sizes of %s must be longer than nothing",
                   f->name);
        return false;
    }
    if (f->kind == WINDOW_CUMULATE && w->size_ms % w->slide_ms != 0) {
        diag_error(cc->d, "window", at, NULL,
                   "the size of CUMULATE must be a multiple of its step");
        return false;
    }
    if (w->size_ms / w->slide_ms > 100000) {
        diag_error(cc->d, "limit", at, NULL, "a row would be in %lld windows at once",
                   (long long)(w->size_ms / w->slide_ms));
        return false;
    }
    return true;
}

/* Kinds that no operator does yet; their arguments have been checked. */
static bool refuse_kind(struct cc *cc, const struct function *f, const struct ast_from *from)
{
    if (f->kind == WINDOW_TUMBLE || f->kind == WINDOW_HOP)
        return false;
    diag_error(cc->d, "unsupported", from->function.at, "TUMBLE and HOP are done",
               "%s windows: this release has no operator for them yet", f->name);
    return true;
}

static bool plan_function(struct cc *cc, const struct ast_from *from,
                          const struct names_relation *rel, struct window_plan *w)
{
    const struct function *f = find(cc, &from->function);
    int64_t ms[3] = {0};
    unsigned n = 0;
    if (f == NULL)
        return false;
    const struct ast_arg *a = from->args->next;
    if (f->timed) {
        if (!check_descriptor(cc, rel, f->name, a))
            return false;
        a = a->next;
    }
    unsigned given = 0;
    for (const struct ast_arg *x = a; x != NULL; x = x->next)
        given++;
    if (given < f->least || given > f->most) {
        diag_error(cc->d, "window", from->function.at, NULL,
                   "%s takes %u to %u more arguments, not %u", f->name, f->least, f->most, given);
        return false;
    }
    if (f->kind == WINDOW_SESSION || !f->timed)
        return !refuse_kind(cc, f, from);
    for (; a != NULL; a = a->next)
        if (!interval_arg(cc, f->name, a, &ms[n++]))
            return false;
    return check_sizes(cc, f, from->function.at, ms, n, w) && !refuse_kind(cc, f, from);
}

/* --- the rule --------------------------------------------------------------------------------- */

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

static bool check_group(struct cc *cc, const struct ast_select *s, const struct names_relation *rel)
{
    if (s->group == NULL) {
        diag_error(
            cc->d, "unsupported", s->from->function.at, "GROUP BY window_start, window_end",
            "a windowing function without GROUP BY: this release does not give rows with their "
            "windows yet");
        return false;
    }
    if (names_window(rel, s->group))
        return true;
    diag_error(cc->d, "grouping", s->group->at, NULL,
               "GROUP BY must name window_start or window_end: the groups are of one window each");
    return false;
}

void windowrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p)
{
    struct names_relation *rel = table_of(cc, s->from);
    if (rel == NULL)
        return;
    bool good = plan_function(cc, s->from, rel, &p->window);
    p->shape = RULE_WINDOW;
    p->input = rel->schema;
    p->where = rel->where;
    if (s->where != NULL) {
        struct bind row = {.cc = cc, .rel = rel, .clause = "WHERE"};
        p->where = simplify_both(cc, p->where, bind_condition(&row, s->where, "WHERE"));
    }
    if (!good || !check_group(cc, s, rel) ||
        !planner_key(cc, rel, s->group, "GROUP BY", true, &p->key))
        return;
    struct bind_group group = {.key = &p->key};
    struct bind b = {
        .cc = cc, .place = BIND_GROUP, .rel = rel, .clause = "SELECT", .group = &group};
    plan_outputs(cc, s, &b, p);
    b.clause = "HAVING";
    if (s->having != NULL)
        p->window.having = bind_condition(&b, s->having, "HAVING");
    p->window.aggs = group.aggs;
    p->window.naggs = group.naggs;
}
