/* SPDX-License-Identifier: Apache-2.0 */
/* evalclock.h - the clock of `weir eval`: what {"processing_time": N} lines say, and what it moves.
 *
 * Room:   evalfeed -> [evalclock: idle] -> evalrun
 * Owns:   what is known of the silence of each partition.  Thread: one.
 * Time:   the clock of the lines; 0 before the first of them. Reads no clock.
 *
 * What on a server comes of the wall clock: idle partitions, times of arrival ('time'='ingestion', 'processing'). */
#ifndef WEIR_SERVER_EVALCLOCK_H
#define WEIR_SERVER_EVALCLOCK_H
#include "server/eval/evalrun.h"

struct evalclock;

struct evalclock *evalclock_new(struct evalrun *run, const struct schema *const *streams,
                                unsigned nstreams);
void evalclock_free(struct evalclock *c); /* NULL is fine */
void evalclock_open(struct evalclock *c, unsigned stream, unsigned partitions);

/* The clock is `now`; one that goes back is ignored. Then settle. */
void evalclock_set(struct evalclock *c, evtime now);
/* Rows that have just been decoded get their time of arrival, if that is their stream's time. */
void evalclock_stamp(struct evalclock *c, unsigned stream, struct batch *b);
/* The partition has got rows, or a watermark by hand: idle ones of its stream go along. Then settle. */
void evalclock_moved(struct evalclock *c, unsigned stream, unsigned partition);
void evalclock_ended(struct evalclock *c, unsigned stream, unsigned partition);

#endif
