/* SPDX-License-Identifier: Apache-2.0 */
/* aggbytes.h - an accumulator as bytes, for frames and snapshots: the same wherever it lay and on every machine.
 *
 * Room:   agg -> [aggbytes] -> frames, snapshots, and back
 * Owns:   nothing.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_AGGBYTES_H
#define WEIR_CEP_AGGBYTES_H
#include "base/bytes.h"
#include "base/err.h"
#include "cep/agg/agg.h"

void aggbytes_save(const struct agg *a, const void *acc, struct bytes *out);
/* Into an empty one. ERR_CORRUPT: no such bytes; it stays empty. */
enum err aggbytes_load(const struct agg *a, void *acc, struct bytes_reader *r);

#endif
