/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - the step function of one worker: rows, watermarks, frames and rule changes in; effects out.
 *
 * Room:   source partitions of this worker -> [task: conditions -> filters, routing | ordering -> operators] -> effects
 * Owns:   all running state of the worker: order buffers, key tables, operators; references to batches
 * Thread: one worker, no locks.  Makes no system call and reads no clock.
 *
 * Two halves, one object. Source side: a batch decoded from a partition that this worker reads; filters run here, late
 * rows are told, rows that matter to a keyed rule go to the owners of their keys: itself by call, others as frames.
 * Keyed side: rows wait until the least watermark of their stream's partitions passes them, then go to the operators in
 * order of (ts, partition, offset), so that results do not depend on how inputs interleave. */
#ifndef WEIR_CEP_TASK_H
#define WEIR_CEP_TASK_H
#include "base/diag.h"
#include "cep/job.h"
#include "cep/result.h"
#include "cep/row/batch.h"

enum { TASK_FRAME_MAX = 32 << 10, TASK_WORKERS_MAX = 64 };

struct task_options {
    unsigned worker, workers; /* this one's number; how many there are */
    unsigned key_groups; /* power of two, >= workers; 128 by default */
    size_t
        max_ordering_rows; /* rows that may wait for the watermark; past it task_source_rows answers ERR_AGAIN */
    size_t max_ordering_bytes; /* … and their memory; 0: any */
    size_t
        max_partials_per_key; /* a pattern's partial matches of one key; past it some are dropped (plan_limits) and counted */
    size_t
        max_rows_per_key; /* rows that a pattern, OVER or a join (each side) keeps of one key: the same; 0: no limit */
};

struct task;

/* Told of rows before operators see them, one by one, and of those of a frame before its conditions are asked; b NULL: they
 * are done. To find out which row it was when the process dies. True: a row that no operator is to see. */
struct task_watch {
    bool (*rows)(void *ctx, const struct batch *b, unsigned first, unsigned last);
    void *ctx;
};
void task_watch(struct task *t, const struct task_watch *w); /* NULL: nobody is told */

struct task *task_new(const struct task_options *o);
void task_free(struct task *t);

/* Swap in a job (takes a reference). Operators of rules that stay keep their state; those gone are freed. */
void task_set_job(struct task *t, struct job *j);

/* Source side: this worker reads that partition from now on; w is its watermark so far (EVTIME_MIN at the start). */
void task_source_open(struct task *t, uint32_t stream, uint32_t partition, evtime w);
/* Source side: decoded rows of an open partition, in order of offset. Fills computed columns, sets the late bits, raises
 * the partition's watermark and tells every worker of it (watermark.h). Takes its own reference if it keeps the batch.
 * ERR_AGAIN: the ordering buffer is full, nothing was taken; step, then call again. */
enum err task_source_rows(struct task *t, struct batch *b);
/* The ordering buffer is full: only partitions that their stream's time waits for are taken from. */
bool task_ordering_full(const struct task *t);
/* … and this is none of them: task_source_rows would answer ERR_AGAIN. */
bool task_source_waits(const struct task *t, uint32_t stream, uint32_t partition);
size_t task_ordering_bytes(const struct task *t); /* of rows that wait, strings included */
/* Source side: raise a partition's watermark by hand. EVTIME_MAX: its input has ended. A lower one is ignored. */
void task_source_watermark(struct task *t, uint32_t stream, uint32_t partition, evtime w);
evtime task_source_w(const struct task *t, uint32_t stream,
                     uint32_t partition); /* to be kept with the offset */
/* The clock of processing time, as the caller reads it: ms since the epoch. It never goes back; a lower one is ignored.
 * Operators see it in keyed.clock and fire what it makes due in task_step. Before the first call it is EVTIME_MIN. */
void task_clock(struct task *t, evtime now);
evtime
task_clock_next(const struct task *t); /* what the clock makes due next; EVTIME_MAX: nothing */
/* Keyed side: a frame that worker `from` made as an effect for this one. ERR_CORRUPT: not a frame; nothing was taken. */
enum err task_frame(struct task *t, unsigned from, const void *p, size_t n);
/* Release all rows that the watermarks have passed, fire what is due. Call after one or more of the above. */
void task_step(struct task *t);

/* Effects since the last clear. Frames are at most TASK_FRAME_MAX bytes, in order, to be sent in order. */
struct task_frame {
    unsigned to;
    const uint8_t *p;
    uint32_t n;
};
/* Rows that are to be looked up in a table (FOR SYSTEM_TIME AS OF). The task keeps the batch until all of its rows have
 * been answered; the columns of the table, from `first` on, are NULL, and whoever answers fills them (batch_put) first.
 * Watermarks of what the rows become wait for them. */
struct task_ask {
    uint64_t number;
    const struct table *table;
    uint32_t stream; /* what comes of them */
    struct batch *b;
    unsigned first;
    const struct value *keys; /* by row */
};
struct task_effects {
    unsigned nresults, nframes, nasks;
    const struct result
        *results; /* sorted by result_compare within a step; filters' in order of arrival, first */
    const struct task_frame *frames;
    const struct task_ask *asks; /* in order of the rows */
};
const struct task_effects *
task_effects(struct task *t); /* flushes half-filled frames; valid until the clear */
/* The same, but half-filled frames stay for what comes next. */
const struct task_effects *task_effects_full(struct task *t);
void task_effects_clear(struct task *t);

/* --- snapshots ---
 *
 * A snapshot is what the worker knows at one instant between two steps: keyed state (entries), and the flow: rows that
 * wait, watermarks, counters. Entries that have not changed since the last snapshot are not given out again; the flow is
 * always whole. Rows and steps may go on between the slices: what is given out is the state at the beginning. */
struct tasksnap_out {
    /* Entry of an operator of the state (a text that is the same in every run), or value NULL: it is gone. */
    void (*entry)(void *ctx, const char *op, unsigned key_group, const void *key, size_t key_n,
                  const void *value, size_t value_n);
    void (*flow)(void *ctx, const void *p, size_t n); /* a record of the flow */
    void *ctx;
};
/* From now on what changes is noted. Before the first row. */
void tasksnap_track(struct task *t);
/* Effects must have been taken, frames of before the barrier be there, asks be answered. What an earlier snapshot has not given out yet, it
 * gives out now. `out` must stay valid until all is given out; ctx's functions are called from the slices, and from
 * whatever changes state meanwhile. */
void tasksnap_begin(struct task *t, const struct tasksnap_out *out);
/* Gives out up to n entries and rows. False: all has been given out. */
bool tasksnap_slice(struct task *t, unsigned n);
/* An entry whose rules all have a 'state-ttl', over by then. Any thread. */
bool tasksnap_is_over(const void *value, size_t n, evtime now);
bool tasksnap_is_open(const struct task *t);
/* Is there an operator of the state of that name? Of others an entry means nothing to the task any more. */
bool tasksnap_knows(struct task *t, const char *op);
/* An unaligned snapshot: frames that other workers sent before their barrier, and that come after it has begun. They are taken as
 * task_frame does, and are in the flow, too. Held: it stays open for them, whatever slices say. */
void tasksnap_hold(struct task *t, bool held);
enum err tasksnap_frame(struct task *t, unsigned from, const void *p, size_t n);
/* What was given out was lost (a checkpoint failed): all has changed again. Ends an open snapshot. Not of a task whose keys
 * leave memory: what is in its store must stay true, so what it gave out must be kept, or the task be made anew. */
void tasksnap_forget(struct task *t);

/* Into a task that has its job and has seen no row: first the flow of every worker of the snapshot, then entries (those of
 * other workers' key groups and of rules that are not there are left out), then done. Rules are known by uid and text.
 * ERR_CORRUPT, ERR_VERSION: d says what; the task must be freed. */
enum err taskload_flow(struct task *t, const void *p, size_t n, struct diag *d);
enum err taskload_entry(struct task *t, const char *op, unsigned key_group, const void *key,
                        size_t key_n, const void *value, size_t value_n, struct diag *d);
void taskload_done(struct task *t);
/* Entries that come from now on are not what this task's next snapshot is based on: they have changed. */
void taskload_foreign(struct task *t, bool foreign);
/* The key groups of a worker: [from, to). */
void taskload_key_groups(unsigned worker, unsigned workers, unsigned key_groups, unsigned *from,
                         unsigned *to);
/* Rows of an ask that have been answered: those in `pass` go on, those in `drop` (NULL: none) do not. Each row is named once.
 * Call task_step afterwards. */
void tasklookup_answer(struct task *t, uint64_t ask, const uint64_t *pass, const uint64_t *drop);
size_t tasklookup_unanswered(const struct task *t); /* rows */

/* State that goes from one version of a rule to the next piece by piece: to be called between batches, with about that many
 * keys. False: none is on its way. */
bool taskupgrade_go_on(struct task *t, size_t n);
/* A rule with more keys than that hands them over so; else in one step. */
void taskupgrade_slowly(struct task *t, size_t keys);

/* --- state larger than memory ---
 *
 * While keys' states take more than `bytes` of memory, those that have not been needed for a while are put into the store,
 * and come back when they are. Before the first row and before what is restored; it begins tasksnap_track. */
struct keystore;
void taskout_attach(struct task *t, const struct keystore *s, size_t bytes);
/* All that the last snapshot gave out is kept; until then what changes stays in memory. */
void taskout_kept(struct task *t);
/* How far time had come when the last one began that is kept: what was over by then is not needed (tasksnap_is_over). */
evtime taskout_time(const struct task *t);
/* Of the store. The task cannot go on, and must be made anew from a checkpoint. */
enum err taskout_error(const struct task *t);
struct taskout_counts {
    size_t
        used_bytes; /* by states; what was once taken from the system is in task_stats.state_bytes */
    uint64_t keys_out; /* about */
    uint64_t asked, loaded, left,
        written; /* keys: sought in the store, come back, left memory, written for it */
};
void taskout_counts(const struct task *t, struct taskout_counts *out);

/* Counters for /metrics and pages; all since task_new. */
struct task_stats {
    uint64_t rows_presummed; /* of hot keys, summed up before they were sent */
    uint64_t rows_in, rows_late, rows_ordered, rows_released, frames_in, frames_out, results;
    uint64_t rows_waiting, keys, partials, windows_open, partials_dropped, timeouts;
    uint64_t expired; /* states of keys, by 'state-ttl' */
    uint64_t rows_kept, rows_dropped; /* of joins */
    uint64_t state_bytes; /* of keys; rows that wait are task_ordering_bytes */
    uint64_t keys_out, keys_left, keys_asked, keys_loaded; /* taskout_counts */
    evtime watermark; /* least over all streams that rules read */
    evtime due; /* the least watermark for which something waits; EVTIME_MAX: nothing does */
};
void task_stats(const struct task *t, struct task_stats *out);
struct task_kept { /* what a version of a rule has taken over from the one before it */
    uint64_t keys, partials, partials_lost, windows;
};
struct task_rule_stats {
    uint64_t dropped; /* partial matches or rows, for a limit of one key */
    uint64_t results, rows, partials, windows_open;
    uint64_t rows_kept; /* of joins */
    bool took; /* it has taken over from the version before it */
    struct task_kept kept;
    uint64_t keys; /* with state, in memory; not of joins */
};
void task_rule_stats(const struct task *t, unsigned rule_index, struct task_rule_stats *out);
evtime task_stream_watermark(const struct task *t, uint32_t stream);

#endif
