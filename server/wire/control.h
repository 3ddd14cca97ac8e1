/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - what coordinator and workers say to each other: every message, encoded and decoded.
 *
 * Room:   runtime <-> [control] <-> worker, inside the frames of base/channel.h
 * Owns:   nothing; a decoder puts what it makes into the caller's arena, rows' texts stay slices of the frame
 * Thread: any.  Time: evtime.
 *
 * Decoders take bytes from another process as hostile: every count is held against the bytes that are there, and what
 * does not fit is ERR_CORRUPT. The version is the channel's. */
#ifndef WEIR_SERVER_CONTROL_H
#define WEIR_SERVER_CONTROL_H
#include "base/arena.h"
#include "base/bytes.h"
#include "base/channel.h"
#include "cep/job.h"
#include "cep/task/task.h"
#include "server/budget.h"

/* The kind of a frame. */
enum control_kind {
    /* coordinator to worker */
    CONTROL_INIT = 1, /* control_init */
    CONTROL_CHANGE, /* control_change: another set of rules; the frame's epoch is its number */
    CONTROL_PREPARE, /* empty: stop the sources, let the exchange run dry, answer PREPARED */
    CONTROL_ROWS, /* control_rows: of a partition of the intake log */
    CONTROL_LIST, /* listwire.h: before INIT and CHANGE, of which rules it is */
    CONTROL_HOLD, /* control_hold: read no further in a partition of a file, or go on */
    CONTROL_WATCH, /* poison.h: before INIT */
    CONTROL_ADVANCE, /* control_advance: the clock raises the watermark of a partition of a file */
    CONTROL_STATE, /* snapwire_state, before INIT: where state is kept, and what to go on from */
    CONTROL_CHECKPOINT, /* snapwire_order: barriers as for PREPARE, then a snapshot; the epoch is the next one's */
    CONTROL_INSPECT, /* inspectwire_ask */
    CONTROL_TRACE, /* tracewire_ask */
    CONTROL_TRIM, /* empty: memory is short, give back what malloc keeps */
    CONTROL_LANE, /* lanewire_order */
    /* worker to coordinator */
    CONTROL_RUNNING = 16, /* empty: the set of this epoch is in place */
    CONTROL_PREPARED, /* control_status: where each partition stands */
    CONTROL_STATUS, /* control_status */
    CONTROL_RESULTS, /* results one after the other: resultwire.h; counted */
    CONTROL_BAD_ROW, /* control_bad_row: of a file; counted */
    CONTROL_FAILED, /* a sentence: this worker ends itself */
    CONTROL_LOAD, /* loadwire.h */
    CONTROL_BEGUN, /* snapwire_begun: a checkpoint's snapshot has begun */
    CONTROL_WRITTEN, /* snapwire_done: this worker's part of it */
    CONTROL_LOOKUPS, /* lookupwire.h */
    CONTROL_UNUSABLE, /* a sentence: the checkpoint that was to be gone on from cannot be read */
    CONTROL_INSPECTED, /* inspectwire_answer */
    CONTROL_LANED, /* lanewire_done */
    /* worker to worker */
    CONTROL_TASK = 32, /* a frame of the task; counted */
    CONTROL_BARRIER, /* empty: no more frames of this epoch come */
};

enum {
    CONTROL_WINDOW = 1 << 20, /* of a channel until INIT has said what it is (budget.h), bytes */
    CONTROL_TEXT_MAX = 512, /* of a sentence */
};

struct control_stream {
    uint32_t id, partitions; /* partitions: as the coordinator counts them (files of a glob) */
    const char *sql;
};
struct control_fork { /* a stream read a second time, for the rule of that number (registry.h) */
    uint32_t id, stream;
    uint64_t lane;
};
struct control_table { /* of a database outside */
    uint32_t uid;
    const char *sql;
};
struct control_rule {
    uint64_t uid;
    uint32_t version;
    const char *name, *sql;
    uint64_t lists_seq; /* registry.h */
    unsigned ncuts;
    const struct job_cut *cuts;
    uint32_t oldest; /* versions before it are forgotten; 0: none is */
    uint64_t stands_for; /* plan.h */
};
struct control_open { /* a partition that this worker reads from now on */
    uint32_t stream, partition;
    uint64_t offset;
    evtime w;
};
struct control_change {
    unsigned nstreams, ntables, nrules, nremoved, nopens;
    const struct control_stream *streams; /* new ones */
    const struct control_table *tables; /* all; most of them are known */
    const struct control_rule *rules; /* new, or with another list of cuts */
    const uint64_t *removed; /* uids */
    unsigned nforks;
    const struct control_fork *forks; /* all; most of them are known, they go with their rules */
    const struct control_open *opens;
};
struct control_init {
    struct task_options task;
    struct budget budget;
    int64_t buffer_timeout_ms; /* of frames between workers that are not full */
    struct control_change first;
};

struct control_rows {
    uint32_t stream, partition;
    bool end_of_input; /* after the rows */
    uint64_t first;
    evtime before; /* the watermark is raised to this ahead of the rows; EVTIME_MIN: it is not */
    const void *arrivals; /* n times 8 bytes, control_rows_arrival; NULL: the stream needs none */
    unsigned n;
    const char *texts[BATCH_ROWS]; /* CODEC_PADDING bytes are readable after each */
    uint32_t lengths[BATCH_ROWS];
    size_t bytes; /* of all texts */
};
struct control_hold {
    uint32_t stream, partition;
    bool held;
};
struct control_advance {
    uint32_t stream, partition;
    evtime w;
};

struct control_position {
    uint32_t stream, partition;
    uint64_t offset; /* the next one to be taken */
    evtime w; /* after all that was taken */
    uint64_t rows, late,
        end; /* taken in this attempt; of them late; end of the file (0: not a file) */
};
struct control_rule_stats {
    uint64_t uid, results, partials, windows_open, dropped;
    uint32_t version;
    bool took; /* it has taken over from the version before it: what */
    struct task_kept kept;
    uint64_t keys;
};
struct control_pause { /* of rows in a worker, since its last whole status; cpu: of its thread */
    uint64_t change_ns, change_cpu_ns; /* a change of rules: from sources' stop to their going on */
    uint64_t turn_ns, turn_cpu_ns; /* the longest turn of its loop */
};
struct control_status {
    struct task_stats task;
    uint64_t cpu_ns; /* of the process so far */
    uint64_t rss_bytes;
    unsigned npositions, nrules;
    const struct control_position *positions;
    const struct control_rule_stats *rules;
    struct control_pause pause; /* of a whole one */
};
struct control_bad_row {
    uint32_t stream, partition;
    uint64_t offset;
    const char *code, *reason;
    const char *text;
    size_t text_len;
};

void control_put_init(const struct control_init *m, struct bytes *out);
enum err control_get_init(const void *p, size_t n, struct arena *a, struct control_init *out);
void control_put_change(const struct control_change *m, struct bytes *out);
enum err control_get_change(const void *p, size_t n, struct arena *a, struct control_change *out);
void control_put_hold(const struct control_hold *m, struct bytes *out);
enum err control_get_hold(const void *p, size_t n, struct control_hold *out);
void control_put_advance(const struct control_advance *m, struct bytes *out);
enum err control_get_advance(const void *p, size_t n, struct control_advance *out);
void control_put_status(const struct control_status *m, struct bytes *out);
enum err control_get_status(const void *p, size_t n, struct arena *a, struct control_status *out);
void control_put_bad_row(const struct control_bad_row *m, struct bytes *out);
enum err control_get_bad_row(const void *p, size_t n, struct arena *a, struct control_bad_row *out);

/* The texts lie in the frame, one after the other. At most BATCH_ROWS rows. arrivals: of the rows, or NULL. */
void control_put_rows(const struct control_rows *m, const evtime *arrivals, struct bytes *out);
evtime control_rows_arrival(const struct control_rows *m, unsigned i);
enum err control_get_rows(const void *p, size_t n, struct control_rows *out);

#endif
