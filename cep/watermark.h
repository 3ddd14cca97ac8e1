/* SPDX-License-Identifier: Apache-2.0 */
/* watermark.h - event time of one source partition: which rows are late, and how far time has come.
 *
 * Room:   codec -> [watermark] -> routing.  One per partition, at the source (DESIGN, "Late is decided at the source").
 * Owns:   nothing.  Thread: the worker that reads the partition.  Time: evtime; reads no clock.
 *
 * W is the largest value of the WATERMARK expression so far; a row is late when ts < W. Saved with offsets. */
#ifndef WEIR_CEP_WATERMARK_H
#define WEIR_CEP_WATERMARK_H
#include "cep/row/batch.h"

struct watermark {
    evtime w; /* EVTIME_MIN at the start, EVTIME_MAX after end of input */
    uint64_t late_rows;
};

/* Sets late bits and late_w of b's rows in order, and raises w->w. `punctuated`: bit per row, for PUNCTUATED streams
 * (the result of schema->punctuated over the batch), else NULL. */
void watermark_rows(struct watermark *w, struct batch *b, const uint64_t *punctuated);
/* The same, and where it was raised and to what, one after the other; how many of them there are is returned. */
struct watermark_rise {
    evtime w;
    unsigned row;
};
unsigned watermark_rises(struct watermark *w, struct batch *b, const uint64_t *punctuated,
                         struct watermark_rise rises[BATCH_ROWS]);

#endif
