/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's state is a list of runs in order of their first rows. All runs of a rule, over all keys, also hang in one list
 * in order of time, which is the order in which they are made: rows come in order of time, so what is over is at its head.
 *
 * With the skip modes a match counts only when every run begun earlier is decided, since such a run's match may skip over
 * this one's beginning: matches leave a key from the head of its list. */
#include "cep/match.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/matchrun.h"
#include <string.h>

/* --- the program --- */

enum err match_supported(const struct rule_plan *p, struct diag *d)
{
    return matchcheck_plan(p, d);
}

static bool uses_match_number(const struct expr *e)
{
    if (e == NULL)
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

static uint32_t reach_back(const struct match_expr *x)
{
    uint32_t most = 0;
    for (unsigned i = 0; x != NULL && i < x->nnavs; i++)
        if (x->navs[i].physical < 0 && (uint32_t)-x->navs[i].physical > most)
            most = (uint32_t)-x->navs[i].physical;
    return most;
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
    for (unsigned v = 0; v < p->m->nvars; v++) {
        if (reach_back(p->path[v]) > p->history)
            p->history = reach_back(p->path[v]);
        p->sticky |= uses_match_number(p->m->vars[v].path);
    }
    for (unsigned i = 0; i < plan->noutputs; i++) {
        if (reach_back(p->outputs[i]) > p->history)
            p->history = reach_back(p->outputs[i]);
        p->sticky |= uses_match_number(plan->outputs[i].e);
    }
    p->sticky |= uses_match_number(p->m->having) || p->history > 0;
}

struct match_prog *match_prog_new(const struct rule_plan *plan)
{
    struct match_prog *p = mem_new(sizeof *p);
    p->plan = plan;
    p->m = &plan->match;
    p->no_skip = p->m->skip == SKIP_NONE;
    enum err e = nfa_build(p->m, NULL, &p->nfa);
    BUG_IF(e != ERR_OK, "rule %s was not refused: %s", plan->name, err_name(e));
    p->steps = p->nfa->steps;
    make_exprs(p);
    p->every_row = p->history > 0 || p->nfa->at_start;
    p->sticky |= p->nfa->at_start;
    p->all_rows = p->nfa->strict || p->every_row;
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
    p->start_fold = 0;
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
    return m;
}

void match_bind(struct match *m, const struct match_prog *p, const struct keyed_rule *r)
{
    m->p = p;
    m->rule = *r;
    if (m->ready)
        return;
    m->ready = true;
    slab_init(&m->nodes, sizeof(struct match_node) + p->nextra * sizeof(uint64_t));
    slab_init(&m->runs, sizeof(struct match_run));
    slab_init(&m->cells, sizeof(struct match_cell));
}

static void time_add(struct match *m, struct match_run *run)
{
    if (m->p->steps) {
        matchdue_push(m, run);
        return;
    }
    run->older = m->newest;
    *(m->newest != NULL ? &m->newest->newer : &m->oldest) = run;
    m->newest = run;
}

static void time_remove(struct match *m, struct match_run *run)
{
    if (m->p->steps) {
        matchdue_pull(m, run);
        return;
    }
    *(run->older != NULL ? &run->older->newer : &m->oldest) = run->newer;
    *(run->newer != NULL ? &run->newer->older : &m->newest) = run->older;
    run->older = run->newer = NULL;
}

/* The run that is over next, and when. */
static struct match_run *time_first(const struct match *m)
{
    if (m->p->steps)
        return m->nheap > 0 ? m->heap[0] : NULL;
    return m->oldest;
}

static evtime time_of(const struct match *m, const struct match_run *run)
{
    return m->p->steps ? run->due : matchend_time(m, run);
}

/* The head run of a cell leaves. */
static void pop_run(struct match *m, struct match_cell *c, bool timed)
{
    struct match_run *run = c->first;
    c->first = run->next;
    if (c->first == NULL)
        c->last = NULL;
    if (timed)
        time_remove(m, run);
    matchrun_free(m, run);
}

/* --- rows before the one in hand --- */

static void history_trim(struct match *m, struct match_cell *c)
{
    struct match_memory *h = c->memory;
    uint64_t from = c->first != NULL ? c->first->start : UINT64_MAX;
    size_t past = h->n; /* rows from here on are at or after the oldest run's first */
    while (past > h->from && h->rows[past - 1]->seq >= from)
        past--;
    while (past - h->from > m->p->history)
        keyed_unref(m->k, h->rows[h->from++]);
    if (h->from > 0 && 2 * h->from >= h->n) {
        memmove(h->rows, h->rows + h->from, (h->n - h->from) * sizeof(struct kept *));
        h->n -= h->from;
        h->from = 0;
    }
}

static void history_add(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    struct match_memory *h = c->memory;
    h->rows = mem_grow(h->rows, h->n, 1, &h->cap, sizeof(struct kept *));
    h->rows[h->n++] = keyed_keep_row(m->k, r);
    history_trim(m, c);
}

/* --- cells --- */

static struct match_cell *cell_new(struct match *m, struct key *key, evtime t)
{
    struct match_cell *c = slab_alloc(&m->cells);
    *c = (struct match_cell){.pauses = cut_pauses(m->rule.cut, t)};
    if (m->p->sticky)
        c->memory = mem_new(sizeof *c->memory);
    keytable_link(key, &c->state, m->rule.slot);
    return c;
}

static void cell_free(struct match *m, struct match_cell *c)
{
    while (c->first != NULL)
        pop_run(m, c, !c->first->untimed);
    for (size_t i = c->memory == NULL ? 0 : c->memory->from; c->memory != NULL && i < c->memory->n;
         i++)
        keyed_unref(m->k, c->memory->rows[i]);
    if (c->memory != NULL)
        mem_free(c->memory->rows);
    mem_free(c->memory);
    keytable_unlink(&c->state);
    slab_free(&m->cells, c);
}

/* --- skip modes: what is decided leaves from the head --- */

/* Where matching goes on after a match: runs that begin before it are dropped. */
static uint64_t goes_on_at(struct match *m, struct match_run *run, evtime decided)
{
    const struct match_plan *p = m->p->m;
    const struct match_node *best = run->best, *found = NULL;
    if (p->skip == SKIP_TO_NEXT)
        return run->start + 1;
    if (p->skip == SKIP_PAST_LAST)
        return best->row->seq + 1;
    for (const struct match_node *n = best; n != NULL; n = n->parent)
        if (p->skip_vars >> m->p->nfa->states[n->state].var & 1) {
            found = n;
            if (p->skip == SKIP_TO_LAST)
                break;
        }
    if (found == NULL || found->row->seq == run->start) {
        matchout_bad_skip(m, run->cell, run->best, decided);
        return run->start + 1;
    }
    return found->row->seq;
}

static void give(struct match *m, struct match_cell *c, struct match_run *run, evtime decided,
                 uint64_t *go_on)
{
    if (run->best == NULL) {
        matchend_timeouts(m, run);
        return;
    }
    evtime time =
        run->best_at_end ? matchdue_absent_until(m, run, run->best) : run->best->row->row.ts;
    matchout_match(m, c, run->best, time, decided);
    *go_on = goes_on_at(m, run, decided);
}

static void resolve(struct match *m, struct match_cell *c, evtime decided)
{
    uint64_t go_on = 0;
    while (c->first != NULL && matchrun_is_over(m, c->first)) {
        give(m, c, c->first, decided, &go_on);
        pop_run(m, c, !c->first->untimed);
        while (c->first != NULL && c->first->start < go_on)
            pop_run(m, c, !c->first->untimed);
    }
}

/* SKIP TO NEXT ROW: each run is on its own. NO SKIP: likewise, and its matches have been given. */
static void resolve_each(struct match *m, struct match_cell *c, evtime decided)
{
    uint64_t ignored;
    struct match_run **at = &c->first, *last = NULL;
    for (struct match_run *run; (run = *at) != NULL;) {
        if (!matchrun_is_over(m, run)) {
            last = run;
            at = &run->next;
            continue;
        }
        *at = run->next;
        if (!m->p->no_skip)
            give(m, c, run, decided, &ignored);
        if (!run->untimed)
            time_remove(m, run);
        matchrun_free(m, run);
    }
    c->last = last;
}

static void settle(struct match *m, struct match_cell *c, evtime decided)
{
    if (m->p->no_skip || m->p->m->skip == SKIP_TO_NEXT)
        resolve_each(m, c, decided);
    else
        resolve(m, c, decided);
}

/* --- time --- */

static bool is_over(const struct match *m, const struct match_run *run, evtime w)
{
    return w >= time_of(m, run) || w == EVTIME_MAX;
}

/* The time of a run has come. */
static void end(struct match *m, struct match_run *run, bool end_of_input)
{
    evtime due = time_of(m, run);
    if (m->p->steps && due != EVTIME_MAX && due < matchend_time(m, run)) {
        matchend_expire(m, run, due);
        if (!run->decided) {
            matchdue_moved(m, run);
            return;
        }
    }
    time_remove(m, run);
    run->untimed = true;
    if (!run->decided)
        matchend_run(m, run, end_of_input);
}

/* Runs of this cell whose time is over before a row at t. */
static void expire(struct match *m, struct match_cell *c, evtime t)
{
    for (struct match_run *run = c->first; run != NULL; run = run->next) {
        if (!is_over(m, run, t) && !run->untimed) {
            if (m->p->steps)
                continue;
            break;
        }
        while (!run->untimed && is_over(m, run, t))
            end(m, run, false);
    }
}

/* Idle states are freed. True: it was. */
static bool free_if_idle(struct match *m, struct match_cell *c)
{
    if (c->first != NULL || m->p->sticky)
        return false;
    cell_free(m, c);
    return true;
}

void match_advance(struct match *m, evtime w)
{
    if (m->p == NULL)
        return;
    for (struct match_run *run; (run = time_first(m)) != NULL && is_over(m, run, w);) {
        struct match_cell *c = run->cell;
        struct key *key = c->state.key;
        evtime over = time_of(m, run);
        end(m, run, w == EVTIME_MAX);
        settle(m, c, over);
        arena_reset(m->k->scratch);
        if (free_if_idle(m, c))
            keyed_drop_if_idle(m->k, key);
    }
}

/* --- rows --- */

static void begin(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    struct match_run *run = matchrun_begin(m, c, r);
    if (run == NULL)
        return;
    *(c->last != NULL ? &c->last->next : &c->first) = run;
    c->last = run;
    time_add(m, run);
}

static void step_all(struct match *m, struct match_cell *c, struct keyed_row *r)
{
    for (struct match_run *run = c->first; run != NULL; run = run->next)
        if (!matchrun_is_over(m, run)) {
            matchrun_step(m, run, r);
            if (m->p->steps)
                matchdue_moved(m, run);
        }
}

static void shed(struct match *m, struct match_cell *c)
{
    uint32_t before = c->nodes;
    while (c->nodes > m->k->max_partials && c->first != NULL)
        pop_run(m, c, !c->first->untimed);
    m->k->partials_dropped += before - c->nodes;
}

static void cross_pauses(struct match *m, struct match_cell *c, evtime t)
{
    unsigned pauses = cut_pauses(m->rule.cut, t);
    if (pauses == c->pauses)
        return;
    c->pauses = pauses;
    for (struct match_run *run = c->first; run != NULL; run = run->next)
        if (!matchrun_is_over(m, run))
            matchrun_gap(m, run);
}

void match_row(struct match *m, struct keystate *state, struct key *key, struct keyed_row *r)
{
    const struct match_prog *p = m->p;
    struct match_cell *c = (struct match_cell *)(void *)state;
    bool old = c != NULL;
    if (!old)
        c = cell_new(m, key, r->ts);
    m->waiting = 0;
    if (old) {
        cross_pauses(m, c, r->ts);
        expire(m, c, r->ts);
        if (r->fold & c->state.waiting)
            step_all(m, c, r);
        else
            m->waiting = c->state.waiting;
    }
    if (r->fold & p->start_fold)
        begin(m, c, r);
    settle(m, c, r->ts);
    if (c->nodes > m->k->max_partials)
        shed(m, c);
    if (p->every_row) {
        history_add(m, c, r);
        c->memory->begun = true;
        m->waiting |= matchrun_fold(p->see_bit);
    }
    c->state.waiting = m->waiting;
    key->waiting |= m->waiting;
    free_if_idle(m, c);
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
        __builtin_prefetch(run->older, 1);
        __builtin_prefetch(run->newer, 1);
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
    mem_free(m->heap);
    mem_free(m);
}

evtime match_next(const struct match *m)
{
    if (m->nheap > 0)
        return m->heap[0]->due;
    return m->oldest != NULL ? matchend_time(m, m->oldest) : EVTIME_MAX;
}

uint64_t match_partials(const struct match *m)
{
    return m->partials;
}

size_t match_bytes(const struct match *m)
{
    return m->ready ? m->nodes.bytes + m->runs.bytes + m->cells.bytes : 0;
}
