/* SPDX-License-Identifier: Apache-2.0 */
/* agg.h - aggregates: an accumulator of a few words that rows are added to and that can be merged with another.
 *
 * Room:   window (one for each pane), over, match (measures and conditions over the rows of a match) -> [agg]
 * Owns:   what an accumulator holds beyond its words (strings, sets of DISTINCT), until agg_clear
 * Thread: one worker.  Time: none.
 *
 * An accumulator of zero bytes is empty. Of no rows every aggregate is NULL, COUNT is 0. */
#ifndef WEIR_CEP_AGG_H
#define WEIR_CEP_AGG_H
#include "base/arena.h"
#include "cep/agg/agglist.h"
#include "cep/expr/expr.h"

struct agg {
    enum agg_kind kind;
    bool distinct; /* kept as a set of values, from which the result is made */
    bool unique; /* LIST_AGG, TOP: DISTINCT, which they see to themselves */
    bool ordered; /* the result depends on the order of rows: agg_add_at */
    bool holds; /* agg_clear has something to do */
    struct type arg, type; /* of the argument; of the result */
    uint32_t size; /* of an accumulator: a multiple of 8, AGG_SIZE_MAX at most */
    unsigned top; /* TOP: how many */
    double quantile; /* APPROX_PERCENTILE: 0 to 1 */
    struct str between; /* LIST_AGG, TOP: what separates texts; the plan's */
};

enum { AGG_SIZE_MAX = 64 };

void agg_init(struct agg *a, const struct agg_call *c);

/* COUNT(*) counts every row, the others leave NULLs out. Strings are copied if they are kept. */
void agg_add(const struct agg *a, void *acc, union cell v, bool null);
/* Many, none NULL: whatever their order, the result is the same to the last bit (which sums of DOUBLE are not by themselves).
 * They are put in an order of their own. */
void agg_add_all(const struct agg *a, void *acc, union cell *v, size_t n);
/* The same, and where the row stands among all: of no concern unless `ordered`. Without it a row stands after those that
 * were added before it. */
void agg_add_at(const struct agg *a, void *acc, union cell v, bool null,
                const struct agglist_place *at);
void agg_merge(const struct agg *a, void *into, const void *from);
/* Is the result the same, to the last bit, however rows are put together before they are merged? Not of sums of DOUBLE.
 * Nor does it say so of sets of values, which do not become smaller by being put together. */
bool agg_groups_freely(const struct agg *a);
/* Can what was added be taken away again, exactly? COUNT, SUM and AVG of whole numbers, APPROX_PERCENTILE; none of
 * DISTINCT. */
bool agg_can_retract(const struct agg *a);
void agg_retract(const struct agg *a, void *acc, union cell v, bool null);
/* False: NULL. A string is made in `scratch`, or points into the accumulator's own memory. */
bool agg_result(const struct agg *a, const void *acc, struct arena *scratch, union cell *out);
/* The exact number in an accumulator of COUNT, or of a SUM of whole numbers (at the argument's scale). */
__int128 agg_whole(const struct agg *a, const void *acc);
/* COUNT(*) is one word. */
static inline void agg_count_one(void *acc)
{
    ++*(int64_t *)acc;
}
static inline void agg_count_merge(void *into, const void *from)
{
    *(int64_t *)into += *(const int64_t *)from;
}
void agg_clear(const struct agg *a, void *acc); /* frees what it holds; it is empty again */
size_t agg_held_bytes(const struct agg *a, const void *acc); /* beyond its words */

#endif
