/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the key are ordered as the task orders them, and given one by one to an operator of its own. Before each, time
 * is brought up to it, and all that waits is asked about it: what holds, what does not. After it, what is there is compared with what was.
 * Partial matches are kept by a reference, so that one whose time is over can still be asked whether a later row would have
 * been the one. */
#include "cep/match/matchtrace.h"
#include "base/mem.h"
#include "cep/match/matchtracedef.h"
#include "cep/order.h"
#include "cep/task/taskinspect.h"
#include <inttypes.h>
#include <string.h>

static struct match_cell *cell_of(const struct trace *t)
{
    return (struct match_cell *)(void *)t->key->cells;
}

static const char *var_name(const struct trace *t, int var)
{
    return t->plan->match.vars[var].name;
}

/* --- making --- */

/* The least number of rows from each state to a match. */
static void count_left(struct trace *t)
{
    const struct nfa *n = t->prog->nfa;
    t->left = mem_array(n->nstates, sizeof *t->left);
    for (unsigned s = 0; s < n->nstates; s++)
        t->left[s] = n->states[s].accepts != 0 ? 0 : n->nstates + 1;
    for (bool again = true; again;) {
        again = false;
        for (unsigned s = 0; s < n->nstates; s++)
            for (unsigned i = 0; i < n->states[s].nedges; i++) {
                unsigned to = n->states[s].edges[i].to;
                if (to == NFA_ACCEPT || t->left[to] + 1 >= t->left[s])
                    continue;
                t->left[s] = t->left[to] + 1;
                again = true;
            }
    }
}

static void begin(struct trace *t, const struct why_ask *ask)
{
    const struct rule_plan *p = ask->plan;
    unsigned bits[PLAN_VARS_MAX];
    *t = (struct trace){.ask = ask, .plan = p, .focus = TRACE_NONE, .last_match = TRACE_NONE};
    t->start.row = TRACE_NONE;
    t->prog = match_prog_new(p);
    for (unsigned v = 0; v < p->match.nvars; v++) {
        bits[v] = 1 + v;
        t->rows[v] = matchcond_new(p->match.vars[v].row, NULL, p);
        t->all[v] = matchcond_new(p->match.vars[v].row, p->match.vars[v].path, p);
    }
    t->where = matchcond_new(p->where, NULL, p);
    match_prog_bind(t->prog, 0, bits);
    emit_init(&t->emit);
    keyed_init(&t->k, p->input, &t->emit);
    keyed_set_key(&t->k, &p->key);
    keyed_keep(&t->k, &p->keeps);
    t->k.max_partials = ask->max_partials;
    t->k.max_rows = ask->max_rows;
    t->no_cut = (struct cut){.mode = RULE_ACTIVE};
    t->m = match_new(&t->k);
    const struct keyed_rule rule = {.plan = p, .cut = ask->cut != NULL ? ask->cut : &t->no_cut};
    match_bind(t->m, t->prog, &rule);
    t->partial = mem_array(TRACE_PARTIALS_MAX, sizeof *t->partial);
    count_left(t);
}

static void forget(struct trace *t, uint32_t i)
{
    struct trace_partial *p = &t->partial[i];
    matchrun_unref(t->m, p->node);
    bytes_fini(&p->miss.conditions);
    bytes_fini(&p->late.conditions);
    *p = (struct trace_partial){.node = NULL};
}

static void end(struct trace *t)
{
    for (uint32_t i = 0; i < t->npartials; i++) {
        forget(t, i);
    }
    bytes_fini(&t->start.conditions);
    if (t->key != NULL && t->key->cells != NULL)
        match_drop(t->m, t->key->cells);
    for (uint32_t i = 0; i < t->nrows; i++)
        batch_unref(t->row[i].b);
    match_free(t->m);
    keyed_fini(&t->k);
    emit_fini(&t->emit);
    for (unsigned v = 0; v < t->plan->match.nvars; v++) {
        cond_free(t->rows[v]);
        cond_free(t->all[v]);
    }
    cond_free(t->where);
    match_prog_free(t->prog);
    mem_free(t->left);
    mem_free(t->row);
    mem_free(t->partial);
}

/* --- rows --- */

static void take_rows(struct trace *t, const struct why_row *rows, size_t n)
{
    const struct why_ask *ask = t->ask;
    struct order order;
    struct order_entry *out;
    order_init(&order, t->plan->match.norder > 0 ? &t->plan->match : NULL);
    for (size_t i = 0; i < n; i++)
        order_push(&order, &(struct order_entry){.ts = rows[i].b->ts[rows[i].i],
                                                 .b = batch_ref(rows[i].b),
                                                 .bits = rows[i].late,
                                                 .tag = rows[i].i});
    t->row = mem_array(n + 1, sizeof *t->row);
    for (size_t got; (got = order_take(&order, EVTIME_MAX, &out)) > 0;)
        for (size_t i = 0; i < got; i++) {
            struct trace_row *r = &t->row[t->nrows];
            unsigned at = order_row(&out[i]);
            *r = (struct trace_row){.b = out[i].b, .i = at, .late = out[i].bits != 0};
            r->pending = r->b->ts[at] >= ask->now;
            r->seen = ask->cut == NULL || cut_sees(ask->cut, r->b, at);
            r->paused = ask->cut != NULL && cut_mode_at(ask->cut, r->b->ts[at]) == RULE_PAUSED;
            if (ask->has_focus && r->b->partition == ask->partition &&
                r->b->offset[at] == ask->offset)
                t->focus = t->nrows;
            t->nrows++;
        }
    order_fini(&order);
}

static struct cond_said ask_row(struct trace *t, struct cond *c, int var, const struct trace_row *r,
                                struct bytes *json)
{
    struct match_cell none = {.pauses = 0};
    return cond_ask(c, &(struct matchcond_at){t->m, &none, var, NULL, &r->r}, json);
}

/* The row as the operator is given it. */
static void prepare(struct trace *t, uint32_t n)
{
    struct trace_row *r = &t->row[n];
    r->r = (struct keyed_row){
        .b = r->b, .i = r->i, .ts = r->b->ts[r->i], .bits = r->bits, .seq = n + 1};
    r->where = cond_holds(ask_row(t, t->where, 0, r, NULL));
    if (!r->where)
        return;
    r->bits[0] |= 1;
    r->r.fold |= matchrun_fold(0);
    for (unsigned v = 0; v < t->plan->match.nvars; v++) {
        unsigned bit = 1 + v;
        if (!cond_holds(ask_row(t, t->rows[v], (int)v, r, NULL)))
            continue;
        r->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
        r->r.fold |= matchrun_fold(bit);
    }
}

/* --- partial matches --- */

static uint32_t find_node(const struct trace *t, const struct match_node *n)
{
    for (unsigned i = 0; i < t->nlive; i++)
        if (t->partial[t->live[i]].node == n)
            return t->live[i];
    for (uint32_t i = t->npartials; i-- > 0;)
        if (t->partial[i].node == n)
            return i;
    return TRACE_NONE;
}

/* Rows that n still needs, at least. */
static unsigned left_of(const struct trace *t, const struct match_node *n)
{
    const struct nfa_state *st = &t->prog->nfa->states[n->state];
    unsigned least = t->prog->nfa->nstates + 1;
    if (n->live == 0 || (n->live & st->accepts) != 0)
        return 0;
    for (uint64_t left = n->live; left != 0; left &= left - 1) {
        unsigned to = st->edges[__builtin_ctzll(left)].to;
        least = t->left[to] + 1 < least ? t->left[to] + 1 : least;
    }
    return least;
}

/* A place for one more: of those that do not wait any longer the least far is forgotten. */
static uint32_t find_room(struct trace *t)
{
    uint32_t worst = TRACE_NONE;
    if (t->npartials < TRACE_PARTIALS_MAX)
        return t->npartials++;
    for (uint32_t i = 0; i < t->npartials; i++) {
        const struct trace_partial *p = &t->partial[i];
        if (p->node == NULL)
            return i;
        if (!p->alive && !p->listed &&
            (worst == TRACE_NONE || matchwhy_is_further(&t->partial[worst], p)))
            worst = i;
    }
    if (worst != TRACE_NONE)
        forget(t, worst);
    return worst;
}

static uint32_t add_node(struct trace *t, struct match_run *run, struct match_node *n, uint32_t row)
{
    uint32_t from = n->parent != NULL ? find_node(t, n->parent) : TRACE_NONE;
    if (from != TRACE_NONE)
        t->partial[from].was_taken = true;
    unsigned rows = from != TRACE_NONE ? t->partial[from].rows + 1 : 0;
    for (const struct match_node *i = n; i != NULL && from == TRACE_NONE; i = i->parent)
        rows++;
    uint32_t at = find_room(t);
    if (at == TRACE_NONE) {
        t->cut_off = true;
        return TRACE_NONE;
    }
    struct trace_partial *p = &t->partial[at];
    *p = (struct trace_partial){.node = n,
                                .id = t->last_id++,
                                .born = row,
                                .ended = TRACE_NONE,
                                .begun = run->first,
                                .ends = matchend_time(t->m, run),
                                .left = left_of(t, n),
                                .end_var = -1};
    p->miss.row = p->late.row = TRACE_NONE;
    p->rows = rows;
    n->refs++;
    return at;
}

/* Skip modes: a match that is not given yet, since a preferred one may still come. */
static void note_best(struct trace *t, struct match_run *run, uint32_t row)
{
    if (find_node(t, run->best) == TRACE_NONE)
        add_node(t, run, run->best, row);
}

/* There are more than are followed. What was followed and is not seen any more has not ended for that. */
static void lose_rest(struct trace *t)
{
    t->cut_off = true;
    for (unsigned i = 0; i < t->nlive; i++) {
        struct trace_partial *p = &t->partial[t->live[i]];
        p->was_taken |= !p->alive;
        p->alive = true;
    }
}

/* What is there now, as far as it waits for something. row: the one that made what is new. */
static void look(struct trace *t, uint32_t row)
{
    struct match_cell *c = cell_of(t);
    uint32_t now[TRACE_LIVE_MAX];
    unsigned nnow = 0;
    for (uint32_t i = 0; i < t->npartials; i++)
        t->partial[i].alive = t->partial[i].listed = false;
    for (unsigned i = 0; i < t->nlive; i++)
        t->partial[t->live[i]].listed = true;
    for (unsigned i = 0; i < t->nover; i++)
        t->partial[t->over[i]].listed = true;
    for (struct match_run *run = c != NULL ? c->first : NULL; run != NULL; run = run->next) {
        if (!t->prog->no_skip && run->best != NULL)
            note_best(t, run, row);
        if (matchrun_is_over(t->m, run))
            continue;
        for (struct match_node *n = run->list; n != NULL; n = n->next) {
            if (n->live == 0)
                continue;
            uint32_t i = nnow < TRACE_LIVE_MAX ? find_node(t, n) : TRACE_NONE;
            if (i == TRACE_NONE && nnow < TRACE_LIVE_MAX)
                i = add_node(t, run, n, row);
            if (i == TRACE_NONE) {
                lose_rest(t);
                goto out;
            }
            t->partial[i].alive = true;
            t->partial[i].live = n->live;
            now[nnow++] = i;
        }
    }
out:
    if (nnow > 0)
        memcpy(t->live, now, nnow * sizeof *now);
    t->nlive = nnow;
}

/* The furthest of those whose time is over go on being asked. */
static void keep_asking(struct trace *t, uint32_t i)
{
    unsigned worst = 0;
    if (t->nover < TRACE_OVER_MAX) {
        t->over[t->nover++] = i;
        return;
    }
    for (unsigned k = 1; k < t->nover; k++)
        if (matchwhy_is_further(&t->partial[t->over[worst]], &t->partial[t->over[k]]))
            worst = k;
    if (matchwhy_is_further(&t->partial[i], &t->partial[t->over[worst]]))
        t->over[worst] = i;
}

/* --- what a row does --- */

struct tried { /* a row and a partial match */
    uint64_t holds; /* variables */
    uint64_t asked;
};

static void put_try(const struct trace *t, const struct trace_partial *p, int var, const char *kind,
                    bool holds, const struct bytes *conditions, struct bytes *out)
{
    bytes_printf(out, "%s{\"partial\":", out->p[out->n - 1] == '[' ? "" : ",");
    if (p != NULL)
        bytes_printf(out, "%u", p->id);
    else
        bytes_printf(out, "null");
    bytes_printf(out, ",\"variable\":");
    value_json_string(var_name(t, var), strlen(var_name(t, var)), out);
    bytes_printf(out, ",\"kind\":\"%s\",\"holds\":%s,\"conditions\":", kind,
                 holds ? "true" : "false");
    bytes_put(out, conditions->p, conditions->n);
    bytes_printf(out, "}");
}

/* Where the row is to be noted: it came nearest, or would have been the one in time. NULL: nowhere. */
static struct trace_miss *noted(struct trace *t, struct trace_partial *p, uint32_t row,
                                struct cond_said said)
{
    struct trace_miss *miss = p != NULL ? &p->miss : &t->start;
    if (p != NULL && p->end == TRACE_TIME)
        return cond_holds(said) && p->late.row == TRACE_NONE ? &p->late : NULL;
    if (cond_holds(said) || (t->focus != TRACE_NONE && t->focus != row))
        return NULL;
    return matchwhy_is_nearer(miss, said) ? miss : NULL;
}

/* Asks about a variable, once. What it says is only put together where somebody wants it. */
static bool ask_var(struct trace *t, struct trace_partial *p, int var, uint32_t row,
                    struct tried *done, const char *kind, struct bytes *out)
{
    uint64_t bit = UINT64_C(1) << var;
    struct match_cell none = {.pauses = 0};
    const struct match_cell *c = cell_of(t) != NULL ? cell_of(t) : &none;
    const struct matchcond_at at = {t->m, c, var, p != NULL ? p->node : NULL, &t->row[row].r};
    struct bytes json = {0};
    if (done->asked & bit)
        return done->holds & bit;
    struct cond_said said = cond_ask(t->all[var], &at, NULL);
    bool holds = cond_holds(said);
    struct trace_miss *miss = strcmp(kind, "take") == 0 ? noted(t, p, row, said) : NULL;
    done->asked |= bit;
    done->holds |= holds ? bit : 0;
    if (out != NULL && out->n > TRACE_RESULTS_BYTES)
        out = NULL;
    if (out != NULL || miss != NULL)
        cond_ask(t->all[var], &at, &json);
    if (out != NULL)
        put_try(t, p, var, kind, holds, &json, out);
    if (miss != NULL)
        matchwhy_note(miss, row, var, said, &json);
    bytes_fini(&json);
    return holds;
}

static bool ask_vars(struct trace *t, struct trace_partial *p, uint64_t vars, uint32_t row,
                     struct tried *done, const char *kind, struct bytes *out)
{
    bool any = false;
    for (; vars != 0; vars &= vars - 1)
        any |= ask_var(t, p, __builtin_ctzll(vars), row, done, kind, out);
    return any;
}

/* All that a partial match waits for. */
static struct tried try_partial(struct trace *t, struct trace_partial *p, uint64_t live,
                                uint32_t row, struct bytes *out)
{
    const struct nfa_state *st = &t->prog->nfa->states[p->node->state];
    struct tried takes = {0}, stops = {0};
    for (uint64_t left = live; left != 0; left &= left - 1) {
        const struct nfa_edge *e = &st->edges[__builtin_ctzll(left)];
        ask_vars(t, p, e->nots | e->next_nots, row, &stops, "not", out);
        ask_vars(t, p, e->untils, row, &stops, "until", out);
        if (e->to != NFA_ACCEPT)
            ask_var(t, p, t->prog->nfa->states[e->to].var, row, &takes, "take", out);
    }
    return takes;
}

static void try_start(struct trace *t, uint32_t row, struct bytes *out)
{
    struct tried done = {0};
    ask_vars(t, NULL, t->prog->start_vars, row, &done, "take", out);
}

/* Why a partial match is not there after the row. */
static enum trace_end fate(struct trace *t, struct trace_partial *p, uint32_t row)
{
    const struct nfa_state *st = &t->prog->nfa->states[p->node->state];
    struct tried done = {0};
    if (p->matched)
        return TRACE_MATCHED;
    if (p->was_taken)
        return TRACE_TAKEN;
    for (uint64_t left = p->live; left != 0; left &= left - 1) {
        const struct nfa_edge *e = &st->edges[__builtin_ctzll(left)];
        uint64_t nots = e->nots | (p->born + 1 == row ? e->next_nots : 0);
        for (uint64_t v = nots | e->untils; v != 0; v &= v - 1) {
            int var = __builtin_ctzll(v);
            if (!ask_var(t, p, var, row, &done, "not", NULL))
                continue;
            p->end_var = var;
            return nots & v & -v ? TRACE_NOT : TRACE_UNTIL;
        }
    }
    for (uint64_t left = p->live & ~st->accepts; left != 0; left &= left - 1)
        if (st->edges[__builtin_ctzll(left)].how == CONTIGUITY_NEXT)
            return TRACE_NEXT;
    return t->limited ? TRACE_LIMIT : TRACE_SKIPPED;
}

/* --- steps --- */

static void put_ended(const struct trace *t, uint32_t i, struct bytes *out)
{
    const struct trace_partial *p = &t->partial[i];
    bytes_printf(out, "%s{\"partial\":%u,\"why\":\"%s\",\"variable\":",
                 out->p[out->n - 1] == '[' ? "" : ",", p->id, matchwhy_end_name(p->end));
    if (p->end_var >= 0)
        value_json_string(var_name(t, p->end_var), strlen(var_name(t, p->end_var)), out);
    else
        bytes_printf(out, "null");
    bytes_printf(out, "}");
}

/* What was there before and is not any longer. row TRACE_NONE: for time's sake, before `at`. */
static void settle(struct trace *t, const uint32_t *before, unsigned n, uint32_t row, uint32_t at,
                   struct bytes *out)
{
    for (unsigned i = 0; i < n; i++) {
        struct trace_partial *p = &t->partial[before[i]];
        if (p->alive)
            continue;
        p->ended = at;
        p->end = row != TRACE_NONE ? fate(t, p, row) : p->matched ? TRACE_MATCHED : TRACE_TIME;
        if (p->end == TRACE_TIME)
            keep_asking(t, before[i]);
        if (out != NULL)
            put_ended(t, before[i], out);
        if (p->end == TRACE_TAKEN || p->end == TRACE_MATCHED)
            forget(t, before[i]); /* what it has become says more */
    }
}

/* A key without state may have been dropped. */
static void find_key(struct trace *t)
{
    const struct why_ask *ask = t->ask;
    uint64_t hash = keytable_hash(ask->key, ask->key_n);
    t->key = keytable_find(&t->k.table, hash, ask->key, ask->key_n);
    if (t->key == NULL)
        t->key = keyed_add(&t->k, hash, ask->key, ask->key_n);
}

/* Time comes to w; `at`: the row before which that is. */
static void pass_time(struct trace *t, evtime w, uint32_t at, struct bytes *ended,
                      struct bytes *results)
{
    uint32_t before[TRACE_LIVE_MAX];
    unsigned n = t->nlive;
    memcpy(before, t->live, n * sizeof *before);
    match_advance(t->m, w);
    find_key(t);
    matchsteps_results(t, at, results);
    look(t, at);
    settle(t, before, n, TRACE_NONE, at, ended);
}

static bool is_among_furthest(const struct trace *t, const uint32_t *list, unsigned n, unsigned at)
{
    unsigned further = 0;
    for (unsigned i = 0; i < n && further < TRACE_ASKED_MAX; i++)
        further += i != at && !matchwhy_is_further(&t->partial[list[at]], &t->partial[list[i]]);
    return further < TRACE_ASKED_MAX;
}

static void give(struct trace *t, uint32_t row, struct bytes *tries, struct bytes *ended,
                 struct bytes *results)
{
    struct trace_row *r = &t->row[row];
    uint32_t before[TRACE_LIVE_MAX];
    unsigned n = t->nlive;
    memcpy(before, t->live, n * sizeof *before);
    for (unsigned i = 0; i < n; i++)
        if (tries != NULL || is_among_furthest(t, before, n, i))
            try_partial(t, &t->partial[before[i]], t->partial[before[i]].live, row, tries);
    try_start(t, row, tries);
    for (unsigned i = 0; i < t->nover; i++) {
        struct trace_partial *p = &t->partial[t->over[i]];
        if (!p->matched && p->late.row == TRACE_NONE)
            try_partial(t, p, p->live, row, NULL);
    }
    arena_reset(t->k.scratch);
    uint64_t dropped = t->k.partials_dropped;
    match_row(t->m, t->key->cells, t->key, &r->r);
    if (r->r.kept != NULL)
        keyed_unref(&t->k, r->r.kept);
    r->r.kept = NULL;
    t->limited = t->k.partials_dropped > dropped;
    matchsteps_results(t, row, results);
    look(t, row);
    settle(t, before, n, row, row, ended);
    arena_reset(t->k.scratch);
}

static void clear(struct trace_step *s)
{
    struct bytes *parts[] = {&s->tries, &s->ended, &s->results};
    for (unsigned i = 0; i < 3; i++) {
        bytes_reset(parts[i]);
        bytes_u8(parts[i], '[');
    }
}

static void step_row(struct trace *t, uint32_t row, bool told, struct trace_step *s)
{
    struct trace_row *r = &t->row[row];
    clear(s);
    prepare(t, row);
    if (r->late || !r->seen || r->paused || r->pending)
        return;
    struct bytes *ended = told ? &s->ended : NULL, *results = told ? &s->results : NULL;
    pass_time(t, r->r.ts, row, ended, results);
    if (r->where)
        give(t, row, told ? &s->tries : NULL, ended, results);
}

bool matchtrace_can(const struct rule_plan *p)
{
    struct match_prog *prog = match_prog_new(p);
    bool can = !prog->queued;
    match_prog_free(prog);
    return can;
}

void matchtrace_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                    struct bytes *out)
{
    struct trace t;
    struct trace_step s = {0};
    struct bytes steps = {0};
    begin(&t, ask);
    take_rows(&t, rows, n);
    find_key(&t);
    for (uint32_t i = 0; i < t.nrows; i++) {
        bool told = t.nrows - i <= ask->steps;
        step_row(&t, i, told, &s);
        if (!told)
            continue;
        bytes_printf(&steps, steps.n > 0 ? "," : "");
        matchsteps_put(&t, i, &s, &steps);
    }
    clear(&s);
    if (ask->now != EVTIME_MIN)
        pass_time(&t, ask->now, t.nrows, &s.ended, &s.results);
    bytes_printf(out, "\"verdict\":");
    matchwhy_put(&t, out);
    bytes_printf(out, ",\"earlier\":%zu,\"steps\":[",
                 t.nrows > ask->steps ? (size_t)t.nrows - ask->steps : 0);
    bytes_put(out, steps.p, steps.n);
    bytes_printf(out, "],\"after\":{\"ended\":");
    bytes_put(out, s.ended.p, s.ended.n);
    bytes_printf(out, "],\"results\":");
    bytes_put(out, s.results.p, s.results.n);
    bytes_printf(out, "]");
    matchsteps_put_active(&t, TRACE_LIVE_MAX, out);
    bytes_printf(out, "}");
    bytes_fini(&steps);
    bytes_fini(&s.tries);
    bytes_fini(&s.ended);
    bytes_fini(&s.results);
    end(&t);
}
