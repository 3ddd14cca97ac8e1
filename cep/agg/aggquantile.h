/* SPDX-License-Identifier: Apache-2.0 */
/* aggquantile.h - quantiles of many numbers with a relative error of 1 %: APPROX_PERCENTILE.
 *
 * Room:   agg -> [aggquantile]
 * Owns:   its memory, until aggquantile_free.  Thread: one worker.  Time: none.
 *
 * DDSketch (Masson, Rim, Lee, VLDB 2019): numbers are counted in buckets whose bounds grow by (1 + e) / (1 - e), so the
 * answer lies within e of a number of that rank. Magnitudes below 1e-9 count as 0, above 1e18 as 1e18, so there are 3,110
 * buckets a sign at most and none is ever merged with another: what it holds depends on the numbers alone, and a number
 * can be taken away again. A NULL pointer has no numbers. */
#ifndef WEIR_CEP_AGGQUANTILE_H
#define WEIR_CEP_AGGQUANTILE_H
#include "base/bytes.h"
#include "base/err.h"

struct aggquantile;

void aggquantile_add(struct aggquantile **at, double x, int64_t times); /* -1: take it away */
void aggquantile_merge(struct aggquantile **at, const struct aggquantile *from);
/* q: 0 (the least) to 1 (the greatest). False: no numbers. */
bool aggquantile_at(const struct aggquantile *s, double q, double *out);
void aggquantile_free(struct aggquantile *s); /* NULL is fine */
size_t aggquantile_bytes(const struct aggquantile *s);
void aggquantile_save(const struct aggquantile *s, struct bytes *out);
enum err aggquantile_load(struct aggquantile **at, struct bytes_reader *r); /* *at: NULL before */

#endif
