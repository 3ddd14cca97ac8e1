/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's state is a list of runs in order of their first rows. All runs of a rule, over all keys, also hang in one list
 * in order of time, which is the order in which they are made: rows come in order of time, so what is over is at its head.
 *
 * With the skip modes a match counts only when every run begun earlier is decided, since such a run's match may skip over
 * this one's beginning: matches leave a key from the head of its list. */
#include "cep/match/match.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/match/matchrun.h"
#include <string.h>

/* --- the program --- */

enum err match_supported(const struct rule_plan *p, struct diag *d)
{
    return matchcheck_plan(p, d);
}

/* Whether there is a number, as rows that no match takes ask, needs no count. */
static bool uses_match_number(const struct expr *e)
{
    if (e == NULL || (e->kind == EXPR_IS_NULL && e->args[0]->kind == EXPR_MATCH_NUMBER))
        return false;
    if (e->kind == EXPR_MATCH_NUMBER ||
        (e->kind == EXPR_MATCH_AGG &&
         (uses_match_number(e->agg.call.arg) || uses_match_number(e->agg.call.filter))))
        return true;
    for (unsigned i = 0; i < e->nargs; i++)
        if (uses_match_number(e->args[i]))
            return true;
    return false;
}

static void reach_by(struct match_prog *p, int32_t physical)
{
    if (physical < 0 && (uint32_t)-physical > p->history)
        p->history = (uint32_t)-physical;
    if (physical > 0 && (uint32_t)physical > p->ahead)
        p->ahead = (uint32_t)physical;
}

/* How far x looks before and after rows of the match. */
static void reach(struct match_prog *p, const struct match_expr *x)
{
    for (unsigned i = 0; x != NULL && i < x->nnavs; i++)
        reach_by(p, x->navs[i].physical);
    for (unsigned i = 0; x != NULL && i < x->nexternals; i++)
        if (x->externals[i]->kind == EXPR_CLASSIFIER)
            reach_by(p, x->externals[i]->nav.physical);
}

static void make_exprs(struct match_prog *p)
{
    const struct rule_plan *plan = p->plan;
    for (unsigned v = 0; v < p->m->nvars; v++)
        if (p->m->vars[v].path != NULL)
            p->path[v] = matchenv_new(p->m->vars[v].path);
    p->noutputs = plan->noutputs;
    p->outputs = mem_array(plan->noutputs, sizeof(struct match_expr *));
    for (unsigned i = 0; i < plan->noutputs; i++)
        if (plan->outputs[i].e->kind != EXPR_COLUMN)
            p->outputs[i] = matchenv_new(plan->outputs[i].e);
    if (p->m->having != NULL)
        p->having = matchenv_new(p->m->having);
    for (unsigned v = 0; v < p->m->nvars; v++)
        reach(p, p->path[v]);
    for (unsigned i = 0; i < plan->noutputs; i++)
        reach(p, p->outputs[i]);
    reach(p, p->having);
}

/* What the clauses ask of the operator. */
static void decide(struct match_prog *p)
{
    const struct match_plan *m = p->m;
    const struct nfa *n = p->nfa;
    bool asked = false, told = uses_match_number(m->having);
    for (unsigned v = 0; v < m->nvars; v++)
        asked |= uses_match_number(m->vars[v].path);
    for (unsigned i = 0; i < p->noutputs; i++)
        told |= uses_match_number(p->plan->outputs[i].e);
    p->no_skip = m->skip == SKIP_NONE;
    p->unmatched = m->rows == ROWS_ALL_UNMATCHED;
    /* ISO knows neither NO SKIP nor arrows; with them, as in Flink CEP, a match takes a row at least. */
    p->cuts_empty = n->states[0].accepts != 0 && !p->no_skip && !n->relaxed;
    p->empties = p->cuts_empty && m->bounded && (m->rows != ROWS_ALL_OMIT_EMPTY || asked || told);
    p->one_by_one = asked && !p->no_skip;
    p->in_order = p->unmatched || ((asked || told) && !p->no_skip);
    p->queued = p->ahead > 0 || p->one_by_one;
    p->numbered = asked || told;
    p->heaped = n->steps || p->queued || (n->at_end && m->within_ms >= 0);
    p->groups = !p->queued && !p->unmatched && !p->empties;
    p->keeps_rows = p->history > 0 || p->queued || p->unmatched || p->empties;
    p->every_row = p->keeps_rows || n->at_start;
    p->all_rows = n->strict || p->every_row;
    p->sticky = asked || told || p->history > 0 || p->queued || n->at_start;
}

struct match_prog *match_prog_new(const struct rule_plan *plan)
{
    struct match_prog *p = mem_new(sizeof *p);
    p->plan = plan;
    p->m = &plan->match;
    enum err e = nfa_build(p->m, NULL, &p->nfa);
    BUG_IF(e != ERR_OK, "rule %s was not refused: %s", plan->name, err_name(e));
    make_exprs(p);
    decide(p);
    p->tangled = p->nfa->tangled && !p->no_skip;
    p->rank_at = p->nfa->ambiguous;
    p->ncounts_at = p->rank_at + p->tangled;
    p->nextra = matchenv_layout(p, p->ncounts_at + (p->nfa->ndepths + 1) / 2);
    const struct nfa_state *st = &p->nfa->states[0];
    for (unsigned i = 0; i < st->nedges; i++)
        if (st->edges[i].to != NFA_ACCEPT)
            p->start_vars |= UINT64_C(1) << p->nfa->states[st->edges[i].to].var;
    for (unsigned s = 1; s < p->nfa->nstates; s++)
        p->taking |= UINT64_C(1) << p->nfa->states[s].var;
    p->wait = mem_array(p->nfa->nstates, sizeof *p->wait);
    return p;
}

void match_prog_free(struct match_prog *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->noutputs; i++)
        matchenv_free(p->outputs[i]);
    mem_free(p->outputs);
    matchenv_free(p->having);
    matchenv_fini(p);
    nfa_free(p->nfa);
    mem_free(p->wait);
    mem_free(p);
}

const struct nfa *match_prog_nfa(const struct match_prog *p)
{
    return p->nfa;
}

uint64_t match_prog_vars(const struct match_prog *p)
{
    return p->nfa->vars;
}

bool match_prog_all_rows(const struct match_prog *p)
{
    return p->all_rows;
}

bool match_prog_every_row(const struct match_prog *p)
{
    return p->every_row;
}

uint64_t match_prog_start_vars(const struct match_prog *p)
{
    return p->start_vars;
}

void match_prog_bind(struct match_prog *p, unsigned see_bit, const unsigned *var_bits)
{
    p->see_bit = see_bit;
    memcpy(p->var_bits, var_bits, p->m->nvars * sizeof *var_bits);
    p->start_fold = p->unmatched || p->empties ? matchrun_fold(see_bit) : 0;
    for (uint64_t v = p->start_vars; v != 0; v &= v - 1)
        p->start_fold |= matchrun_fold(p->var_bits[__builtin_ctzll(v)]);
    for (unsigned s = 0; s < p->nfa->nstates; s++) {
        p->wait[s] = p->nfa->states[s].strict ? matchrun_fold(see_bit) : 0;
        for (uint64_t v = p->nfa->states[s].vars; v != 0; v &= v - 1)
            p->wait[s] |= matchrun_fold(p->var_bits[__builtin_ctzll(v)]);
    }
}

/* --- the operator --- */

struct match *match_new(struct keyed *k)
{
    struct match *m = mem_new(sizeof *m);
    m->k = k;
    m->saver = matchsave_new();
    return m;
}

void match_bind(struct match *m, const struct match_prog *p, const struct keyed_rule *r)
{
    unsigned words = 0;
    m->p = p;
    m->rule = *r;
    m->bound++;
    m->max_partials = keyed_limit(r->plan->limits.partials, m->k->max_partials);
    m->max_rows = keyed_limit(r->plan->limits.rows, m->k->max_rows);
    m->limited = m->max_partials < SIZE_MAX / 2 || m->max_rows < SIZE_MAX / 2;
    for (uint64_t v = p->nfa->vars; v != 0; v &= v - 1)
        if (p->var_bits[__builtin_ctzll(v)] / 64 >= words)
            words = p->var_bits[__builtin_ctzll(v)] / 64 + 1;
    m->bits = mem_resize_array(m->bits, words + 1, sizeof *m->bits);
    if (m->ready)
        return;
    m->ready = true;
    slab_init(&m->nodes, sizeof(struct match_node) + p->nextra * sizeof(uint64_t));
    slab_init(&m->runs, sizeof(struct match_run));
    slab_init(&m->cells, sizeof(struct match_cell));
}

bool match_has_steps(const struct match *m)
{
    return m->p != NULL && m->p->heaped && !m->p->queued;
}

/* --- cells --- */

struct match_cell *match_cell_new(struct match *m, struct key *key, unsigned pauses)
{
    struct match_cell *c = slab_alloc(&m->cells);
    *c = (struct match_cell){.pauses = pauses & MATCH_PAUSES_MASK};
    if (m->p->sticky || m->p->keeps_rows)
        c->memory = matchrows_new(m, c);
    keytable_link(key, &c->state, m->rule.slot);
    return c;
}

void match_link(struct match_cell *c, struct match_run *run)
{
    run->before = c->last;
    *(c->last != NULL ? &c->last->next : &c->first) = run;
    c->last = run;
    c->state.room++;
}

static void cell_free(struct match *m, struct match_cell *c)
{
    matchgroup_drop(m, c);
    while (c->first != NULL)
        matchsettle_remove(m, c, c->first);
    matchrows_free(m, c->memory);
    keytable_unlink(&c->state);
    slab_free(&m->cells, c);
}

/* --- time --- */

static bool is_over(const struct match_run *run, evtime w)
{
    return w >= matchdue_time(run) || w == EVTIME_MAX;
}

/* The time of a run has come. */
static void end(struct match *m, struct match_run *run, bool end_of_input)
{
    evtime due = matchdue_time(run);
    if (m->p->heaped && due != EVTIME_MAX && due < matchend_time(m, run)) {
        matchend_expire(m, run, due);
        if (!run->decided) {
            matchdue_add(m, run);
            return;
        }
    }
    matchdue_remove(m, run);
    run->untimed = true;
    if (!run->decided)
        matchend_run(m, run, end_of_input);
    if (!run->decided) { /* it waits for the end of the input */
        run->untimed = false;
        matchdue_add(m, run);
    }
}

static void touch(struct match *m, struct match_cell *c, struct match_run *run)
{
    if (!m->grouped)
        return;
    if (matchrun_is_over(m, run))
        matchgroup_remove(c, run);
    matchgroup_touch(m, run);
}

/* Runs of this cell whose time is over before a row at t. */
static void expire(struct match *m, struct match_cell *c, evtime t)
{
    for (struct match_run *run = c->first; run != NULL; run = run->next) {
        if (!is_over(run, t) && !run->untimed) {
            if (m->p->heaped)
                continue;
            break;
        }
        if (run->untimed)
            continue;
        while (!run->untimed && is_over(run, t))
            end(m, run, false);
        touch(m, c, run);
    }
}

/* From here on `grouped` and `touched` are about this cell. */
static void look_at(struct match *m, struct match_cell *c, bool all)
{
    if (all)
        matchgroup_drop(m, c);
    m->grouped = m->p->groups && !all && matchgroup_ready(m, c);
    m->ntouched = 0;
}

/* Idle states are freed. True: it was. */
static bool free_if_idle(struct match *m, struct match_cell *c)
{
    if (c->first != NULL || m->p->sticky)
        return false;
    cell_free(m, c);
    return true;
}

/* --- rows --- */

static void begin(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    if (m->p->one_by_one && c->first != NULL)
        return;
    uint64_t waiting = m->waiting;
    m->waiting = 0;
    struct match_run *run = matchrun_begin(m, c, r);
    if (run != NULL) {
        if (m->limited)
            run->taken = c->taken & MATCH_TAKEN_MASK;
        match_link(c, run);
        matchdue_add(m, run);
        if (m->grouped && matchrun_is_over(m, run))
            matchgroup_touch(m, run);
        else if (m->grouped)
            matchgroup_add(m, c, run, m->waiting);
    }
    m->waiting |= waiting;
}

static void step_run(struct match *m, struct match_run *run, struct keyed_row *r)
{
    if (matchrun_is_over(m, run))
        return;
    matchrun_step(m, run, r);
    if (m->p->heaped)
        matchdue_add(m, run);
}

static void step_all(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    if (!m->grouped) {
        for (struct match_run *run = c->first; run != NULL; run = run->next)
            step_run(m, run, r);
        return;
    }
    uint64_t waiting = m->waiting;
    matchgroup_take(m, c, r->fold);
    for (size_t i = 0; i < m->ntouched; i++)
        step_run(m, m->touched[i], r);
    /* Only now: what is split off would be shown the row twice. */
    for (size_t i = 0; i < m->ntouched; i++)
        if (!matchrun_is_over(m, m->touched[i]))
            matchgroup_settle(m, c, m->touched[i]);
    m->waiting = waiting;
}

/* True: the rule was paused since the key's last row. */
static bool cross_pauses(struct match *m, struct match_cell *c, evtime t)
{
    unsigned pauses = cut_pauses(m->rule.cut, t);
    if (pauses == c->pauses)
        return false;
    c->pauses = pauses & MATCH_PAUSES_MASK;
    for (struct match_run *run = c->first; run != NULL; run = run->next)
        if (!matchrun_is_over(m, run)) {
            matchrun_gap(m, run);
            if (m->p->heaped)
                matchdue_add(m, run);
        }
    return true;
}

/* A row comes to its turn. */
static void take(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    m->took = false;
    look_at(m, c, cross_pauses(m, c, r->ts));
    if (c->first != NULL && !match_has_steps(m))
        expire(m, c, r->ts);
    if (r->fold & c->state.waiting)
        step_all(m, c, r);
    else if (!m->grouped)
        m->waiting |= c->state.waiting;
    if (r->fold & m->p->start_fold)
        begin(m, c, r);
    matchsettle_all(m, c, r->ts);
    if ((m->took && m->limited) || m->p->one_by_one)
        matchlimit_keep(m, c, r);
    if (m->grouped)
        m->waiting |= matchgroup_waiting(c);
}

/* all: the input has ended, nothing comes after the last row. */
static void take_queued(struct match *m, struct match_cell *c, bool all)
{
    struct keyed_row r;
    while (matchrows_next(m, c, all, &r)) {
        take(m, c, &r);
        arena_reset(m->k->scratch);
    }
    matchrows_trim(m, c);
}

/* A row of a rule that looks at more than the rows of its matches. */
static void remember(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    if (c->memory->first == 0)
        c->memory->first = r->seq;
    if (m->p->keeps_rows)
        matchrows_add(m, c, r);
    m->waiting |= matchrun_fold(m->p->see_bit);
    c->state.waiting |= m->waiting;
}

void match_row(struct match *m, struct keystate *state, struct key *key, struct keyed_row *r)
{
    const struct match_prog *p = m->p;
    struct match_cell *c = (struct match_cell *)(void *)state;
    if (p->all_rows && !keyed_bit(r, p->see_bit))
        return; /* another condition of the same fold holds */
    if (c == NULL)
        c = match_cell_new(m, key, cut_pauses(m->rule.cut, r->ts));
    m->waiting = 0;
    if (p->every_row)
        remember(m, c, r);
    if (p->queued) {
        take_queued(m, c, false);
    } else {
        take(m, c, r);
        if (p->keeps_rows)
            matchrows_trim(m, c);
    }
    c->state.waiting = m->waiting;
    key->waiting |= m->waiting;
    free_if_idle(m, c);
}

/* What rows still wait for others that will not come. */
static void end_queues(struct match *m)
{
    for (struct match_memory *h = m->memories; h != NULL; h = h->after) {
        keyed_touch(m->k, h->cell->state.key);
        take_queued(m, h->cell, true);
    }
}

void match_advance(struct match *m, evtime w)
{
    if (m->p == NULL || (m->p->ahead > 0 && w != EVTIME_MAX))
        return; /* rows before w may still be in queues */
    if (m->p->ahead > 0)
        end_queues(m);
    for (struct match_run *run; (run = matchdue_first(m)) != NULL && is_over(run, w);) {
        struct match_cell *c = run->cell;
        struct key *key = c->state.key;
        evtime over = matchdue_time(run);
        keyed_touch(m->k, key);
        look_at(m, c, false);
        end(m, run, w == EVTIME_MAX);
        touch(m, c, run);
        matchsettle_all(m, c, over);
        if (m->p->queued)
            take_queued(m, c, w == EVTIME_MAX);
        arena_reset(m->k->scratch);
        if (free_if_idle(m, c))
            keyed_drop_if_idle(m->k, key);
    }
}

void match_prefetch(const struct keystate *state, unsigned link)
{
    const struct match_run *run = ((const struct match_cell *)(const void *)state)->first;
    if (run == NULL)
        return;
    if (link == 1) {
        __builtin_prefetch(run);
    } else if (link == 2) {
        __builtin_prefetch(run->list);
        __builtin_prefetch(run->timer.before, 1);
        __builtin_prefetch(run->timer.after, 1);
    } else if (run->list != NULL) {
        __builtin_prefetch(run->list->row);
        __builtin_prefetch((const char *)run->list->row + 64);
        __builtin_prefetch((const char *)run->list->row + 128);
    }
}

void match_drop(struct match *m, struct keystate *state)
{
    cell_free(m, (struct match_cell *)(void *)state);
}

void match_free(struct match *m)
{
    if (m == NULL)
        return;
    if (m->ready) {
        slab_fini(&m->nodes);
        slab_fini(&m->runs);
        slab_fini(&m->cells);
    }
    mem_free(m->made);
    timers_fini(&m->timers);
    mem_free(m->bits);
    mem_free(m->touched);
    mem_free(m->held.times);
    matchsave_free(m->saver);
    mem_free(m);
}

evtime match_next(const struct match *m)
{
    if (m->p != NULL && m->p->ahead > 0)
        return EVTIME_MAX; /* the end of the input */
    const struct match_run *first = matchdue_first(m);
    return first != NULL ? matchdue_time(first) : EVTIME_MAX;
}

evtime match_held(const struct match *m)
{
    return matchheld_least(m);
}

uint64_t match_dropped(const struct match *m)
{
    return m->dropped;
}

size_t match_cells(const struct match *m)
{
    return m->ready ? m->cells.live : 0;
}

struct keystate *match_due(const struct match *m, evtime to)
{
    const struct match_run *first = m->p->ahead > 0 ? NULL : matchdue_first(m);
    return first != NULL && matchdue_time(first) <= to ? &first->cell->state : NULL;
}

void match_each_due(const struct match *m, evtime to, void (*f)(void *ctx, struct keystate *c),
                    void *ctx)
{
    if (m->p->ahead == 0)
        matchdue_each(m, to, f, ctx);
}

uint64_t match_partials(const struct match *m)
{
    return m->partials;
}

size_t match_bytes(const struct match *m)
{
    return m->ready ? m->nodes.bytes + m->runs.bytes + m->cells.bytes + m->group_bytes : 0;
}

size_t match_used(const struct match *m)
{
    return m->ready
               ? slab_used(&m->nodes) + slab_used(&m->runs) + slab_used(&m->cells) + m->group_bytes
               : 0;
}
