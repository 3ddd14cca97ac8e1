/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/match/matchmap.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include <string.h>
#include <strings.h>

/* Positions that are compared each with each, at most; beyond, only what is alike from both ends corresponds. */
enum { TABLE_MAX = 4 << 20 };

struct maker {
    const struct match_prog *from, *to;
    const struct nfa *a, *b;
    struct matchmap *m;
    struct matchmap_state *states;
};

/* --- variables --- */

static int var_named(const struct match_plan *p, const char *name)
{
    for (unsigned v = 0; v < p->nvars; v++)
        if (strcasecmp(p->vars[v].name, name) == 0)
            return (int)v;
    return -1;
}

/* Do the conditions say the same, if `a` of the old version is called as b of the new one? */
static bool same_conditions(const struct maker *k, int a, int b)
{
    const struct match_var *x = &k->from->m->vars[a], *y = &k->to->m->vars[b];
    if ((x->row == NULL) != (y->row == NULL) || (x->path == NULL) != (y->path == NULL) ||
        (x->row != NULL && !expr_same(x->row, y->row)))
        return false;
    if (x->path == NULL)
        return true;
    const char *names[PLAN_VARS_MAX];
    struct bytes left = {0}, right = {0};
    for (unsigned v = 0; v < k->from->m->nvars; v++)
        names[v] = k->from->m->vars[v].name;
    names[a] = y->name;
    expr_print(x->path, k->from->plan->input, names, &left);
    expr_print(y->path, k->to->plan->input, k->to->m->var_names, &right);
    bool same = left.n == right.n && memcmp(left.p, right.p, left.n) == 0;
    bytes_fini(&left);
    bytes_fini(&right);
    return same;
}

static uint64_t vars_of(const struct maker *k, uint64_t vars, bool *all)
{
    uint64_t out = 0;
    for (; vars != 0; vars &= vars - 1) {
        int v = k->m->var[__builtin_ctzll(vars)];
        *all &= v >= 0;
        out |= v >= 0 ? UINT64_C(1) << v : 0;
    }
    return out;
}

/* --- positions --- */

static bool alike(const struct maker *k, unsigned s, unsigned t)
{
    int v = k->m->var[k->a->states[s].var];
    return v >= 0 && v == k->b->states[t].var &&
           k->a->states[s].excluded == k->b->states[t].excluded;
}

/* Positions [s, s + n) and [t, t + n) were given other names, if at all. */
static void rename_gap(struct maker *k, unsigned s, unsigned t, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int a = k->a->states[s + i].var, b = k->b->states[t + i].var;
        bool known = var_named(k->to->m, k->from->m->vars[a].name) >= 0 ||
                     var_named(k->from->m, k->to->m->vars[b].name) >= 0;
        if (k->m->var[a] < 0 && !known && same_conditions(k, a, b))
            k->m->var[a] = b;
        if (alike(k, s + i, t + i))
            k->states[s + i].to = (uint16_t)(t + i);
    }
}

/* Longest common subsequence of [s, s + n) and [t, t + m). */
static void align(struct maker *k, unsigned s, unsigned n, unsigned t, unsigned m)
{
    if (n == 0 || m == 0 || (size_t)(n + 1) * (m + 1) > TABLE_MAX)
        return;
    uint16_t *best = mem_array((size_t)(n + 1) * (m + 1), sizeof *best);
#define BEST(i, j) best[(size_t)(i) * (m + 1) + (j)]
    for (unsigned i = n; i-- > 0;)
        for (unsigned j = m; j-- > 0;) {
            uint16_t skip = BEST(i + 1, j) > BEST(i, j + 1) ? BEST(i + 1, j) : BEST(i, j + 1);
            BEST(i, j) = alike(k, s + i, t + j) ? (uint16_t)(BEST(i + 1, j + 1) + 1) : skip;
        }
    for (unsigned i = 0, j = 0; i < n && j < m;)
        if (alike(k, s + i, t + j))
            k->states[s + i++].to = (uint16_t)(t + j++);
        else if (BEST(i + 1, j) >= BEST(i, j + 1))
            i++;
        else
            j++;
#undef BEST
    mem_free(best);
}

/* Between two pairs that correspond, as many old as new ones that do not may be the same under other names. */
static void find_renamed(struct maker *k)
{
    unsigned s = 1, t = 1;
    for (unsigned i = 1; i <= k->a->nstates; i++) {
        bool end = i == k->a->nstates;
        if (!end && k->states[i].to == MATCHMAP_NONE)
            continue;
        unsigned j = end ? k->b->nstates : k->states[i].to;
        if (j >= t && i - s == j - t)
            rename_gap(k, s, t, i - s);
        s = i + 1;
        t = j + 1;
    }
}

static void map_positions(struct maker *k)
{
    unsigned n = k->a->nstates, m = k->b->nstates, first = 1;
    for (unsigned v = 0; v < PLAN_VARS_MAX; v++)
        k->m->var[v] = -1;
    for (unsigned v = 0; v < k->from->m->nvars; v++)
        k->m->var[v] = var_named(k->to->m, k->from->m->vars[v].name);
    for (unsigned s = 0; s < n; s++)
        k->states[s].to = MATCHMAP_NONE;
    for (; first < n && first < m && alike(k, first, first); first++)
        k->states[first].to = (uint16_t)first;
    for (; n > first && m > first && alike(k, n - 1, m - 1); n--, m--)
        k->states[n - 1].to = (uint16_t)(m - 1);
    align(k, first, n - first, first, m - first);
    find_renamed(k);
}

/* --- edges --- */

static bool same_counts(const struct nfa_edge *x, const struct nfa_edge *y)
{
    if (x->nguards != y->nguards || (y->to != NFA_ACCEPT && x->nacts != y->nacts))
        return false;
    for (unsigned i = 0; i < x->nguards; i++)
        if (x->guards[i].depth != y->guards[i].depth || x->guards[i].least != y->guards[i].least ||
            x->guards[i].below != y->guards[i].below)
            return false;
    for (unsigned i = 0; i < x->nacts && y->to != NFA_ACCEPT; i++)
        if (x->acts[i].depth != y->acts[i].depth || x->acts[i].more != y->acts[i].more ||
            x->acts[i].by != y->acts[i].by)
            return false;
    return true;
}

/* Would the new edge be alive whenever the old one is? A longer or shorter time is looked at when a row comes. */
static bool same_edge(const struct maker *k, const struct nfa_edge *x, const struct nfa_edge *y)
{
    bool all = true;
    uint16_t to = x->to == NFA_ACCEPT ? NFA_ACCEPT : k->states[x->to].to;
    return to == y->to && x->how == y->how && x->at_start == y->at_start &&
           x->at_end == y->at_end && same_counts(x, y) && vars_of(k, x->nots, &all) == y->nots &&
           vars_of(k, x->next_nots, &all) == y->next_nots &&
           vars_of(k, x->untils, &all) == y->untils &&
           vars_of(k, x->untils_row, &all) == y->untils_row && all &&
           (x->step_ms < 0) == (y->step_ms < 0);
}

static void map_edges(struct maker *k, unsigned s)
{
    struct matchmap_state *out = &k->states[s];
    const struct nfa_state *old = &k->a->states[s], *new = &k->b->states[out->to];
    uint64_t had = 0;
    for (unsigned i = 0; i < old->nedges; i++) {
        out->edge[i] = NFA_EDGES_MAX;
        if (old->edges[i].how == CONTIGUITY_NEXT && old->edges[i].to != NFA_ACCEPT)
            out->next |= UINT64_C(1) << i;
        for (unsigned j = 0; j < new->nedges; j++)
            if (!(had >> j & 1) && same_edge(k, &old->edges[i], &new->edges[j])) {
                out->edge[i] = (uint8_t)j;
                had |= UINT64_C(1) << j;
                break;
            }
        out->loses |= out->edge[i] == NFA_EDGES_MAX;
    }
    for (unsigned j = 0; j < new->nedges; j++) {
        const struct nfa_edge *e = &new->edges[j];
        if ((had >> j & 1) || e->to == NFA_ACCEPT) /* it would have been told already */
            continue;
        bool any = e->how != CONTIGUITY_NEXT && e->nots == 0 && e->next_nots == 0 &&
                   e->untils == 0 && e->untils_row == 0;
        *(any ? &out->fresh : &out->fresh_next) |= UINT64_C(1) << j;
    }
}

/* --- the whole --- */

static const char *reset_of(const struct match_prog *a, const struct match_prog *b)
{
    if (a->m->skip != b->m->skip)
        return "AFTER MATCH SKIP is another";
    if (a->unmatched != b->unmatched || a->empties != b->empties)
        return "it tells rows without a match, or empty matches, in one version only";
    if (a->m->norder != b->m->norder)
        return "rows of the same time are in another order";
    if (a->tangled || b->tangled)
        return "which way of this pattern is preferred depends on rows that are not kept";
    if (a->queued != b->queued || a->keeps_rows != b->keeps_rows || a->history < b->history ||
        a->ahead != b->ahead)
        return "conditions look at rows before or after, as they did not";
    if (a->nfa->ambiguous != b->nfa->ambiguous || a->heaped != b->heaped ||
        a->in_order != b->in_order || a->one_by_one != b->one_by_one)
        return "partial matches are kept in another form";
    return NULL;
}

static bool same_carries(const struct match_prog *a, const struct match_prog *b)
{
    if (a->nextra != b->nextra || a->ncarries != b->ncarries || a->ncounts_at != b->ncounts_at)
        return false;
    for (unsigned i = 0; i < a->ncarries; i++) {
        const struct match_carry *x = &a->carries[i], *y = &b->carries[i];
        if (x->kind != y->kind || x->vars != y->vars || x->at != y->at || x->column != y->column ||
            (x->e == NULL) != (y->e == NULL) || (x->e != NULL && !expr_same(x->e, y->e)))
            return false;
    }
    return true;
}

/* Timers of runs are set for when something in them is over: other times, other timers. */
static bool same_times(const struct maker *k)
{
    bool same = k->from->m->within_ms == k->to->m->within_ms;
    for (unsigned s = 1; same && s < k->a->nstates; s++)
        for (unsigned e = 0; same && e < k->a->states[s].nedges; e++)
            same = k->a->states[s].edges[e].step_ms == k->b->states[s].edges[e].step_ms;
    return same;
}

static bool is_shorter(int64_t old_ms, int64_t new_ms)
{
    return new_ms >= 0 && (old_ms < 0 || new_ms < old_ms);
}

static bool is_sooner(const struct maker *k)
{
    bool sooner = is_shorter(k->from->m->within_ms, k->to->m->within_ms);
    for (unsigned s = 1; !sooner && s < k->a->nstates; s++) {
        const struct matchmap_state *m = &k->states[s];
        const struct nfa_state *new = m->to == MATCHMAP_NONE ? NULL : &k->b->states[m->to];
        for (unsigned j = 0; new != NULL && !sooner &&j < new->nedges; j++) {
            int64_t old_ms = -1;
            for (unsigned e = 0; e < k->a->states[s].nedges; e++)
                if (m->edge[e] == j)
                    old_ms = k->a->states[s].edges[e].step_ms;
            sooner = is_shorter(old_ms, new->edges[j].step_ms);
        }
    }
    return sooner;
}

static bool is_in_place(const struct maker *k)
{
    bool same = k->a->nstates == k->b->nstates && same_carries(k->from, k->to) &&
                k->from->no_skip == k->to->no_skip && k->from->groups == k->to->groups &&
                k->from->history == k->to->history && k->from->sticky == k->to->sticky;
    for (unsigned s = 1; same && s < k->a->nstates; s++) {
        const struct matchmap_state *m = &k->states[s];
        same = m->to == s && m->fresh == 0 && m->fresh_next == 0 && !m->loses &&
               k->a->states[s].var == k->b->states[s].var;
        for (unsigned e = 0; same && e < k->a->states[s].nedges; e++)
            same = m->edge[e] == e;
    }
    return same && same_times(k);
}

struct matchmap *matchmap_new(const struct match_prog *from, const struct match_prog *to)
{
    struct arena *arena = arena_new(1024, 0);
    struct matchmap *m = arena_zero(arena, sizeof *m);
    struct maker k = {from, to, from->nfa, to->nfa, m, NULL};
    m->arena = arena;
    m->nstates = k.a->nstates;
    m->remembers = from->sticky || from->keeps_rows;
    m->ndepths = k.a->ndepths;
    m->states = k.states = arena_zero(arena, m->nstates * sizeof *k.states);
    m->reset = reset_of(from, to);
    map_positions(&k);
    for (unsigned s = 1; s < m->nstates; s++)
        if (k.states[s].to != MATCHMAP_NONE)
            map_edges(&k, s);
    /* Ways are told apart by the numbers of their variables. */
    for (unsigned v = 0; k.a->ambiguous && m->reset == NULL && v < from->m->nvars; v++)
        if (m->var[v] >= 0 && m->var[v] != (int)v)
            m->reset = "its variables come in another order, and the pattern has several ways";
    m->in_place = m->reset == NULL && is_in_place(&k);
    m->sooner = is_sooner(&k);
    return m;
}

void matchmap_free(struct matchmap *m)
{
    if (m != NULL)
        arena_free(m->arena);
}

uint64_t matchmap_live(const struct matchmap *m, unsigned state, uint64_t live)
{
    const struct matchmap_state *s = &m->states[state];
    if (m->reset != NULL || s->to == MATCHMAP_NONE)
        return 0;
    uint64_t out = s->fresh | ((live & s->next) != 0 ? s->fresh_next : 0);
    for (; live != 0; live &= live - 1) {
        unsigned i = (unsigned)__builtin_ctzll(live);
        if (i < NFA_EDGES_MAX && s->edge[i] < NFA_EDGES_MAX)
            out |= UINT64_C(1) << s->edge[i];
    }
    return out;
}
