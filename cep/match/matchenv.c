/* SPDX-License-Identifier: Apache-2.0
 *
 * The expression machine asks for rows (NAV) and values (aggregates) by number; here they are found. For measures the
 * whole match is laid out in an array. For conditions of DEFINE, which are asked for each row, walking back over the nodes
 * would make a loop of n rows cost n * n; so where the pattern has a loop, nodes carry what conditions name: the first
 * and last row of a set of variables, and the accumulators of COUNT, SUM, AVG, MIN and MAX. */
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include <string.h>

enum { AGG_WORDS_MAX = 8 };

static uint64_t bit(int var)
{
    return UINT64_C(1) << var;
}

static uint64_t matches_of(const struct match_cell *c)
{
    return c->memory == NULL ? 0 : c->memory->matches;
}

/* --- making --- */

static struct match_agg *agg_new(const struct expr *e)
{
    struct match_agg *a = mem_new(sizeof *a);
    a->call = e->agg.call;
    a->vars = e->agg.vars;
    a->column = -1;
    const struct expr *arg = e->agg.call.arg;
    if (arg != NULL && arg->kind == EXPR_COLUMN)
        a->column = (int)arg->index;
    else if (arg != NULL)
        a->arg = matchenv_new(arg);
    if (e->agg.call.filter != NULL)
        a->filter = matchenv_new(e->agg.call.filter);
    return a;
}

struct match_expr *matchenv_new(const struct expr *e)
{
    struct match_expr *x = mem_new(sizeof *x);
    x->vm = exprvm_new(e, NULL);
    x->navs = exprvm_navs(x->vm, &x->nnavs);
    x->externals = exprvm_externals(x->vm, &x->nexternals);
    x->nav_carry = mem_array(x->nnavs, sizeof *x->nav_carry);
    x->external_carry = mem_array(x->nexternals, sizeof *x->external_carry);
    x->aggs = mem_array(x->nexternals, sizeof(struct match_agg *));
    x->rows = mem_array(x->nnavs, sizeof *x->rows);
    x->cells = mem_array(x->nexternals, sizeof *x->cells);
    x->nulls = mem_array(x->nexternals, sizeof *x->nulls);
    for (unsigned i = 0; i < x->nnavs; i++)
        x->nav_carry[i] = -1;
    for (unsigned i = 0; i < x->nexternals; i++) {
        x->external_carry[i] = -1;
        if (x->externals[i]->kind == EXPR_MATCH_AGG)
            x->aggs[i] = agg_new(x->externals[i]);
    }
    return x;
}

void matchenv_free(struct match_expr *x)
{
    if (x == NULL)
        return;
    for (unsigned i = 0; i < x->nexternals; i++)
        if (x->aggs[i] != NULL) {
            matchenv_free(x->aggs[i]->arg);
            matchenv_free(x->aggs[i]->filter);
            mem_free(x->aggs[i]);
        }
    mem_free(x->rows);
    mem_free(x->cells);
    mem_free(x->nulls);
    mem_free(x->aggs);
    mem_free(x->nav_carry);
    mem_free(x->external_carry);
    exprvm_free(x->vm);
    mem_free(x);
}

static int carry_add(struct match_prog *p, struct match_carry c)
{
    for (unsigned i = 0; i < p->ncarries; i++)
        if (p->carries[i].kind == c.kind && p->carries[i].vars == c.vars &&
            (c.kind != CARRY_AGG || expr_same(p->carries[i].e, c.e)))
            return (int)i;
    p->carries = mem_resize_array(p->carries, p->ncarries + 1, sizeof *p->carries);
    p->carries[p->ncarries] = c;
    return (int)p->ncarries++;
}

/* An aggregate that a node can carry: of bare columns, with an accumulator that holds nothing beyond its words. */
static bool can_carry(const struct expr *e, struct agg *a)
{
    const struct agg_call *c = &e->agg.call;
    if (c->filter != NULL || (c->arg != NULL && c->arg->kind != EXPR_COLUMN))
        return false;
    agg_init(a, c);
    return !a->holds && a->size <= AGG_WORDS_MAX * sizeof(uint64_t);
}

unsigned matchenv_layout(struct match_prog *p, unsigned at)
{
    for (unsigned v = 0; v < p->m->nvars && p->nfa->loops; v++) {
        struct match_expr *x = p->path[v];
        for (unsigned i = 0; x != NULL && i < x->nnavs; i++) {
            const struct nav *n = &x->navs[i];
            if (!n->current && n->logical == 0)
                x->nav_carry[i] =
                    carry_add(p, (struct match_carry){.kind = n->first ? CARRY_FIRST : CARRY_LAST,
                                                      .vars = n->vars});
        }
        for (unsigned i = 0; x != NULL && i < x->nexternals; i++) {
            const struct expr *e = x->externals[i];
            struct agg a;
            if (e->kind != EXPR_MATCH_AGG || !can_carry(e, &a))
                continue;
            x->external_carry[i] =
                carry_add(p, (struct match_carry){.kind = CARRY_AGG,
                                                  .vars = e->agg.vars,
                                                  .e = e,
                                                  .agg = a,
                                                  .column = a.kind == AGG_COUNT_STAR
                                                                ? -1
                                                                : (int)e->agg.call.arg->index});
        }
    }
    for (unsigned i = 0; i < p->ncarries; i++) {
        p->carries[i].at = at;
        at += p->carries[i].kind == CARRY_AGG ? p->carries[i].agg.size / 8 : 1;
    }
    return at;
}

void matchenv_fini(struct match_prog *p)
{
    for (unsigned v = 0; v < p->m->nvars; v++)
        matchenv_free(p->path[v]);
    mem_free(p->carries);
}

/* --- carried values --- */

void matchenv_carry(struct match *m, struct match_node *n, const struct keyed_row *r)
{
    const struct match_prog *p = m->p;
    int var = p->nfa->states[n->state].var;
    unsigned from = p->carries[0].at;
    if (n->parent != NULL)
        memcpy(&n->extra[from], &n->parent->extra[from], (p->nextra - from) * sizeof(uint64_t));
    else
        memset(&n->extra[from], 0, (p->nextra - from) * sizeof(uint64_t));
    for (unsigned i = 0; i < p->ncarries; i++) {
        const struct match_carry *c = &p->carries[i];
        if (!(c->vars & bit(var)))
            continue;
        if (c->kind == CARRY_AGG) {
            union cell v = {0};
            struct rowref at = keyed_row_ref(r);
            bool some = c->column < 0 || rowref_cell(at, &m->k->layout, (unsigned)c->column, &v);
            agg_add(&c->agg, &n->extra[c->at], v, !some);
        } else if (c->kind == CARRY_LAST || n->extra[c->at] == 0) {
            n->extra[c->at] = (uint64_t)(uintptr_t)n->row;
        }
    }
}

/* --- rows --- */

static struct rowref kept_ref(const struct kept *r)
{
    return (struct rowref){.b = NULL, .r = r == NULL ? NULL : &r->row};
}

struct walk { /* DEFINE: the way so far and the row in hand, as `var` */
    struct match *m;
    const struct match_cell *cell;
    struct match_node *node;
    const struct keyed_row *row;
    int var;
};

/* Is the row in hand one of those that a condition names? That of a !N or an UNTIL will not be in the match, so only what
 * names nothing else means it. */
static bool names_own(const struct walk *w, uint64_t vars)
{
    return (vars & bit(w->var)) && ((w->m->p->taking & bit(w->var)) || vars == bit(w->var));
}

/* The row that n names; NULL with *here: the row in hand. */
static const struct kept *nav_kept(const struct walk *w, const struct nav *n, int carry, bool *here)
{
    const struct match_prog *p = w->m->p;
    bool own = names_own(w, n->vars);
    *here = false;
    if (!n->first) {
        uint32_t skip = n->logical;
        if (own && skip-- == 0) {
            *here = true;
            return NULL;
        }
        if (carry >= 0 && skip == 0)
            return w->node == NULL ? NULL
                                   : (struct kept *)(uintptr_t)w->node->extra[p->carries[carry].at];
        for (const struct match_node *at = w->node; at != NULL; at = at->parent)
            if ((n->vars & bit(p->nfa->states[at->state].var)) && skip-- == 0)
                return at->row;
        return NULL;
    }
    if (carry >= 0) {
        const struct kept *r =
            w->node == NULL ? NULL : (struct kept *)(uintptr_t)w->node->extra[p->carries[carry].at];
        *here = r == NULL && own;
        return r;
    }
    uint32_t count = 0;
    for (const struct match_node *at = w->node; at != NULL; at = at->parent)
        count += (n->vars & bit(p->nfa->states[at->state].var)) != 0;
    if (n->logical >= count) {
        *here = own && n->logical == count;
        return NULL;
    }
    uint32_t back = count - 1 - n->logical;
    for (const struct match_node *at = w->node; at != NULL; at = at->parent)
        if ((n->vars & bit(p->nfa->states[at->state].var)) && back-- == 0)
            return at->row;
    return NULL;
}

/* CLASSIFIER of a condition: the variable of the row that n names, or -1: there is none, or it is not of the match. */
static int nav_var(const struct walk *w, const struct nav *n)
{
    const struct match_prog *p = w->m->p;
    bool here = n->current;
    const struct kept *r = here ? NULL : nav_kept(w, n, -1, &here);
    if (!here && r == NULL)
        return -1;
    if (n->physical != 0) {
        r = matchrows_beside(w->cell->memory, here ? w->row->seq : r->seq, n->physical);
        if (r == NULL)
            return -1;
        here = r->seq == w->row->seq;
    }
    if (here)
        return w->var;
    for (const struct match_node *at = w->node; at != NULL; at = at->parent)
        if (at->row->seq == r->seq)
            return p->nfa->states[at->state].var;
    return -1;
}

static struct rowref nav_row(const struct walk *w, const struct nav *n, int carry)
{
    bool here = n->current;
    const struct kept *r = here ? NULL : nav_kept(w, n, carry, &here);
    if (n->physical != 0) {
        if (!here && r == NULL)
            return kept_ref(NULL);
        return kept_ref(
            matchrows_beside(w->cell->memory, here ? w->row->seq : r->seq, n->physical));
    }
    if (here)
        return keyed_row_ref(w->row);
    return kept_ref(r);
}

/* --- aggregates over rows --- */

static union cell var_name(const struct match *m, int var)
{
    const char *name = m->p->m->vars[var].name;
    return (union cell){.s = {name, (uint32_t)strlen(name), 0}};
}

/* The value that an aggregate takes from a row, mapped to `var`, of the match of that number. False: NULL. */
static bool agg_input(struct match *m, const struct match_agg *a, struct rowref row, int var,
                      uint64_t number, bool *counts, union cell *out)
{
    const struct match_expr *exprs[] = {a->filter, a->arg};
    bool some = true;
    *counts = true;
    if (a->column >= 0)
        some = rowref_cell(row, &m->k->layout, (unsigned)a->column, out);
    for (unsigned i = 0; i < 2; i++) {
        const struct match_expr *x = exprs[i];
        if (x == NULL)
            continue;
        for (unsigned j = 0; j < x->nexternals; j++) {
            bool is_number = x->externals[j]->kind == EXPR_MATCH_NUMBER;
            x->cells[j] = var_name(m, var);
            if (is_number)
                x->cells[j].i = (int64_t)number;
            x->nulls[j] = false;
        }
        const struct exprvm_env env = {.current = row,
                                       .layout = &m->k->layout,
                                       .externals = x->cells,
                                       .external_nulls = x->nulls,
                                       .scratch = m->k->scratch};
        union cell c = {0};
        bool known = exprvm_eval(x->vm, &env, &c);
        if (i == 0) {
            *counts = known && c.i != 0;
        } else {
            some = known;
            *out = c;
        }
    }
    return some;
}

/* seq: of the row, among those of the key. */
static void agg_row(struct match *m, const struct match_agg *a, const struct agg *agg, void *acc,
                    struct rowref row, uint64_t seq, int var, uint64_t number)
{
    const struct agglist_place place = {.ts = (int64_t)seq};
    union cell v = {0};
    bool counts;
    bool some = agg_input(m, a, row, var, number, &counts, &v);
    if (counts)
        agg_add_at(agg, acc, v, !some, &place);
}

/* The result in the scratch arena's lifetime. */
static bool agg_take(struct match *m, const struct agg *agg, void *acc, union cell *out)
{
    bool some = agg_result(agg, acc, m->k->scratch, out);
    if (some && agg->type.kind == TYPE_STRING)
        out->s.p = arena_dup(m->k->scratch, out->s.p, out->s.n);
    agg_clear(agg, acc);
    return some;
}

static bool agg_of_walk(const struct walk *w, const struct match_agg *a, int carry, union cell *out)
{
    struct match *m = w->m;
    uint64_t acc[AGG_WORDS_MAX] = {0};
    struct agg agg;
    struct rowref here = keyed_row_ref(w->row);
    uint64_t number = matches_of(w->cell) + 1;
    if (carry >= 0) {
        const struct match_carry *c = &m->p->carries[carry];
        agg = c->agg;
        if (w->node != NULL)
            memcpy(acc, &w->node->extra[c->at], agg.size);
    } else {
        agg_init(&agg, &a->call);
        for (const struct match_node *at = w->node; at != NULL; at = at->parent) {
            int var = m->p->nfa->states[at->state].var;
            if (a->vars & bit(var))
                agg_row(m, a, &agg, acc, kept_ref(at->row), at->row->seq, var, number);
        }
    }
    if (names_own(w, a->vars))
        agg_row(m, a, &agg, acc, here, w->row->seq, w->var, number);
    return agg_take(m, &agg, acc, out);
}

static bool value_of(struct match *m, const struct match_cell *cell, int var, struct match_expr *x,
                     struct match_node *n, const struct keyed_row *r, union cell *out)
{
    const struct walk w = {.m = m, .cell = cell, .node = n, .row = r, .var = var};
    struct rowref *navs = x->rows;
    union cell *cells = x->cells;
    bool *nulls = x->nulls;
    for (unsigned i = 0; i < x->nnavs; i++)
        navs[i] = nav_row(&w, &x->navs[i], x->nav_carry[i]);
    for (unsigned i = 0; i < x->nexternals; i++) {
        const struct expr *e = x->externals[i];
        cells[i] = (union cell){0};
        nulls[i] = false;
        if (e->kind == EXPR_MATCH_AGG) {
            nulls[i] = !agg_of_walk(&w, x->aggs[i], x->external_carry[i], &cells[i]);
        } else if (e->kind == EXPR_MATCH_NUMBER) {
            cells[i].i = (int64_t)matches_of(cell) + 1;
        } else {
            int v = nav_var(&w, &e->nav);
            nulls[i] = v < 0;
            if (v >= 0)
                cells[i] = var_name(m, v);
        }
    }
    const struct exprvm_env env = {.current = keyed_row_ref(r),
                                   .layout = &m->k->layout,
                                   .navs = navs,
                                   .externals = cells,
                                   .external_nulls = nulls,
                                   .scratch = m->k->scratch};
    return exprvm_eval(x->vm, &env, out);
}

bool matchenv_holds(struct match *m, const struct match_cell *cell, int var, struct match_node *n,
                    const struct keyed_row *r)
{
    union cell out = {0};
    return value_of(m, cell, var, m->p->path[var], n, r, &out) && out.i != 0;
}

bool matchenv_value_at(struct match *m, const struct match_cell *cell, int var,
                       struct match_expr *x, struct match_node *n, const struct keyed_row *r,
                       union cell *out)
{
    *out = (union cell){0};
    return value_of(m, cell, var, x, n, r, out);
}

/* --- a whole match --- */

/* Index in the view of the row that n names, PREV and NEXT apart; or -1. */
static int view_nav(const struct match_view *v, const struct nav *n)
{
    if (n->current)
        return (int)v->seen - 1;
    uint32_t skip = n->logical;
    unsigned rows = n->running ? v->seen : v->n;
    for (unsigned i = 0; i < rows; i++) {
        unsigned at = n->first ? i : rows - 1 - i;
        if ((n->vars & bit(v->vars[at])) && skip-- == 0)
            return (int)at;
    }
    return -1;
}

/* The row that n names, or NULL. */
static const struct kept *view_row(const struct match_view *v, const struct nav *n)
{
    int at = view_nav(v, n);
    if (at < 0 || n->physical == 0)
        return at < 0 ? NULL : v->rows[at];
    return matchrows_beside(v->cell->memory, v->rows[at]->seq, n->physical);
}

/* The variable of the row that n names, or -1: there is none, or it is not of the match. */
static int view_var(const struct match_view *v, const struct nav *n)
{
    int at = view_nav(v, n);
    if (at < 0 || n->physical == 0)
        return at < 0 ? -1 : v->vars[at];
    const struct kept *r = view_row(v, n);
    for (unsigned i = 0; r != NULL && i < v->n; i++)
        if (v->rows[i]->seq == r->seq)
            return v->vars[i];
    return -1;
}

static bool view_external(struct match *m, const struct match_view *v, const struct expr *e,
                          const struct match_agg *a, union cell *out)
{
    if (e->kind == EXPR_MATCH_NUMBER) {
        out->i = (int64_t)matches_of(v->cell);
        return !v->unmatched;
    }
    if (e->kind == EXPR_MATCH_ROWTIME) {
        out->i = v->time;
        return true;
    }
    if (e->kind == EXPR_CLASSIFIER) {
        int var = view_var(v, &e->nav);
        if (var >= 0)
            *out = var_name(m, var);
        return var >= 0;
    }
    uint64_t acc[AGG_WORDS_MAX] = {0};
    struct agg agg;
    agg_init(&agg, &a->call);
    unsigned rows = e->agg.running ? v->seen : v->n;
    for (unsigned i = 0; i < rows; i++)
        if (a->vars & bit(v->vars[i]))
            agg_row(m, a, &agg, acc, kept_ref(v->rows[i]), v->rows[i]->seq, v->vars[i],
                    matches_of(v->cell));
    return agg_take(m, &agg, acc, out);
}

bool matchenv_value(struct match *m, const struct match_view *v, struct match_expr *x,
                    union cell *out)
{
    struct arena *a = m->k->scratch;
    struct rowref *navs = x->rows;
    union cell *cells = x->cells;
    bool *nulls = x->nulls;
    for (unsigned i = 0; i < x->nnavs; i++)
        navs[i] = kept_ref(view_row(v, &x->navs[i]));
    for (unsigned i = 0; i < x->nexternals; i++)
        nulls[i] = !view_external(m, v, x->externals[i], x->aggs[i], &cells[i]);
    const struct exprvm_env env = {.current = kept_ref(v->row),
                                   .layout = &m->k->layout,
                                   .navs = navs,
                                   .externals = cells,
                                   .external_nulls = nulls,
                                   .scratch = a};
    return exprvm_eval(x->vm, &env, out);
}
