/* SPDX-License-Identifier: Apache-2.0 */
/* aggacc.h - inside of accumulators: their words. For agg.c and aggbytes.c.
 *
 * Room:   agg, aggbytes -> [aggacc]
 * Owns:   see agg.h.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_AGGACC_H
#define WEIR_CEP_AGGACC_H
#include "cep/agg/agg.h"
#include "cep/agg/agghll.h"
#include "cep/agg/aggquantile.h"
#include "cep/agg/aggset.h"

struct count_acc {
    int64_t n;
};
struct sum_acc {
    int64_t n;
    uint64_t lo;
    int64_t hi;
};
struct double_acc {
    int64_t n;
    double sum;
};
struct best_acc {
    int64_t n;
    union cell c;
};
struct spread_acc {
    int64_t n;
    double mean, m2;
};
struct edge_acc { /* FIRST, LAST */
    int64_t n;
    struct agglist_place at;
    union cell c;
};
union held_acc { /* one word: NULL is empty */
    struct aggset *set; /* DISTINCT, TOP */
    struct agghll *hll;
    struct aggquantile *quantile;
    struct agglist *list;
};

#endif
