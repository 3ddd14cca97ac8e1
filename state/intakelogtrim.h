/* SPDX-License-Identifier: Apache-2.0 */
/* intakelogtrim.h - the beginning of a partition's log is deleted: what is old and nobody needs any more.
 *
 * Room:   server/checkpoint/checkretain -> [intakelogtrim] -> intake log
 * Owns:   nothing.  Thread: one at a time; readers and the appender on any.  Time: arrival in ms of the wall clock. */
#ifndef WEIR_STATE_INTAKELOGTRIM_H
#define WEIR_STATE_INTAKELOGTRIM_H
#include "state/intakelog.h"

enum { INTAKELOGTRIM_BLOCKS_MAX = 4096 }; /* looked at in one call */

/* Blocks that end at `offset` or before it and came before `arrived_before`; never the last one, from which the log's end is
 * known. Whole blocks. *blocks: how many are gone with this call. */
enum err intakelogtrim(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                       evtime arrived_before, uint64_t *blocks);
/* The first offset that is still there; the end if there is none. */
uint64_t intakelogtrim_first(struct intakelog *l, uint32_t stream, uint32_t partition);

#endif
