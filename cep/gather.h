/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - rows of small batches are moved together, so that a row that waits does not hold a batch for itself.
 *
 * Room:   scatter -> [gather] -> order
 * Owns:   for each partition the batch that is being filled
 * Thread: one worker.  Time: evtime.
 *
 * A batch takes the room of 1,024 rows whatever it holds. Events that are posted one by one would each hold that much
 * until the watermark passes them. */
#ifndef WEIR_CEP_GATHER_H
#define WEIR_CEP_GATHER_H
#include "cep/row/batch.h"

enum { GATHER_SMALL = 128 }; /* rows of a batch that is worth it */

struct gather {
    struct batch **batches;
    size_t n, cap;
};

void gather_fini(struct gather *g);
/* Copies the rows of b that are in `rows` behind those of the same partition that were moved before; at[i] is where row i
 * is now. The batch returned is valid as long as `gather` or a reference to it. NULL: b is not small. */
struct batch *gather_rows(struct gather *g, const struct batch *b, const uint64_t *rows,
                          uint16_t *at);
/* A copy of rows `from` up to, but without, `to`. */
struct batch *gather_part(const struct batch *b, unsigned from, unsigned to);
/* After a change of rules: what comes next has other columns. */
void gather_reset(struct gather *g);

#endif
