/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - where each partition is read, how far, and what of the intake log is on its way to its worker.
 *
 * Room:   intake log -> [feed] -> channel to the worker that reads the partition
 * Owns:   the positions
 * Thread: the runtime's; feed_snapshot any.  Time: evtime.
 *
 * Partition p of stream s is read by worker (s + p) mod N. Of a partition only a part of that is under way at a time, so
 * that one which runs ahead cannot keep out the one that holds time back. When rows pile up in the workers' ordering
 * buffers, partitions that are ahead of the least watermark of their stream wait; the one that holds it never does.
 * With 'watermark-alignment' (feedtime.h) a partition also waits that is too far ahead of one with something left to read. */
#ifndef WEIR_SERVER_FEED_H
#define WEIR_SERVER_FEED_H
#include "server/deploy/registry.h"
#include "server/intake/intake.h"
#include "server/run/runtime.h"
#include "server/wire/control.h"
#include "server/wire/loadwire.h"
#include "state/intakelog.h"

enum {
    FEED_FORK_SHARE = 20, /* per cent: see feedfork_share */
    FEED_WINDOW_BLOCKS = 32, /* of one partition */
    FEED_WINDOW_BYTES_MAX = 4 << 20,
    FEED_WAITING_ROWS =
        1 << 20, /* rows in ordering buffers from which on partitions that are ahead wait */
};

struct feed;

/* Of the budget the intake_bytes of one worker may be under way; a partition with nothing under way may pass them. A
 * partition gets a quarter of them, and FEED_WINDOW_BYTES_MAX at most. */
struct feed *feed_new(struct registry *reg, struct intakelog *log, struct intake *intake,
                      unsigned workers, const struct budget *budget);
/* Before feed_restart: there are that many workers from now on. */
void feed_scale(struct feed *f, unsigned workers, const struct budget *budget);
void feed_free(struct feed *f); /* NULL is fine */

unsigned feed_worker_of(const struct feed *f, uint32_t stream, uint32_t partition);

/* A new attempt: of each stream that a live rule reads, from the least mark of its rules on; nothing is under way. */
void feed_restart(struct feed *f);
/* After feed_restart, if that partition is read: a checkpoint has what came before. */
void feed_restore(struct feed *f, const struct control_position *at);
/* After that: what retention has deleted cannot be read, and reading begins behind it. That is said in the log: the state
 * of the rules is not what it would be. */
void feed_settle(struct feed *f);
/* rows, late of *at, which a worker says of its attempt, become those of all. False: it is not read. */
bool feed_total(const struct feed *f, struct control_position *at);
/* The stream is read from these marks on, unless it is read already: true if it was not. */
bool feed_open(struct feed *f, const struct schema *s, const struct job_mark *marks);
void feed_close(struct feed *f, uint32_t stream); /* no rule reads it any more */
/* The partitions that worker reads: those of one stream, or all (stream 0). Into `a`. */
unsigned feed_opens(const struct feed *f, unsigned worker, uint32_t stream, struct arena *a,
                    const struct control_open **out);
/* Where a stream's partitions stand in their workers: what a cut of a file is made from. */
void feed_marks(const struct feed *f, const struct schema *s, struct job_mark *marks);
/* How far a partition was read at most, in this attempt or one before. */
uint64_t feed_reached(const struct feed *f, uint32_t stream, uint32_t partition);

/* What a worker says of a partition that it reads. */
void feed_position(struct feed *f, unsigned worker, const struct control_position *p);
/* Memory is at its total: nothing more is sent to any worker. */
void feed_press(struct feed *f, bool pressed);
/* Rows that wait in that worker's ordering buffers. */
void feed_waiting(struct feed *f, unsigned worker, uint64_t rows);
/* What a worker says of its load. State that fills its budget: nothing more is sent to any, since what they read may be
 * its. Rows that wait for the watermark and fill theirs (ordering_bytes): partitions that are ahead wait. */
void feed_load(struct feed *f, unsigned worker, const struct loadwire *m);
/* The least watermark for which something waits in that worker. */
void feed_due(struct feed *f, unsigned worker, evtime due);
evtime feed_least_due(const struct feed *f); /* over all workers; EVTIME_MAX: nothing waits */
/* Sends worker what may go. ERR_IO, ERR_CORRUPT: the log cannot be read, d says where. */
enum err feed_push(struct feed *f, unsigned worker, struct channel *to, struct diag *d);

/* --- forks (feedfork.c) --- */
/* Of what is sent to a worker, forks get so much while there is something new for it; else all. */
void feedfork_share(struct feed *f, unsigned percent);
struct feed_fork { /* of all partitions of a lane's forks together */
    uint64_t done, all; /* rows: taken since where it began; from there to the log's end */
    uint64_t
        behind; /* rows that the stream itself has taken and the fork has not, at most of one partition */
    evtime watermark; /* least of the forks */
    bool is_read; /* there are such, and they are read */
    bool skips; /* the log no longer had what was to be read next */
};
void feedfork_look(struct feed *f, uint64_t lane, const struct job_mark *begun, unsigned n,
                   struct feed_fork *out);
uint64_t feedfork_bytes(struct feed *f); /* sent, since the start */

/* For pages and metrics. */
unsigned feed_channels(struct feed *f, struct runtime_channel *out, unsigned cap);
uint64_t feed_under_way(struct feed *f); /* bytes */
unsigned feed_snapshot(struct feed *f, struct runtime_partition *out, unsigned cap);
uint64_t feed_rows(struct feed *f, uint64_t *late); /* taken by the workers in this attempt */
evtime feed_watermark(struct feed *f); /* least over all that is read; EVTIME_MIN: none yet */

#endif
