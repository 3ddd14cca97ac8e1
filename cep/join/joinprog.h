/* SPDX-License-Identifier: Apache-2.0 */
/* joinprog.h - a join's plan made ready to run: keys of both sides, conditions and outputs over a pair of rows.
 *
 * Room:   plan -> [joinprog] -> join, taskjoin
 * Owns:   its machines.  Thread: one worker.  Time: evtime.
 *
 * Keys of both sides have the same bytes where the values are equal. DECIMALs of different scales, and BIGINT with
 * DECIMAL, are brought to the larger scale; what does not fit there equals nothing on the other side, and has bytes that
 * no value there has. */
#ifndef WEIR_CEP_JOINPROG_H
#define WEIR_CEP_JOINPROG_H
#include "cep/expr/exprvm.h"
#include "cep/plan.h"

struct joinprog_part { /* of a key, on one side */
    int column; /* a bare column, or -1 */
    struct exprvm *vm;
    struct type type; /* of the key */
    int64_t times; /* 1, or what brings it to the key's scale */
};

struct joinprog_expr { /* over a pair */
    struct type type;
    struct exprvm *vm; /* NULL: it is the one column in `from` */
    unsigned n;
    struct joinprog_from {
        unsigned side, column;
        bool window; /* column: 0 window_start, 1 window_end, 2 window_time */
    } * from; /* what the machine reads from outside */
    union cell *cells; /* room for it */
    bool *nulls;
};

struct joinprog {
    const struct join_plan *plan;
    struct joinprog_part *parts[2]; /* by side, as many as the plan has keys */
    int64_t keep_ms[2]; /* how long a row waits for its partners; < 0: they have all been */
    bool has_on, has_where;
    struct joinprog_expr on, where;
    unsigned noutputs;
    struct joinprog_expr *outputs;
};

/* A row of each side, and how kept ones are laid out. A side without a row is all NULL. */
struct joinprog_pair {
    struct rowref row[2];
    const struct row_layout *layout[2];
    evtime start, end; /* of the window that both are in */
};

struct joinprog *joinprog_new(const struct rule_plan *p);
void joinprog_free(struct joinprog *p); /* NULL is fine */

/* One expression over a pair. */
void joinprog_expr_init(struct joinprog_expr *x, const struct join_plan *j, const struct expr *e);
void joinprog_expr_fini(struct joinprog_expr *x);

/* Canonical bytes of a row's key, in `out`. */
void joinprog_key(const struct joinprog *p, unsigned side, const struct batch *b, unsigned i,
                  struct arena *scratch, struct bytes *out);
/* False: NULL. */
bool joinprog_value(const struct joinprog_expr *e, const struct joinprog_pair *pair,
                    struct arena *scratch, union cell *out);
static inline bool joinprog_holds(const struct joinprog_expr *e, const struct joinprog_pair *pair,
                                  struct arena *scratch)
{
    union cell c;
    return joinprog_value(e, pair, scratch, &c) && c.i != 0;
}

#endif
