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
#include "base/diag.h"
#include "cep/expr.h"

struct agg {
    enum agg_kind kind;
    bool distinct;
    struct type arg, type; /* of the argument; of the result */
    uint32_t size; /* of an accumulator: a multiple of 8 */
    bool holds; /* agg_clear has something to do */
};

/* Does this release do it? If not, says so in d (may be NULL). */
enum err agg_supported(const struct agg_call *c, struct span at, struct diag *d);
void agg_init(struct agg *a, const struct agg_call *c);

/* COUNT(*) counts every row, the others leave NULLs out. Strings are copied if they are kept. */
void agg_add(const struct agg *a, void *acc, union cell v, bool null);
void agg_merge(const struct agg *a, void *into, const void *from);
/* Can what was added be taken away again, exactly? COUNT, and SUM and AVG of whole numbers; none of DISTINCT. */
bool agg_can_retract(const struct agg *a);
void agg_retract(const struct agg *a, void *acc, union cell v, bool null);
/* False: NULL. A string points into the accumulator's own memory. */
bool agg_result(const struct agg *a, const void *acc, union cell *out);
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

#endif
