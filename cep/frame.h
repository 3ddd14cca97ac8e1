/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - rows and watermarks as bytes from one worker to another, in frames of at most FRAME_MAX.
 *
 * Room:   scatter -> [frame_writer] -> socket -> [frame_reader] -> order
 * Owns:   writer: frames not yet cleared; reader: the pieces of a row that is larger than a frame
 * Thread: one worker.  Time: evtime.
 *
 * A frame: magic, version, stage, then messages: rows of one partition, a watermark, or a piece of a message that does not
 * fit. Frames between two workers keep their order, and rows come before the watermark that their partition had after
 * them. The reader trusts nothing: a frame is taken whole or not at all. */
#ifndef WEIR_CEP_FRAME_H
#define WEIR_CEP_FRAME_H
#include "base/bytes.h"
#include "base/err.h"
#include "cep/row/batch.h"
#include "cep/row/dict.h"

enum { FRAME_MAX = 32 << 10, FRAME_VERSION = 2, FRAME_MESSAGE_MAX = 16 << 20, FRAME_STAGES = 63 };

struct frame_writer {
    struct bytes current; /* being filled; empty: none */
    struct bytes *done;
    size_t ndone, done_cap, spare; /* done[ndone .. spare): memory to be used again */
    uint8_t stage; /* of what is being written: a frame holds one */
};

void frame_writer_init(struct frame_writer *w);
void frame_writer_fini(struct frame_writer *w);
/* Rows of b in `rows` (BATCH_WORDS words), with all columns that are present. */
void frame_writer_rows(struct frame_writer *w, const struct batch *b, const uint64_t *rows);
void frame_writer_watermark(struct frame_writer *w, unsigned stage, uint32_t stream,
                            uint32_t partition, evtime t);
/* A part of a sum of stage 0 (taskpresum.c), whose bytes are not looked at here. n: 1 to FRAME_MESSAGE_MAX - 1. */
void frame_writer_part(struct frame_writer *w, const void *p, size_t n);
void frame_writer_flush(struct frame_writer *w); /* what is half filled is done */
void frame_writer_clear(struct frame_writer *w); /* forgets what is done */

struct frame_item {
    struct batch *b; /* one reference; NULL: a watermark, or a part */
    uint32_t stream, partition;
    evtime w;
    size_t part, part_n; /* a part: place and length in the reader's parts; else part_n is 0 */
};

struct frame_reader {
    struct bytes piece; /* of a message in pieces */
    struct bytes parts; /* of the last frame */
    struct frame_item *items; /* of the last frame */
    size_t nitems, items_cap;
};

void frame_reader_init(struct frame_reader *r);
void frame_reader_fini(struct frame_reader *r);
/* Reads one frame; items are valid until the next, the caller takes over their references. Messages of streams that are not
 * among `streams` are left out. ERR_CORRUPT or ERR_VERSION: nothing was taken. dict: ids for columns it marks, or NULL. */
enum err frame_read(struct frame_reader *r, const void *p, size_t n,
                    const struct schema *const *streams, unsigned nstreams,
                    const struct dict *dict);

#endif
