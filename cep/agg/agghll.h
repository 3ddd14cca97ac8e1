/* SPDX-License-Identifier: Apache-2.0 */
/* agghll.h - how many different values there were, in 4 KiB: APPROX_COUNT_DISTINCT.
 *
 * Room:   agg -> [agghll]
 * Owns:   its memory, until agghll_free.  Thread: one worker.  Time: none.
 *
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) of 4,096 registers with the estimator of Ertl ("New cardinality
 * estimation algorithms for HyperLogLog sketches", 2017), which needs no table of corrections. Standard error
 * 1.04 / sqrt(4096) = 1.6 %. Up to AGGHLL_EXACT different values are counted exactly. What it holds depends on the set of
 * values alone, not on their order nor on how parts were merged. A NULL pointer has no values. */
#ifndef WEIR_CEP_AGGHLL_H
#define WEIR_CEP_AGGHLL_H
#include "base/bytes.h"
#include "base/err.h"

enum { AGGHLL_BITS = 12, AGGHLL_REGISTERS = 1 << AGGHLL_BITS, AGGHLL_EXACT = 256 };

struct agghll;

void agghll_add(struct agghll **at, uint64_t hash);
void agghll_merge(struct agghll **at, const struct agghll *from);
uint64_t agghll_count(const struct agghll *h);
void agghll_free(struct agghll *h); /* NULL is fine */
size_t agghll_bytes(const struct agghll *h);
void agghll_save(const struct agghll *h, struct bytes *out);
enum err agghll_load(struct agghll **at, struct bytes_reader *r); /* *at: NULL before */

#endif
