/* SPDX-License-Identifier: Apache-2.0 */
/* windowprog.h - a window rule, compiled: its aggregates as words of an accumulator, the cheap part of HAVING, its panes.
 *
 * Room:   plan -> [windowprog], of a job -> window, windowpanes, windowlist (which run it, of a task)
 * Owns:   its machines.  Immutable, but for their scratch.  Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_WINDOWPROG_H
#define WEIR_CEP_WINDOWPROG_H
#include "cep/agg/agg.h"
#include "cep/output.h"
#include "cep/window/windowpane.h"

enum { WINDOWPROG_QUICK_MAX = 4, WINDOWPROG_WORDS_MAX = 256 };

struct windowprog_quick { /* agg cmp limit */
    unsigned agg;
    enum expr_kind cmp;
    int64_t limit;
};

struct windowprog_agg {
    struct agg agg;
    unsigned at; /* word in an accumulator */
    int column; /* the argument, or -1 */
    struct exprvm *arg, *filter;
};

struct windowprog {
    const struct rule_plan *plan;
    const struct window_plan *w;
    struct windowpane panes; /* TUMBLE, HOP, CUMULATE */
    unsigned naggs, words; /* of an accumulator */
    struct windowprog_agg *aggs;
    bool holds; /* some accumulator holds memory */
    bool count_only; /* one aggregate: COUNT(*) of all rows */
    struct windowprog_quick quick[WINDOWPROG_QUICK_MAX];
    unsigned nquick;
    int bound; /* of quick: grows with every row, so a key below it need not be visited; -1: none */
    struct exprvm *having, *gap;
    struct output output;
    unsigned nslots;
    bool
        sleeps; /* HAVING reads no bounds: once it does not hold, it does not until rows come or go */
    bool by_panes; /* keys have panes (windowpanes.c), not a state for each window (windowlist.c) */
    bool keeps_rows; /* an evictor, or rows without GROUP BY */
};

/* Refuses, with a sentence, what this release does not do. */
enum err windowprog_supported(const struct rule_plan *p, struct diag *d);
struct windowprog *windowprog_new(const struct rule_plan *p); /* the plan outlives it */
void windowprog_free(struct windowprog *p); /* NULL is fine */

/* Rows of such a rule go to it as they come: its firings follow the rows, not event time. */
bool windowprog_by_arrival(const struct rule_plan *p);
/* It fires whenever the watermark rises. */
bool windowprog_by_mark(const struct rule_plan *p);
/* May rows of a hot key be summed up before they are ordered (taskpresum.c)? Then the result must not depend on how they
 * are grouped, to the last bit. */
bool windowprog_presums(const struct windowprog *p);
/* A late row: is every window of it closed at w? (DESIGN, "Late is decided at the source".) A session's window depends
 * on the rows before it: false, the operator decides. */
bool windowprog_is_closed(const struct windowprog *p, evtime ts, evtime w);

void windowprog_add(const struct windowprog *p, uint64_t *acc, struct rowref row,
                    const struct row_layout *layout, struct arena *scratch);
void windowprog_merge_all(const struct windowprog *p, uint64_t *into, const uint64_t *from);
static inline void windowprog_merge(const struct windowprog *p, uint64_t *into,
                                    const uint64_t *from)
{
    if (p->count_only)
        agg_count_merge(into, from);
    else
        windowprog_merge_all(p, into, from);
}
void windowprog_clear(const struct windowprog *p, uint64_t *acc); /* frees what it holds; empty */
/* The number that quick condition i looks at. */
__int128 windowprog_number(const struct windowprog *p, unsigned i, const uint64_t *acc);
bool windowprog_compares(const struct windowprog_quick *q, __int128 number);
bool windowprog_may_hold(const struct windowprog *p, const uint64_t *acc); /* could HAVING? */

#endif
