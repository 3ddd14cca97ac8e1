/* SPDX-License-Identifier: Apache-2.0 */
/* intakelog.h - events posted over HTTP (and generated ones), durable before they are acknowledged, read by offset.
 *
 * Room:   server/intake/intake -> [intakelog] -> runtime (pushes blocks to the worker that reads the partition), alert pages
 * Owns:   a RocksDB in <data>/log; one process opens it (the coordinator)
 * Thread: one appender at a time; readers on any thread.  Time: arrival in ms of the wall clock, watermarks in evtime.
 *
 * Key: stream id, partition, first offset, big-endian. Value: a versioned block of up to INTAKELOG_BLOCK_ROWS raw events
 * with their arrival time, zstd. An end-of-input record is a block of its own kind at the next offset. Offsets count
 * rows, from 0, without gaps. A block that does not verify answers ERR_CORRUPT and names its place in the log.
 *
 * Each block also carries the partition's watermark after its last row, so that a change of rules knows (offset, W) of
 * the log's end at once, without waiting for a worker to read that far.
 *
 * Where the clock has raised the watermark (a partition that is idle), that is in the log too, so that a replay does not
 * ask the clock again: at the log's end as a record of its own, of which there is one at most, since a later one and the
 * next rows take its place; and with those rows as the watermark from which they start. */
#ifndef WEIR_STATE_INTAKELOG_H
#define WEIR_STATE_INTAKELOG_H
#include "base/diag.h"
#include "base/timebase.h"
#include <stdint.h>

enum { INTAKELOG_BLOCK_ROWS = 1024, INTAKELOG_BLOCK_BYTES = 1 << 20 };

struct intakelog;

/* ERR_IN_USE: another process has it open. Creates it where there is none. */
enum err intakelog_open(const char *path, struct diag *d, struct intakelog **out);
void intakelog_close(struct intakelog *l); /* NULL is fine */

struct intakelog_row {
    const char *p;
    uint32_t n;
};
struct intakelog_time {
    evtime arrival;
    evtime
        before; /* the clock raised the watermark to this ahead of the first row; EVTIME_MIN: it did not */
    evtime w; /* the partition's watermark after the last row; EVTIME_MIN: none yet */
};
/* Append rows of one partition: in the WAL (survives SIGKILL) on return; with `sync`, fsynced. *first: the offset of the
 * first. Either all rows are in or none. ERR_CONFLICT: the partition's input has ended. */
enum err intakelog_append(struct intakelog *l, uint32_t stream, uint32_t partition,
                          const struct intakelog_time *t, const struct intakelog_row *rows,
                          unsigned n, int sync, uint64_t *first);
/* Something that must be known of rows exactly if they are there: it is written with them, in one step. */
enum intakelog_note_kind {
    INTAKELOG_LETTER = 1, /* of: the dead letter that the row was; which was sent again by that */
    INTAKELOG_REFUSED =
        2 /* of: stream << 32 | partition of a file; how far its bad rows are noted */
};
struct intakelog_note {
    enum intakelog_note_kind kind;
    uint64_t of;
    int row; /* the note is of that row; -1: of `offset` */
    uint64_t offset;
};
enum err intakelog_append_noted(struct intakelog *l, uint32_t stream, uint32_t partition,
                                const struct intakelog_time *t, const struct intakelog_row *rows,
                                unsigned n, const struct intakelog_note *notes, unsigned nnotes,
                                int sync, uint64_t *first);
struct intakelog_noted {
    uint32_t stream, partition;
    uint64_t offset;
};
/* ERR_NOT_FOUND: there is no such note. A later one about the same takes the place of the former. */
enum err intakelognote_get(struct intakelog *l, enum intakelog_note_kind kind, uint64_t of,
                           struct intakelog_noted *out);
/* The clock raises the watermark at the log's end to w, which is above the one there; it survives SIGKILL. ERR_CONFLICT:
 * the partition's input has ended. */
enum err intakelog_advance(struct intakelog *l, uint32_t stream, uint32_t partition, evtime w);
/* What came before `offset` is elsewhere: the log of a partition that is empty begins there, with that watermark (EVTIME_MAX: its
 * input has ended). ERR_CONFLICT: it is not empty. */
enum err intakelog_seed(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                        evtime w);
/* The input of that partition ends here; ERR_CONFLICT: it has ended already. Later appends answer ERR_CONFLICT. */
enum err intakelog_finish(struct intakelog *l, uint32_t stream, uint32_t partition);
int intakelog_finished(struct intakelog *l, uint32_t stream, uint32_t partition);
uint64_t intakelog_end(struct intakelog *l, uint32_t stream,
                       uint32_t partition); /* the next offset */
evtime intakelog_w(struct intakelog *l, uint32_t stream,
                   uint32_t partition); /* there; EVTIME_MAX: finished */
evtime intakelog_arrival(struct intakelog *l, uint32_t stream,
                         uint32_t partition); /* of the last row; EVTIME_MIN: none */

/* A block read back: rows from `first`; texts lie in one buffer with 32 readable bytes after each block. */
struct intakelog_block {
    uint64_t first;
    evtime before; /* the watermark is raised to this ahead of the rows; EVTIME_MIN: it is not */
    evtime w; /* after the block */
    unsigned n; /* 0: end of input, or only `before` is new */
    struct intakelog_row rows[INTAKELOG_BLOCK_ROWS];
    evtime arrivals[INTAKELOG_BLOCK_ROWS];
    int end_of_input; /* then n is 0 */
    char *buffer; /* owner of the texts */
};
/* The block that holds `offset` (its earlier rows left out), and the blocks after it as far as they fit: clients that
 * post one event at a time make small ones. ERR_END: nothing there yet. On an error *out need not be finished. */
enum err intakelog_read(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                        struct intakelog_block *out);
void intakelog_block_fini(struct intakelog_block *b);
/* One event's text, for alert pages; caller frees. ERR_NOT_FOUND: gone by retention or never there. */
enum err intakelog_event(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                         char **text, size_t *n);

#endif
