/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/overrule.h"
#include "rules/aggregate.h"
#include "rules/grammar.h"
#include <string.h>
#include <strings.h>

enum { ROWS_MOST = 1000000 };

static bool is_named(const struct ast_expr *e, const char *name)
{
    return strcasecmp(e->name.text, name) == 0;
}

bool overrule_is_function(const char *name)
{
    return strcasecmp(name, "FIRST_VALUE") == 0 || strcasecmp(name, "LAST_VALUE") == 0;
}

/* --- where it may stand ----------------------------------------------------------------------- */

static bool check_place(struct bind *b, const struct ast_expr *e)
{
    struct diag *d = b->cc->d;
    struct span at = e->call->over->at;
    if (is_named(e, "LEAD"))
        diag_error(d, "over", e->op_at, "LAG looks at earlier rows",
                   "LEAD looks at rows that have not come yet");
    else if (b->place == BIND_DEFINE || b->place == BIND_MEASURE)
        diag_error(d, "over", at, "aggregates over the match need no OVER",
                   "OVER cannot stand in MATCH_RECOGNIZE");
    else if (b->place == BIND_GROUP)
        diag_error(d, "over", at, NULL, "OVER cannot stand in a SELECT with GROUP BY");
    else if (b->over == NULL && strcmp(b->clause, "WHERE") == 0)
        diag_error(d, "over", at, "use QUALIFY, or WHERE of a SELECT around this one",
                   "OVER cannot stand in WHERE, which chooses the rows that it is about");
    else if (b->over == NULL)
        diag_error(d, "over", at, NULL, "OVER cannot stand in %s", b->clause);
    else if (b->over->done)
        diag_error(d, "over", at, "write both in one SELECT",
                   "OVER cannot stand in a SELECT from one with OVER");
    else
        return true;
    return false;
}

/* --- OVER ( … ) ------------------------------------------------------------------------------- */

static bool check_order(struct bind *b, const struct ast_over *o)
{
    const struct names_relation *rel = b->over->rel;
    const char *time = rel->schema->columns[rel->schema->time_column].name;
    const struct ast_expr *e = o->order;
    struct diag *d = b->cc->d;
    if (e == NULL) {
        diag_error(d, "over", o->at, NULL, "OVER needs ORDER BY %s", time);
        return false;
    }
    bool ambiguous;
    const struct names_column *c =
        e->kind == AST_NAME ? names_find(rel, &e->qualifier, &e->name, &ambiguous) : NULL;
    if (c == NULL && e->kind == AST_NAME) {
        (void)names_column(b->cc, rel, e); /* says so */
        return false;
    }
    if (c != NULL && c->e == NULL)
        return false;
    if (c == NULL || c->e->kind != EXPR_COLUMN ||
        c->e->index != (unsigned)rel->schema->time_column) {
        diag_error(d, "over", e->at, NULL, "OVER takes rows in order of time: ORDER BY %s", time);
        return false;
    }
    if (e->descending) {
        diag_error(d, "over", e->at, NULL, "OVER takes rows in order of time, ascending: no DESC");
        return false;
    }
    if (e->next == NULL)
        return true;
    diag_error(d, "unsupported", e->next->at, NULL,
               "the ORDER BY of OVER takes the time only: rows of equal time are in order of "
               "arrival");
    return false;
}

/* The rule has one key: that of the first call. */
static bool check_key(struct bind *b, const struct ast_over *o)
{
    struct plan_key key = {0}, *have = &b->over->key;
    if (!planner_key(b->cc, b->over->rel, o->partition, "PARTITION BY", &key))
        return false;
    if (b->over->ncalls == 0)
        *have = key;
    if (plan_key_same(have, &key))
        return true;
    diag_error(b->cc->d, "over", o->at, "make it two rules",
               "all OVERs of a rule have the same PARTITION BY, and this one has another");
    return false;
}

/* A bound that reaches past the current row; its word for the message. */
static const struct ast_bound *following(const struct ast_frame *f)
{
    if (f->from.word.kind == TOKEN_FOLLOWING)
        return &f->from;
    return f->to.word.kind == TOKEN_FOLLOWING ? &f->to : NULL;
}

static bool frame_length(struct bind *b, const struct ast_frame *f, struct over_frame *out)
{
    struct bind row = {.cc = b->cc, .rel = b->over->rel, .clause = "the frame of OVER"};
    const struct expr *n = bind_expr(&row, f->from.n);
    enum type_kind kind = out->rows ? TYPE_BIGINT : TYPE_INTERVAL;
    if (n == NULL)
        return false;
    if (n->kind != EXPR_CONST || n->constant.null || n->type.kind != kind || n->constant.c.i < 0) {
        diag_error(b->cc->d, "over", f->from.n->at,
                   out->rows ? "like ROWS 10 PRECEDING" : "like RANGE INTERVAL '1' HOUR PRECEDING",
                   "%s takes %s here", out->rows ? "ROWS" : "RANGE",
                   out->rows ? "a whole number of rows" : "a constant INTERVAL, not negative");
        return false;
    }
    if (out->rows && n->constant.c.i > ROWS_MOST) {
        diag_error(b->cc->d, "limit", f->from.n->at, NULL, "a frame has at most %d rows",
                   ROWS_MOST);
        return false;
    }
    out->preceding = n->constant.c.i;
    return true;
}

/* Without a frame, as in SQL: all rows up to the current one's time. */
static bool bind_frame(struct bind *b, const struct ast_over *o, struct over_frame *out)
{
    const struct ast_frame *f = &o->frame;
    const struct ast_bound *bad = following(f);
    *out = (struct over_frame){.rows = f->unit.kind == TOKEN_ROWS, .preceding = -1};
    if (bad != NULL) {
        diag_error(b->cc->d, "over", bad->word.at, "end the frame with CURRENT ROW",
                   "%.*s: the frame of OVER cannot reach rows that have not come yet",
                   (int)bad->word.n, bad->word.p);
        return false;
    }
    if (f->to.word.kind != 0 && f->to.word.kind != TOKEN_CURRENT) {
        diag_error(b->cc->d, "over", f->to.word.at, "BETWEEN ... PRECEDING AND CURRENT ROW",
                   "the frame of OVER ends with the current row");
        return false;
    }
    if (f->unit.kind == 0 || f->from.word.kind == TOKEN_UNBOUNDED)
        return true;
    if (f->from.word.kind == TOKEN_CURRENT) {
        out->preceding = 0;
        return true;
    }
    return frame_length(b, f, out);
}

/* --- calls ------------------------------------------------------------------------------------ */

static bool no_frame(struct bind *b, const struct ast_expr *e)
{
    const struct ast_frame *f = &e->call->over->frame;
    if (f->unit.kind != 0) {
        diag_error(b->cc->d, "over", f->unit.at, NULL, "%s takes no frame", e->name.text);
        return false;
    }
    if (!e->call->distinct && e->call->filter == NULL)
        return true;
    diag_error(b->cc->d, "aggregate", e->op_at, NULL, "%s belongs to aggregates, and %s is none",
               e->call->distinct ? "DISTINCT" : "FILTER", e->name.text);
    return false;
}

static bool bind_row_number(struct bind *b, const struct ast_expr *e, struct over_call *c)
{
    c->kind = OVER_ROW_NUMBER;
    c->type = types_of(TYPE_BIGINT);
    if (e->nargs == 0)
        return no_frame(b, e);
    diag_error(b->cc->d, "arguments", e->op_at, NULL, "ROW_NUMBER takes no arguments, not %u",
               e->nargs);
    return false;
}

static bool lag_offset(struct bind *b, const struct expr *n, struct over_call *c)
{
    if (n == NULL)
        return false;
    if (n->kind != EXPR_CONST || n->constant.null || n->type.kind != TYPE_BIGINT ||
        n->constant.c.i < 0 || n->constant.c.i > ROWS_MOST) {
        diag_error(b->cc->d, "over", n->at, NULL,
                   "the second argument of LAG is a constant from 0 to %d: how many rows back",
                   ROWS_MOST);
        return false;
    }
    c->offset = n->constant.c.i;
    return true;
}

static bool bind_lag(struct bind *b, const struct ast_expr *e, struct over_call *c)
{
    struct bind row = {.cc = b->cc, .rel = b->over->rel, .clause = "LAG"};
    c->kind = OVER_LAG;
    c->offset = 1;
    if (!no_frame(b, e))
        return false;
    if (e->nargs < 1 || e->nargs > 3) {
        diag_error(b->cc->d, "arguments", e->op_at, "LAG(value, rows back, default)",
                   "LAG takes from 1 to 3 arguments, not %u", e->nargs);
        return false;
    }
    const struct ast_expr *second = e->args->next, *third = second ? second->next : NULL;
    const struct expr *both[2] = {bind_expr(&row, e->args), NULL};
    if (both[0] == NULL || (second != NULL && !lag_offset(b, bind_expr(&row, second), c)))
        return false;
    if (third != NULL && (both[1] = bind_expr(&row, third)) == NULL)
        return false;
    if (!types_common(b->cc, third != NULL ? 2 : 1, both, "LAG", e->at, &c->type))
        return false;
    if (c->type.kind == TYPE_NULL)
        c->type = types_of(TYPE_STRING);
    c->agg.arg = types_to(b->cc, both[0], c->type);
    c->fallback = third != NULL ? types_to(b->cc, both[1], c->type) : NULL;
    return c->agg.arg != NULL && (third == NULL || c->fallback != NULL);
}

/* As an aggregate of a group, of which there is one. */
static bool bind_aggregate(struct bind *b, const struct ast_expr *e, struct over_call *c)
{
    int kind = is_named(e, "FIRST_VALUE")  ? (int)AGG_FIRST
               : is_named(e, "LAST_VALUE") ? (int)AGG_LAST
                                           : aggregate_kind(e->name.text);
    struct plan_key none = {0};
    struct bind_group group = {.key = &none};
    struct bind row = {
        .cc = b->cc, .place = BIND_GROUP, .rel = b->over->rel, .clause = "OVER", .group = &group};
    if (!bind_frame(b, e->call->over, &c->frame))
        return false;
    if (e->nargs == 0) {
        diag_error(b->cc->d, "aggregate", e->op_at, NULL, "%s needs an argument", e->name.text);
        return false;
    }
    if (aggregate_call(&row, e, (enum agg_kind)kind) == NULL || group.naggs != 1)
        return false;
    c->agg = group.aggs[0];
    if (c->agg.kind == AGG_APPROX_COUNT_DISTINCT) { /* the values in a frame are known anyway */
        c->agg.kind = AGG_COUNT;
        c->agg.distinct = true;
    }
    c->type = c->agg.type;
    return true;
}

/* --- slots ------------------------------------------------------------------------------------ */

static bool same_or_none(const struct expr *x, const struct expr *y)
{
    return x == y || (x != NULL && y != NULL && expr_same(x, y));
}

static bool same_call(const struct over_call *x, const struct over_call *y)
{
    return x->kind == y->kind && x->agg.kind == y->agg.kind && x->agg.distinct == y->agg.distinct &&
           schema_type_same(x->type, y->type) && x->frame.rows == y->frame.rows &&
           x->frame.preceding == y->frame.preceding && x->offset == y->offset &&
           x->agg.nparams == 0 && y->agg.nparams == 0 && same_or_none(x->agg.arg, y->agg.arg) &&
           same_or_none(x->agg.filter, y->agg.filter) && same_or_none(x->fallback, y->fallback);
}

static unsigned slot_of(struct bind *b, const struct over_call *c)
{
    struct bind_over *o = b->over;
    for (unsigned i = 0; i < o->ncalls; i++)
        if (same_call(&o->calls[i], c))
            return i;
    if (o->ncalls == o->cap) {
        o->cap = o->cap > 0 ? 2 * o->cap : 4;
        struct over_call *more = arena_alloc(b->cc->arena, o->cap * sizeof *more);
        if (o->ncalls > 0)
            memcpy(more, o->calls, o->ncalls * sizeof *more);
        o->calls = more;
    }
    o->calls[o->ncalls] = *c;
    return o->ncalls++;
}

const struct expr *overrule_call(struct bind *b, const struct ast_expr *e)
{
    const struct ast_over *o = e->call->over;
    struct over_call c = {0};
    if (!check_place(b, e))
        return NULL;
    bool good = is_named(e, "LAG")          ? bind_lag(b, e, &c)
                : is_named(e, "ROW_NUMBER") ? bind_row_number(b, e, &c)
                                            : bind_aggregate(b, e, &c);
    good = check_order(b, o) && good;
    if (!check_key(b, o) || !good)
        return NULL;
    struct expr *s = types_node(b->cc, EXPR_SLOT, c.type, e->at, 0, NULL);
    s->index = slot_of(b, &c);
    return s;
}

/* --- the rule --------------------------------------------------------------------------------- */

static bool hides(const struct planner_outputs *o, const struct names_column *c)
{
    for (unsigned i = 0; i < o->n; i++)
        if (strcasecmp(o->v[i].name, c->name) == 0)
            return c->e == NULL || !expr_same(o->v[i].e, c->e);
    return false;
}

struct names_relation *overrule_aliases(struct cc *cc, const struct names_relation *rel,
                                        const struct planner_outputs *o)
{
    struct names_relation *out = arena_zero(cc->scratch, sizeof *out);
    *out = *rel;
    out->columns = arena_alloc(cc->scratch, (rel->n + o->n + 1) * sizeof *out->columns);
    out->n = 0;
    for (unsigned i = 0; i < rel->n; i++)
        if (!hides(o, &rel->columns[i]))
            out->columns[out->n++] = rel->columns[i];
    unsigned own = out->n;
    for (unsigned i = 0; i < o->n; i++) {
        unsigned k = 0;
        while (k < own && strcasecmp(out->columns[k].name, o->v[i].name) != 0)
            k++;
        if (k == own)
            out->columns[out->n++] = (struct names_column){o->v[i].name, NULL, o->v[i].e, false};
    }
    return out;
}

void overrule_columns(const struct over_call *c, struct colset *out)
{
    if (c->agg.arg != NULL)
        expr_columns(c->agg.arg, out);
    if (c->agg.filter != NULL)
        expr_columns(c->agg.filter, out);
    if (c->fallback != NULL)
        expr_columns(c->fallback, out);
}

void overrule_plan(struct rule_plan *p, const struct bind_over *o, const struct expr *having)
{
    p->shape = RULE_OVER;
    p->key = o->key;
    p->over = (struct over_plan){.ncalls = o->ncalls, .calls = o->calls, .having = having};
}
