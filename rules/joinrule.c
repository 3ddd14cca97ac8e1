/* SPDX-License-Identifier: Apache-2.0
 *
 * ON is taken apart into its conjuncts. One that bounds the times goes to the bounds; an equality of what each side
 * computes by itself is a key; what reads one side alone is decided where its rows come from; the rest is asked of each
 * pair. WHERE of an inner join is part of ON. Of an outer one it is asked of the result, but for what reads the left side
 * alone, and what ON asks of the left side alone only says whether a row may find a partner. */
#include "rules/joinrule.h"
#include "rules/bind.h"
#include "rules/joinbound.h"
#include "rules/lookup.h"
#include "rules/simplify.h"
#include <string.h>
#include <strings.h>

enum { LEFT_BIT = 1, RIGHT_BIT = 2, WINDOW_BIT = 4, WINDOW_SLOTS = 3 };

struct joining {
    struct cc *cc;
    const struct ast_from *from[2];
    struct names_relation *rel[2], *both;
    struct join_plan *plan;
    unsigned left_columns,
        columns; /* slots from `columns` on: of the left window, of the right one */
    bool windowed[2];
    struct window_plan windows[2];
    unsigned equal; /* bits of window_start, window_end and window_time that ON says are equal */
    struct joinbound bound;
    struct join_key keys[PLAN_KEYS_MAX];
};

/* --- sides ------------------------------------------------------------------------------------ */

static unsigned sides_of(const struct joining *j, const struct expr *e)
{
    unsigned sides = 0;
    if (e->kind == EXPR_SLOT && e->index >= j->columns)
        sides = WINDOW_BIT | (e->index < j->columns + WINDOW_SLOTS ? LEFT_BIT : RIGHT_BIT);
    else if (e->kind == EXPR_SLOT)
        sides = e->index < j->left_columns ? LEFT_BIT : RIGHT_BIT;
    for (unsigned i = 0; i < e->nargs; i++)
        sides |= sides_of(j, e->args[i]);
    return sides;
}

/* What reads one side alone, over that side's row. */
static const struct expr *of_side(struct joining *j, const struct expr *e, enum join_which side)
{
    return expr_moved(j->cc->arena, e, EXPR_SLOT, side == JOIN_LEFT ? 0 : j->left_columns);
}

static const char *side_name(struct cc *cc, const struct ast_from *f, const struct schema *s)
{
    return f->alias.text != NULL ? arena_str(cc->arena, f->alias.text) : s->name;
}

static bool read_sides(struct joining *j)
{
    bool good = true;
    for (unsigned s = 0; s < 2; s++) {
        const struct ast_from *f = j->from[s];
        if (f->match != NULL) {
            diag_error(j->cc->d, "unsupported", f->at,
                       "make it a rule of its own, and join with that", "a join is of two streams");
            good = false;
            continue;
        }
        j->rel[s] = planner_windowed(j->cc, f, &j->windows[s], &j->windowed[s]);
        if (j->rel[s] == NULL)
            good = false;
        else
            j->plan->side[s] = (struct join_side){.schema = j->rel[s]->schema,
                                                  .name = side_name(j->cc, f, j->rel[s]->schema)};
    }
    if (!good)
        return false;
    if (strcasecmp(j->plan->side[0].name, j->plan->side[1].name) != 0)
        return true;
    diag_error(j->cc->d, "ambiguous", j->from[1]->at, "FROM payments AS a JOIN payments AS b",
               "both sides of the join are called %s: give them names", j->plan->side[0].name);
    return false;
}

/* Over one side's row and its window, as slots of the pair. */
static const struct expr *to_pair(const struct joining *j, struct arena *a, const struct expr *e,
                                  unsigned side)
{
    struct expr *copy = arena_alloc(a, sizeof *copy);
    *copy = *e;
    if (e->kind == EXPR_COLUMN) {
        copy->kind = EXPR_SLOT;
        copy->index = e->index + (side == JOIN_LEFT ? 0 : j->left_columns);
    } else if (e->kind == EXPR_SLOT) {
        copy->index = e->index + j->columns + side * WINDOW_SLOTS;
    }
    const struct expr **args = types_list(e->nargs > 0 ? a : j->cc->scratch, e->nargs + 1);
    for (unsigned i = 0; i < e->nargs; i++)
        args[i] = to_pair(j, a, e->args[i], side);
    copy->args = args;
    return copy;
}

/* One relation of both sides' columns. */
static void put_together(struct joining *j)
{
    struct names_relation *all = arena_zero(j->cc->scratch, sizeof *all);
    all->what = "the joined streams";
    all->schema = j->rel[JOIN_LEFT]->schema;
    all->columns =
        arena_alloc(j->cc->scratch, (j->rel[0]->n + j->rel[1]->n) * sizeof *all->columns);
    j->left_columns = j->rel[JOIN_LEFT]->schema->ncolumns;
    j->columns = j->left_columns + j->rel[JOIN_RIGHT]->schema->ncolumns;
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 0; i < j->rel[s]->n; i++) {
            struct names_column *c = &all->columns[all->n++];
            *c = j->rel[s]->columns[i];
            if (c->e != NULL)
                c->e = to_pair(j, c->e->nargs > 0 ? j->cc->arena : j->cc->scratch, c->e, s);
        }
    j->both = all;
    j->bound.left_time = (unsigned)j->rel[JOIN_LEFT]->schema->time_column;
    j->bound.right_time = j->left_columns + (unsigned)j->rel[JOIN_RIGHT]->schema->time_column;
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool key_type(struct type l, struct type r, struct type *out)
{
    bool exact = (l.kind == TYPE_DECIMAL || l.kind == TYPE_BIGINT) &&
                 (r.kind == TYPE_DECIMAL || r.kind == TYPE_BIGINT);
    *out = l;
    if (!exact || l.kind + r.kind == 2 * TYPE_BIGINT)
        return l.kind == r.kind;
    *out = (struct type){.kind = TYPE_DECIMAL,
                         .precision = 18,
                         .scale = l.scale > r.scale ? l.scale : r.scale};
    return true;
}

/* The condition that e, of one side, has a value; NULL: it always has. */
static const struct expr *has_value(struct joining *j, const struct expr *e, enum join_which side)
{
    if (e->kind == EXPR_COLUMN && j->plan->side[side].schema->columns[e->index].not_null)
        return NULL;
    return logic_not(j->cc, logic_is(j->cc, EXPR_IS_NULL, e, e->at), e->at);
}

static const char *key_name(struct joining *j, const struct expr *e)
{
    const struct schema *s = j->plan->side[JOIN_LEFT].schema;
    struct bytes text = {0};
    if (e->kind == EXPR_COLUMN)
        return s->columns[e->index].name;
    expr_print(e, s, NULL, &text);
    const char *name = arena_dup(j->cc->arena, text.p, text.n);
    bytes_fini(&text);
    return name;
}

static void may_partner(struct joining *j, enum join_which side, const struct expr *e)
{
    struct join_side *s = &j->plan->side[side];
    const struct expr **to = j->plan->outer && side == JOIN_LEFT ? &s->partner : &s->where;
    *to = simplify_both(j->cc, *to, e);
}

static bool take_equal(struct joining *j, const struct expr *a, const struct expr *b, bool nulls)
{
    const struct expr *e[2] = {a, b};
    struct type type;
    if (sides_of(j, a) == RIGHT_BIT) {
        e[0] = b;
        e[1] = a;
    }
    if (sides_of(j, e[0]) != LEFT_BIT || sides_of(j, e[1]) != RIGHT_BIT ||
        !key_type(e[0]->type, e[1]->type, &type) || j->plan->nkeys == PLAN_KEYS_MAX)
        return false;
    struct join_key *k = &j->keys[j->plan->nkeys++];
    *k = (struct join_key){.type = type};
    for (unsigned s = 0; s < 2; s++) {
        k->e[s] = of_side(j, e[s], s);
        if (!nulls)
            may_partner(j, s, has_value(j, k->e[s], s));
    }
    k->name = key_name(j, k->e[JOIN_LEFT]);
    return true;
}

/* a = b OR a IS NULL AND b IS NULL, in any order. */
static bool take_equal_or_null(struct joining *j, const struct expr *e)
{
    const struct expr *equal = NULL, *nulls = NULL;
    if (e->kind != EXPR_OR || e->nargs != 2)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (e->args[i]->kind == EXPR_EQ)
            equal = e->args[i];
        if (e->args[i]->kind == EXPR_AND && e->args[i]->nargs == 2)
            nulls = e->args[i];
    }
    if (equal == NULL || nulls == NULL || nulls->args[0]->kind != EXPR_IS_NULL ||
        nulls->args[1]->kind != EXPR_IS_NULL)
        return false;
    const struct expr *x = nulls->args[0]->args[0], *y = nulls->args[1]->args[0];
    const struct expr *a = equal->args[0], *b = equal->args[1];
    if (!(expr_same(a, x) && expr_same(b, y)) && !(expr_same(a, y) && expr_same(b, x)))
        return false;
    return take_equal(j, a, b, true);
}

/* --- conditions ------------------------------------------------------------------------------- */

/* l.window_start = r.window_start, and so on. */
static bool take_window(struct joining *j, const struct expr *e)
{
    if ((e->kind != EXPR_EQ && e->kind != EXPR_NOT_DISTINCT) || e->args[0]->kind != EXPR_SLOT ||
        e->args[1]->kind != EXPR_SLOT)
        return false;
    unsigned a = e->args[0]->index, b = e->args[1]->index;
    if (a < j->columns || b < j->columns || (a + WINDOW_SLOTS != b && b + WINDOW_SLOTS != a))
        return false;
    j->equal |= 1u << ((a - j->columns) % WINDOW_SLOTS);
    return true;
}

static void take_on(struct joining *j, const struct expr *e)
{
    unsigned sides = sides_of(j, e);
    if (j->windowed[JOIN_LEFT] ? take_window(j, e) : joinbound_take(&j->bound, e))
        return;
    if ((e->kind == EXPR_EQ || e->kind == EXPR_NOT_DISTINCT) &&
        take_equal(j, e->args[0], e->args[1], e->kind == EXPR_NOT_DISTINCT))
        return;
    if (take_equal_or_null(j, e))
        return;
    if (sides == LEFT_BIT || sides == RIGHT_BIT) {
        enum join_which side = sides == LEFT_BIT ? JOIN_LEFT : JOIN_RIGHT;
        may_partner(j, side, of_side(j, e, side));
        return;
    }
    j->plan->on = simplify_both(j->cc, j->plan->on, e);
}

static void take_where(struct joining *j, const struct expr *e)
{
    struct join_side *left = &j->plan->side[JOIN_LEFT];
    if (!j->plan->outer)
        take_on(j, e);
    else if (sides_of(j, e) == LEFT_BIT)
        left->where = simplify_both(j->cc, left->where, of_side(j, e, JOIN_LEFT));
    else
        j->plan->where = simplify_both(j->cc, j->plan->where, e);
}

static void each_conjunct(struct joining *j, const struct expr *e,
                          void (*take)(struct joining *, const struct expr *))
{
    if (e == NULL)
        return;
    if (e->kind != EXPR_AND) {
        take(j, e);
        return;
    }
    for (unsigned i = 0; i < e->nargs; i++)
        take(j, e->args[i]);
}

/* WHERE of a side: what it asks of its windows is asked of the pair. */
static void take_inner(struct joining *j, enum join_which side)
{
    const struct expr *e = j->rel[side]->where, *row = NULL, *window = NULL;
    if (e != NULL)
        simplify_split(j->cc, e, &row, &window);
    j->plan->side[side].where = row;
    if (window == NULL)
        return;
    window = to_pair(j, j->cc->arena, window, side);
    const struct expr **to = j->plan->outer && side == JOIN_LEFT ? &j->plan->where : &j->plan->on;
    *to = simplify_both(j->cc, *to, window);
}

/* Both sides' windows must be the same, and ON must say that a pair is of one. */
static void check_windows(struct joining *j, struct span at)
{
    const struct window_plan *a = &j->windows[JOIN_LEFT], *b = &j->windows[JOIN_RIGHT];
    const char *l = j->plan->side[JOIN_LEFT].name, *r = j->plan->side[JOIN_RIGHT].name;
    if (j->windowed[JOIN_LEFT] != j->windowed[JOIN_RIGHT]) {
        diag_error(j->cc->d, "join", at, "give both sides the same windows",
                   "rows of windows are joined with rows of windows");
        return;
    }
    if (a->kind != b->kind || a->size_ms != b->size_ms || a->slide_ms != b->slide_ms ||
        a->offset_ms != b->offset_ms) {
        diag_error(j->cc->d, "join", at, NULL, "the windows of %s and %s are not the same", l, r);
        return;
    }
    if (!(j->equal & 1) || (a->kind == WINDOW_CUMULATE && !(j->equal & 6)))
        diag_error(j->cc->d, "join", at,
                   arena_printf(j->cc->scratch,
                                "add AND %s.window_start = %s.window_start AND %s.window_end = "
                                "%s.window_end",
                                l, r, l, r),
                   "JOIN of windows: ON must say that both rows are in the same window");
    j->plan->windowed = true;
    j->plan->window = *a;
}

static const char *time_of(struct joining *j, enum join_which side)
{
    const struct join_side *s = &j->plan->side[side];
    return arena_printf(j->cc->scratch, "%s.%s", s->name,
                        s->schema->columns[s->schema->time_column].name);
}

static void check_bounds(struct joining *j, struct span at)
{
    const char *a = time_of(j, JOIN_LEFT), *b = time_of(j, JOIN_RIGHT);
    const struct joinbound *x = &j->bound;
    struct join_plan *p = j->plan;
    if (p->nkeys == 0)
        diag_warn(j->cc->d, "join", at,
                  arena_printf(j->cc->scratch, "add an equality, as in %s.card = %s.card",
                               p->side[0].name, p->side[1].name),
                  "JOIN without an equality: all rows of both streams meet on one worker");
    if (j->windowed[JOIN_LEFT] || j->windowed[JOIN_RIGHT]) {
        check_windows(j, at);
        return;
    }
    if (!x->has_least || !x->has_most) {
        diag_error(j->cc->d, "join", at,
                   arena_printf(j->cc->scratch,
                                "add AND %s BETWEEN %s - INTERVAL '1' HOUR AND %s + INTERVAL '1' "
                                "HOUR, with the times that fit",
                                b, a, a),
                   "JOIN needs %s: ON must say how long before and after %s %s may be, or rows "
                   "would be kept for ever",
                   !x->has_least && !x->has_most ? "bounds of time"
                   : x->has_least                ? "an upper bound of time"
                                                 : "a lower bound of time",
                   a, b);
        return;
    }
    p->least_ms = x->least_ms;
    p->most_ms = x->most_ms;
    if (p->least_ms > p->most_ms)
        diag_warn(j->cc->d, "never", at, "look at the bounds once more",
                  "no %s lies in these bounds: the join finds no pair", b);
}

/* --- what is read ----------------------------------------------------------------------------- */

static void read_slots(struct joining *j, const struct expr *e)
{
    if (e == NULL)
        return;
    if (e->kind == EXPR_SLOT && e->index < j->columns) {
        bool left = e->index < j->left_columns;
        colset_add(&j->plan->side[!left].keeps, left ? e->index : e->index - j->left_columns);
    }
    for (unsigned i = 0; i < e->nargs; i++)
        read_slots(j, e->args[i]);
}

static void collect(struct joining *j, struct rule_plan *p)
{
    read_slots(j, j->plan->on);
    read_slots(j, j->plan->where);
    for (unsigned i = 0; i < p->noutputs; i++)
        read_slots(j, p->outputs[i].e);
    for (unsigned s = 0; s < 2; s++) {
        struct join_side *side = &j->plan->side[s];
        side->reads = side->keeps;
        if (side->where != NULL)
            expr_columns(side->where, &side->reads);
        if (side->partner != NULL)
            expr_columns(side->partner, &side->reads);
        for (unsigned i = 0; i < j->plan->nkeys; i++)
            expr_columns(j->plan->keys[i].e[s], &side->reads);
        planner_computed(side->schema, &side->reads);
        if (side->schema == p->input)
            colset_union(&p->reads, &side->reads);
    }
}

/* --- the rule --------------------------------------------------------------------------------- */

static bool check_kind(struct cc *cc, const struct ast_select *s)
{
    bool good = true;
    for (const struct ast_from *f = s->from->next; f != NULL; f = f->next)
        if (f->as_of == NULL && (f->join == AST_JOIN_FULL || f->join == AST_JOIN_RIGHT)) {
            good = false;
            diag_error(
                cc->d, "join", f->join_at,
                f->join == AST_JOIN_RIGHT ? "turn the sides round, and write LEFT JOIN"
                                          : "write a LEFT JOIN for each side, as two rules",
                "%s JOIN cannot be done: rows that find no partner are given for the left side",
                f->join == AST_JOIN_RIGHT ? "RIGHT" : "FULL");
        }
    const struct ast_from *third = lookup_rest(lookup_rest(s->from));
    if (third != NULL)
        diag_error(cc->d, "unsupported", third->join_at,
                   "make the first join a rule of its own, and join with that",
                   "a join is of two streams");
    const struct ast_expr *group = s->group != NULL ? s->group : s->having;
    if (group != NULL)
        diag_error(cc->d, "grouping", group->at,
                   "make the join a rule of its own, and put a window over it", "%s needs a window",
                   s->group != NULL ? "GROUP BY" : "HAVING");
    if (s->qualify != NULL)
        diag_error(cc->d, "over", s->qualify->at, "use WHERE", "QUALIFY is about calls with OVER");
    return good && third == NULL;
}

void joinrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p)
{
    struct joining j = {.cc = cc, .from = {s->from, lookup_rest(s->from)}, .plan = &p->join};
    struct planner_outputs o = {0};
    int errors = cc->d->errors;
    if (!check_kind(cc, s) || !read_sides(&j))
        return;
    put_together(&j);
    p->shape = RULE_JOIN;
    p->input = j.rel[JOIN_LEFT]->schema;
    p->join.outer = j.from[JOIN_RIGHT]->join == AST_JOIN_LEFT;
    for (unsigned i = 0; i < 2; i++)
        take_inner(&j, i);
    struct bind b = {.cc = cc, .rel = j.both, .clause = "ON"};
    const struct expr *on = bind_condition(&b, j.from[JOIN_RIGHT]->on, "ON");
    b.clause = "WHERE";
    const struct expr *where = s->where != NULL ? bind_condition(&b, s->where, "WHERE") : NULL;
    planner_select(cc, j.both, s->items, &o);
    p->outputs = o.v;
    p->noutputs = o.n;
    if (cc->d->errors != errors)
        return;
    each_conjunct(&j, on, take_on);
    each_conjunct(&j, where, take_where);
    struct join_key *keys = arena_alloc(cc->arena, (p->join.nkeys + 1) * sizeof *keys);
    memcpy(keys, j.keys, p->join.nkeys * sizeof *keys);
    p->join.keys = keys;
    check_bounds(&j, j.from[JOIN_RIGHT]->join_at);
    collect(&j, p);
}
