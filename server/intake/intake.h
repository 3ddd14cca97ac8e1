/* SPDX-License-Identifier: Apache-2.0 */
/* intake.h - events from outside into the intake log: each row checked with the workers' own decoder, good ones appended.
 *
 * Room:   API, generator -> [intake] -> intake log -> runtime (which is woken)
 * Owns:   one decoder for each stream, the watermark of each partition's end
 * Thread: any; one at a time is let in.  Time: evtime; arrival by the wall clock.
 *
 * A bad row costs the others nothing: it has its answer, and is written down as a row of the stream's ERRORS
 * (refused.h), in the log before the answer is given. From there it goes to the dead letters, and to rules that read it.
 *
 * Partitions that are idle (cep/idle.h) are raised here, at the log's end: when a row comes, with that row, and before
 * that by intake_tick, so that time goes on without rows. Both are in the log; a replay asks no clock. */
#ifndef WEIR_SERVER_INTAKE_H
#define WEIR_SERVER_INTAKE_H
#include "cep/job.h"
#include "server/run/runtime.h"
#include "state/catalog_dead.h"
#include "state/intakelog.h"

/* Both may be called with the intake's lock held, so they only hand over. */
struct intake_events {
    void (*refused)(void *ctx, const struct catalog_dead_letter *d); /* strings live for the call */
    void (*appended)(void *ctx);
    void *ctx;
};

struct intake;

/* max_ahead: see runtime_options. The log is the caller's and must outlive it. */
struct intake *intake_new(struct intakelog *log, const struct intake_events *events,
                          uint64_t max_ahead);
void intake_free(struct intake *in); /* NULL is fine */

/* Any thread. As long as it is held, nothing is taken: ERR_AGAIN. */
void intake_hold(struct intake *in, bool held);
/* Memory is short: ERR_AGAIN, but for partitions that hold back the time of their stream; the rows of others wait for them. */
void intake_press(struct intake *in, bool pressed);

/* See runtime_intake. s lives as long as the intake. */
enum err intake_rows(struct intake *in, const struct schema *s, unsigned partition,
                     const struct runtime_row *rows, unsigned n, bool durable,
                     struct runtime_row_answer *answers);
/* A row of a file, which a worker could not read. Rows of a partition come in their order; one that is noted already (a
 * replay) is left alone. */
enum err intakeerrors_file(struct intake *in, const struct schema *s,
                           const struct catalog_dead_letter *d);
/* Dead letters, letters[i] that of rows[i], sent again: the log has with each event which letter it was. One that was sent by
 * that number already answers where its event is. What is refused goes nowhere but into the answer. */
enum err intake_again(struct intake *in, const struct schema *s, unsigned partition,
                      const struct runtime_row *rows, const uint64_t *letters, unsigned n,
                      struct runtime_row_answer *answers);
enum err intake_finish(struct intake *in, const struct schema *s, unsigned partition);

/* Where each partition of a stream ends now, and its watermark there, seen at one moment: marks[schema->partitions]. */
void intake_marks(struct intake *in, const struct schema *s, struct job_mark *marks);
/* A worker has taken all rows before `offset` (a lower one than before, at a replay, is ignored). UINT64_MAX: nobody
 * reads the stream, nothing is waited for. */
void intake_taken(struct intake *in, uint32_t stream, uint32_t partition, uint64_t offset);

/* The clock by which silence is measured: the wall's at the start, and steady since. A wall clock that is set forward by an
 * hour, or a process that was stopped for one, must not make every event of the next hour late. */
evtime intake_clock(struct intake *in);
/* Raises the partitions in which the clock `now` has something to say. due: the least watermark for which something
 * waits in the workers; while all partitions of a stream are idle it is raised only if that reaches it. True: some stream
 * goes by the clock, so this is to be called again soon. */
bool intake_tick(struct intake *in, evtime now, evtime due);

struct intake_look { /* of a partition, for pages */
    evtime w; /* at the log's end */
    evtime arrival; /* of its last event; EVTIME_MIN: none yet */
    evtime
        since; /* it has been silent since then; not counting time at which the server was down */
    bool idle;
};
void intake_look(struct intake *in, const struct schema *s, unsigned partition, evtime now,
                 struct intake_look *out);

struct intake_counts {
    uint64_t accepted, refused; /* rows, since the start */
    uint64_t ahead; /* rows in the log that no worker has taken */
};
void intake_count(struct intake *in, struct intake_counts *out);

#endif
