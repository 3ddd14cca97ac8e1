/* SPDX-License-Identifier: Apache-2.0 */
/* matchrun.h - inside of match: runs, their nodes, and how a row moves them. Shared by the files match*.c alone.
 *
 * Room:   [match: matchrun -> matchenv (conditions), matchout (results)]
 * Owns:   see match.h.  Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_MATCHRUN_H
#define WEIR_CEP_MATCHRUN_H
#include "cep/agg/agg.h"
#include "cep/cut.h"
#include "cep/expr/exprvm.h"
#include "cep/match/match.h"
#include "cep/match/nfa.h"
#include "cep/output.h"
#include "cep/timers.h"
#include <assert.h>
#include <stddef.h>

enum {
    MATCH_NODE_FOUND = 1,
    MATCH_NODE_OLD = 2,
    MATCH_NODE_LATE = 4,
    MATCH_NODE_WAITED = 8,
    MATCH_NODE_DONE = 16,
    MATCH_NODE_HELD = 32
}; /* a match was given for it; the next row has come; the time of its next row is over (skip modes), that of its NOT; it is
    * a match that others may outrank (tangled patterns); it may become a match without another row (matchheld) */

struct match_node { /* the rows up to this one, taken for positions of the pattern */
    struct match_node *parent; /* NULL: the first row */
    struct kept *row;
    struct match_node *next; /* in its run's list */
    uint64_t live; /* edges of its state that may still be taken */
    uint32_t refs; /* children; the list; being the run's best */
    uint16_t state;
    uint8_t flags;
    uint64_t extra[]; /* hash of the way (ambiguous patterns), counters, carried values */
};

#define MATCH_SEQ_MASK ((UINT64_C(1) << 58) - 1)

struct match_run { /* all partial matches that begin with one row */
    struct match_run *next, *before; /* of the same key, in order of beginning */
    struct timer timer; /* when something in it is over */
    struct match_cell *cell;
    struct match_node *list; /* the preferred first */
    union {
        struct match_node *best; /* skip modes: a match that all in the list are preferred to */
        struct match_found *found; /* NO SKIP, ambiguous patterns: ways that were given already */
    };
    evtime first;
    uint64_t start : 58; /* seq of the first row */
    bool decided : 1; /* nothing can change: `best`, or none; what is in the list timed out */
    bool untimed : 1; /* no longer among those in order of time */
    bool held : 1; /* counted in matchheld */
    bool best_at_end : 1; /* its result has the time of the end of the run */
    bool empty : 1; /* if there is no other, its match takes no row */
    bool past : 1; /* its time is over, and `$` may still make it a match */
    uint32_t place; /* in its group */
    uint32_t group : 7; /* 0: none */
    uint32_t taken : 24; /* rows of its cell that were taken before it began */
};

struct match_found {
    uint32_t n, cap;
    uint64_t hashes[];
};

struct match_seen { /* a row that has come */
    struct kept *row;
    uint64_t holds; /* queued: variables whose row conditions hold for it */
    bool taken; /* WITH UNMATCHED ROWS: by a match, or told as unmatched */
};

struct match_memory { /* what a key keeps beyond its partial matches */
    struct match_memory *before, *after; /* of the rule */
    struct match_cell *cell;
    uint64_t matches; /* given so far: MATCH_NUMBER() */
    uint64_t first; /* seq of the first row of the partition */
    struct match_seen *rows; /* [from, n): as far back as something may look, up to the last */
    size_t from, n, cap;
    size_t next; /* queued: the row that is given next; else n */
};

#define MATCH_PAUSES_MASK ((1u << 31) - 1)
#define MATCH_TAKEN_MASK ((1u << 24) - 1)

struct match_made {
    uint64_t step; /* match.made_step when it was put there; another: the place is free */
    struct match_node *node;
};

struct match_cell { /* a key's state; state.room: how many runs it has */
    struct keystate state;
    struct match_run *first, *last;
    uint32_t nodes; /* in the lists of its runs */
    uint32_t pauses : 31; /* of the rule, before its last row */
    bool grouped : 1; /* `groups` is there */
    struct match_memory *memory; /* NULL: the rule needs none */
    struct match_groups *groups; /* not looked at, unless `grouped` */
    uint32_t taken; /* rows that were taken by something */
    bool told; /* that it has too much */
};
static_assert(offsetof(struct match_cell, groups) == 64, "what each row needs is a cache line");

enum match_carry_kind { CARRY_FIRST, CARRY_LAST, CARRY_AGG };

struct match_carry { /* a value that nodes carry, so that conditions need not walk back */
    enum match_carry_kind kind;
    uint64_t vars;
    unsigned at; /* index in extra */
    struct agg agg;
    const struct expr *e; /* the aggregate */
    int column; /* its argument; -1: COUNT(*) */
};

struct match_expr { /* an expression over a match, with where to find what it names */
    struct exprvm *vm;
    const struct nav *navs;
    const struct expr *const *externals;
    unsigned nnavs, nexternals;
    int *nav_carry, *external_carry; /* index of a carry, or -1 */
    struct match_agg **aggs; /* of the externals; NULL: not an aggregate */
    struct rowref *rows; /* what is handed to the machine: navs, externals */
    union cell *cells;
    bool *nulls;
};

struct match_agg { /* an aggregate over the rows of a match */
    struct agg_call call;
    struct match_expr *arg, *filter; /* NULL: a bare column, or none */
    int column;
    uint64_t vars;
};

struct match_prog {
    const struct rule_plan *plan;
    const struct match_plan *m;
    struct nfa *nfa;
    bool no_skip, all_rows, every_row;
    bool sticky; /* a key's state is never idle */
    bool heaped; /* runs are not over in the order in which they begin */
    bool keeps_rows; /* what has come is in match_memory */
    bool cuts_empty,
        empties; /* a start may match no row, which cuts off what is less preferred; such matches count */
    bool unmatched; /* rows that no match takes are results */
    bool in_order; /* matches leave in the order in which they begin, whatever the skip mode */
    bool
        one_by_one; /* a match begins when the one before it is known: conditions read MATCH_NUMBER() */
    bool queued; /* rows are given from match_memory: `ahead`, `one_by_one` */
    bool tangled; /* skip modes: which way wins is for matchrank.c */
    bool numbered; /* MATCH_NUMBER() is asked for */
    bool groups; /* keys with many runs have groups (matchgroup.c) */
    uint32_t history; /* rows before the one in hand that must be kept */
    uint32_t ahead; /* rows after it that must have come */
    unsigned see_bit, var_bits[PLAN_VARS_MAX];
    uint64_t start_vars, start_fold;
    uint64_t taking; /* variables that take rows */
    uint64_t *wait; /* by state: folded conditions that its edges look at */
    struct match_expr *path[PLAN_VARS_MAX]; /* the rest of DEFINE, or NULL */
    unsigned ncarries, rank_at, ncounts_at, nextra;
    struct match_carry *carries;
    unsigned noutputs;
    struct match_expr **outputs; /* NULL: a bare column of the last row */
    struct match_expr *having;
};

struct match_held { /* how many results may come of each time */
    struct match_held_time {
        evtime t;
        uint64_t n;
    } * times; /* [from, n), in order */
    size_t from, n, cap;
    bool loose; /* they are being loaded: in no order, some twice */
};

struct match {
    struct keyed *k;
    struct keyed_rule rule;
    const struct match_prog *p;
    struct slab nodes, runs, cells;
    bool ready; /* slabs made */
    struct timers timers; /* of runs */
    struct match_made *made; /* ambiguous patterns: nodes made of the row in hand */
    size_t made_cap, nmade;
    uint64_t made_step;
    struct match_memory *memories; /* of all keys */
    uint64_t *bits; /* of a row that comes from its queue */
    uint64_t partials; /* nodes in lists */
    uint64_t waiting; /* being gathered for the cell in hand */
    uint32_t bound; /* counts match_bind */
    size_t max_partials, max_rows; /* of one key */
    bool limited; /* there is a limit: else what it needs is not counted */
    uint64_t dropped; /* partial matches, for a limit */
    bool took; /* something took the row in hand */
    bool grouped; /* the cell in hand has groups */
    struct match_run **touched; /* runs of the cell in hand that may be over, where it has groups */
    size_t ntouched, touched_cap, group_bytes;
    struct match_held held; /* if other rules read this one */
    struct match_saver *saver;
};

/* --- match.c --- */

/* A state without runs, of so many pauses. */
struct match_cell *match_cell_new(struct match *m, struct key *key, unsigned pauses);
/* In order of beginning, the last of its cell. */
void match_link(struct match_cell *c, struct match_run *run);

/* --- matchrun.c: one run --- */

/* Begins a run with the row in hand, or not. */
struct match_run *matchrun_begin(struct match *m, struct match_cell *c, struct keyed_row *r);
/* The edges of its state whose counts fit. */
uint64_t matchrun_open(const struct match_prog *p, struct match_node *n);
void matchrun_step(struct match *m, struct match_run *run, struct keyed_row *r);
/* Rows passed that the rule did not see: strict steps fail. */
void matchrun_gap(struct match *m, struct match_run *run);
void matchrun_free(struct match *m,
                   struct match_run *run); /* and its nodes; it must be in no list */
bool matchrun_is_over(const struct match *m,
                      const struct match_run *run); /* nothing more will come of it */
uint64_t matchrun_fold(unsigned bit);
void matchrun_drop(struct match *m, struct match_cell *c,
                   struct match_node *n); /* it leaves its list */
void matchrun_drop_list(struct match *m, struct match_cell *c,
                        struct match_node *n); /* n and what follows */
/* What a node carries that follows from its parent and its row. */
void matchrun_derive(struct match *m, struct match_node *n, const struct keyed_row *r);
/* NULL is fine. */
void matchrun_unref(struct match *m, struct match_node *n);
static inline uint32_t *matchrun_counts(const struct match_prog *p, struct match_node *n)
{
    return (uint32_t *)(void *)&n->extra[p->ncounts_at];
}
/* Runs that count for themselves, whether or not a row is taken. */
static inline bool matchrun_counts_runs(const struct match_prog *p)
{
    return p->unmatched || p->empties;
}
/* Partial matches of a cell, or such runs. */
static inline void matchrun_count(struct match *m, struct match_cell *c, int by)
{
    c->nodes += (uint32_t)by;
    m->partials += (uint64_t)(int64_t)by;
    m->k->partials += (uint64_t)(int64_t)by;
}
/* Has a match (NO SKIP) or timeout with these rows been given for this run? Notes it. */
bool matchrun_given_before(struct match *m, struct match_run *run, const struct match_node *n);
/* n is a match by its edge i. True: what is less preferred is cut off. */
bool matchrun_found(struct match *m, struct match_run *run, struct match_node *n, unsigned i,
                    evtime time, evtime decided);

/* --- matchend.c: when a time is over --- */

evtime matchend_time(const struct match *m,
                     const struct match_run *run); /* of the run; EVTIME_MAX: no WITHIN */
/* Its time is over, or the input has. Matches of NO SKIP and timeouts are given, or (skip modes) it becomes decided; or it
 * waits for the end of the input. */
void matchend_run(struct match *m, struct match_run *run, bool end_of_input);
/* Heaped, when something in it is over: matches, timeouts, or it becomes decided. */
void matchend_expire(struct match *m, struct match_run *run, evtime t);
/* Of a run without a match. */
void matchend_timeouts(struct match *m, struct match_run *run);
/* NO SKIP: timeouts of rows that cannot be a match in another way any longer. After nodes have gone. */
void matchend_sweep(struct match *m, struct match_run *run);
/* n has no live edge. It stays if it is told of later; NO SKIP tells of it now. True: it goes. */
bool matchend_is_spent(struct match *m, struct match_run *run, struct match_node *n);

/* --- matchrank.c: which way wins, of tangled patterns --- */

void matchrank_made(const struct match_prog *p, struct match_node *n, const struct nfa_edge *by);
/* n is a match by that edge. */
void matchrank_found(const struct match_prog *p, struct match_node *n, unsigned edge, bool absent);
/* Does the pattern, rows apart, prefer a to b? */
bool matchrank_before(const struct match_prog *p, struct match_node *a, struct match_node *b);
/* After a row, or (end) when no more will come of it: takes out what can no longer count; with the last that waits, the run
 * has its best. True: something waits. */
bool matchrank_settle(struct match *m, struct match_run *run, bool end);

uint64_t *matchrank_word(const struct match_prog *p, struct match_node *n);
bool matchrank_is_word(uint64_t word); /* can it be one? */

/* --- matchgroup.c: the runs of a key by what they wait for, where it has many --- */

/* True: this cell has groups (they are made, or given up, by the number of its runs), so that only touched runs are
 * stepped and settled. */
bool matchgroup_ready(struct match *m, struct match_cell *c);
void matchgroup_drop(struct match *m, struct match_cell *c);
/* A run that goes on waits for these conditions. Without groups: nothing is done. */
void matchgroup_add(struct match *m, struct match_cell *c, struct match_run *run, uint64_t waits);
void matchgroup_remove(struct match_cell *c, struct match_run *run); /* if it is in one */
/* A run that was taken out and goes on: into the group of what it waits for now; it may be split. */
void matchgroup_settle(struct match *m, struct match_cell *c, struct match_run *run);
/* Takes the runs that wait for one of these conditions out of their groups, to m->touched. */
void matchgroup_take(struct match *m, struct match_cell *c, uint64_t fold);
void matchgroup_touch(struct match *m, struct match_run *run);
uint64_t matchgroup_waiting(const struct match_cell *c);

/* --- matchlimit.c: what one key may have --- */

/* After a row: drops what is too much, counts it, and tells ERRORS the first time. */
void matchlimit_keep(struct match *m, struct match_cell *c, const struct keyed_row *r);

/* --- matchsettle.c: what is decided leaves a key --- */

/* Results and ends of runs that are over: all of the cell, or those touched where it has groups. */
void matchsettle_all(struct match *m, struct match_cell *c, evtime decided);
/* A run leaves its cell, for good. */
void matchsettle_remove(struct match *m, struct match_cell *c, struct match_run *run);

/* --- matchdue.c: which run is over next --- */

void matchdue_add(struct match *m, struct match_run *run);
void matchdue_add_beside(struct match *m, struct match_run *run, struct match_run *of);
void matchdue_remove(struct match *m, struct match_run *run);
struct match_run *matchdue_first(const struct match *m); /* the run that is over next */
void matchdue_each(const struct match *m, evtime to, void (*f)(void *ctx, struct keystate *c),
                   void *ctx); /* match_each_due */
#define MATCHDUE_AT_END (EVTIME_MAX - 1)
/* ... and when; EVTIME_MAX: at the end of the input. Of a run that was added. */
static inline evtime matchdue_time(const struct match_run *run)
{
    return run->timer.at < MATCHDUE_AT_END ? run->timer.at : EVTIME_MAX;
}
/* When the time of a live edge of n is over; EVTIME_MAX: never. */
evtime matchdue_of_edge(const struct match_node *n, const struct nfa_edge *e);
/* The time of a match that was decided by absence. */
evtime matchdue_absent_until(const struct match *m, const struct match_run *run,
                             const struct match_node *n);

/* --- matchrows.c: rows of a key that have come --- */

/* With its state; frees it. */
struct match_memory *matchrows_new(struct match *m, struct match_cell *c);
void matchrows_free(struct match *m, struct match_memory *h);
void matchrows_add(struct match *m, struct match_cell *c, struct keyed_row *r);
/* What nothing looks at any longer is let go. */
void matchrows_trim(struct match *m, struct match_cell *c);
/* The next row of a queue, if enough have come after it (all: whether or not). */
bool matchrows_next(struct match *m, struct match_cell *c, bool all, struct keyed_row *out);
/* Index of the first row from seq on. */
size_t matchrows_find(const struct match_memory *h, uint64_t seq);
/* The row `by` places from that of `seq`; NULL: there is none. */
struct kept *matchrows_beside(const struct match_memory *h, uint64_t seq, int32_t by);
/* --- matchheld.c: results that may come later than their time --- */

void matchheld_begin(struct match *m, struct match_run *run); /* a run has begun */
void matchheld_best(struct match *m, struct match_run *run,
                    const struct match_node *n); /* n is to be its best match */
void matchheld_end(struct match *m,
                   struct match_run *run); /* it is to be freed; its best is still there */
void matchheld_append(struct match *m, struct match_node *n); /* n goes into a list */
void matchheld_drop(struct match *m, struct match_node *n); /* ... and leaves it */
evtime matchheld_least(const struct match *m); /* match_held */
/* Of a state that is loaded. `best` must not be there yet, or be NULL. */
void matchheld_load_run(struct match *m, struct match_run *run, const struct match_node *best);
void matchheld_load_node(struct match *m, struct match_node *n);
void matchheld_loose(struct match *m); /* a bulk of loads: order does not matter for now */
void matchheld_order(struct match *m); /* ... and from here on it does */

/* --- matchsave.c --- */

struct match_saver *matchsave_new(void);
void matchsave_free(struct match_saver *s); /* NULL is fine */

/* --- matchenv.c: conditions and values over the rows of a match --- */

struct match_expr *matchenv_new(const struct expr *e);
void matchenv_free(struct match_expr *x);
/* Finds what the conditions of p name and lays out what nodes carry, from extra[at] on; returns how many words. */
unsigned matchenv_layout(struct match_prog *p, unsigned at);
void matchenv_fini(struct match_prog *p);
/* Carried values of a node from its parent's and its row. */
void matchenv_carry(struct match *m, struct match_node *n, const struct keyed_row *r);
/* DEFINE's path condition of `var` for the row in hand after node n (NULL: it would be the first). */
bool matchenv_holds(struct match *m, const struct match_cell *c, int var, struct match_node *n,
                    const struct keyed_row *r);
/* The value there of any expression that a DEFINE of `var` may hold. False: NULL. */
bool matchenv_value_at(struct match *m, const struct match_cell *c, int var, struct match_expr *x,
                       struct match_node *n, const struct keyed_row *r, union cell *out);

struct match_view { /* a whole match, laid out in order */
    unsigned n;
    unsigned
        seen; /* the first `seen` rows: up to the current one. RUNNING looks at these, FINAL at all */
    struct kept **rows;
    int *vars;
    bool *excluded; /* inside {- -} */
    const struct kept
        *row; /* the current one; of a match without rows, or of none, where it begins */
    bool unmatched; /* no match: `row` was taken by none */
    const struct match_cell *cell;
    evtime time; /* of the match as a result */
};
/* A value over a match, as of its current row. False: NULL. */
bool matchenv_value(struct match *m, const struct match_view *v, struct match_expr *x,
                    union cell *out);

/* --- matchcheck.c --- */

enum err matchcheck_plan(const struct rule_plan *p, struct diag *d); /* match_supported */

/* --- matchout.c: results --- */

void matchout_match(struct match *m, struct match_cell *c, struct match_node *n, evtime time,
                    evtime decided);
/* A run has ended without rows: an empty match, or its first row is unmatched. */
void matchout_empty(struct match *m, struct match_cell *c, const struct match_run *run,
                    evtime decided);
/* Rows from seq `from` up to `to` that matching has passed by. */
void matchout_passed(struct match *m, struct match_cell *c, uint64_t from, uint64_t to,
                     evtime decided);
void matchout_timeout(struct match *m, struct match_cell *c, struct match_node *n, evtime time);
void matchout_bad_skip(struct match *m, struct match_cell *c, struct match_node *n, evtime decided);

#endif
