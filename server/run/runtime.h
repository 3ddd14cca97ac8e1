/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.h - the running job as the API sees it: workers, rule changes, intake, results. The coordinator's engine room.
 *
 * Room:   API (h2o thread) -> [runtime: own thread, epoll over the workers' sockets] -> worker processes
 * Owns:   the worker processes, the intake log, the schemas and plans of all live streams and rules
 * Thread: every function here may be called from the h2o thread; callbacks come on the runtime's threads and must only
 *         hand over (h2o_multithread_send_message).
 *
 * Crash-only: a worker's death ends the attempt; all workers are started again and the log is replayed from where the
 * rules began; alerts have deterministic ids, so nothing is lost or doubled. */
#ifndef WEIR_SERVER_RUNTIME_H
#define WEIR_SERVER_RUNTIME_H
#include "cep/plan.h"
#include "rules/scope.h"
#include "server/budget.h"
#include "server/run/restart.h"
#include "server/worker/lookups.h"
#include "state/catalog_dead.h"

enum runtime_checkpoint_mode { RUNTIME_EXACTLY_ONCE, RUNTIME_AT_LEAST_ONCE };
struct runtime_checkpoint_options {
    enum runtime_checkpoint_mode mode;
    int64_t interval_ms; /* 0: only when somebody asks */
    int64_t timeout_ms, min_pause_ms;
    int64_t alignment_timeout_ms; /* 0: barriers are waited for, however long it takes */
    unsigned kept; /* complete ones; at least one */
    uint8_t backend; /* enum store_backend */
    int64_t retention_ms; /* of the intake log; 0: nothing is deleted */
    unsigned tolerated; /* failures in a row, before the attempt is ended */
};

struct runtime_options {
    const char *data; /* data folder */
    const char *sinks; /* folder of all sinks; "": sinks in the data folder */
    unsigned workers;
    unsigned key_groups; /* at the first start; later the catalogue's */
    /* Rows in the log that no worker has taken yet; past it intake answers ERR_AGAIN. */
    uint64_t max_intake_ahead_rows;
    uint64_t dead_letters_kept, timeouts_kept; /* timeouts: of each rule */
    uint64_t trial_results_kept; /* of each trial (catalog_trials.h) */
    int64_t side_retention_ms; /* letters and timeouts that are older are let go; 0: never */
    struct restart_options restart;
    struct runtime_checkpoint_options checkpoint;
    const char *from_savepoint; /* name, or path with a slash; NULL: none */
    bool allow_non_restored;
    unsigned savepoints_max, savepoints_kept; /* in all; of those made before an activation */
    int64_t heartbeat_timeout_ms; /* 0: workers may be silent for ever */
    int64_t buffer_timeout_ms;
    int64_t last_checkpoint_ms; /* at an orderly end; 0: none is made */
    struct budget budget;
    struct budget_options budget_options; /* what it was made of, for another number of workers */
    uint64_t max_partials_per_key, max_rows_per_key;
    uint64_t max_lists, max_list_items, max_list_edits;
    struct lanes_limits { /* operations (deploy/lanes.h) */
        int64_t timeout_ms; /* of one; 0: none */
        uint64_t kept; /* that have ended */
        unsigned at_once; /* that have not */
        unsigned share; /* per cent (feed.h) */
    } lanes;
};

/* An alert that is durably stored and was not there before; a_json is GET /alerts/{id}'s object in short form. */
typedef void runtime_on_alert(void *ctx, uint64_t seq, const char *json, size_t n);

struct runtime;

/* ERR_IN_USE, ERR_IO, ERR_VERSION, ERR_CORRUPT with a sentence in d that says what to do. Starts the workers. */
enum err runtime_start(const struct runtime_options *o, runtime_on_alert *on_alert, void *ctx,
                       struct diag *d, struct runtime **out);
/* Ends the workers (SIGTERM, then SIGKILL after a bounded time), flushes, closes. */
void runtime_stop(struct runtime *r);
bool runtime_ready(struct runtime *r); /* all workers run the present job */

/* Names for the compiler; schemas live until runtime_stop. */
const struct scope *runtime_scope(struct runtime *r);
const struct schema *runtime_stream(struct runtime *r, const char *name);
/* The compiled form of a live rule, with a reference of the caller's own; NULL: none of that uid. */
struct rule_plan *runtime_plan(struct runtime *r, uint64_t uid);
/* One recorded event's text (freed by mem_free); ERR_NOT_FOUND. */
/* Of a stream from outside or of what a rule finds; NULL: unknown. Lives as long as the runtime. */
const char *runtime_stream_name(struct runtime *r, uint32_t stream);
enum err runtime_event(struct runtime *r, uint32_t stream, uint32_t partition, uint64_t offset,
                       char **text, size_t *n);

/* --- changes; `done` is called once, later, on the runtime's thread --- */
typedef void runtime_done(void *ctx, enum err e, const struct diag *d);
/* One statement or a script (CREATE STREAM, CREATE RULE), compiled and made durable; a rule sees events from here on.
 * Errors of the text come at once through d (ERR_INVALID …) and `done` is not called. ERR_EXISTS: without OR REPLACE. */
enum err runtime_create(struct runtime *r, const char *sql, size_t n, const char *select_name,
                        struct diag *d, runtime_done *done, void *ctx);
enum err runtime_set_mode(struct runtime *r, const char *rule, enum rule_mode mode,
                          runtime_done *done, void *ctx);
enum err runtime_delete_rule(struct runtime *r, const char *rule, runtime_done *done, void *ctx);

/* A change of a list's items. The counts are in `edit` when `done` is called; a reference is kept till then. */
struct changelist;
enum err runtime_edit_list(struct runtime *r, const char *list, struct changelist *edit,
                           runtime_done *done, void *ctx);
/* ERR_NOT_FOUND at once; ERR_CONFLICT through `done`: rules read it. */
enum err runtime_drop_list(struct runtime *r, const char *list, runtime_done *done, void *ctx);
/* A reference to the list's definition, and its number; NULL: there is none. */
struct list *runtime_list(struct runtime *r, const char *name, uint64_t *uid);
/* A table of a database outside, or NULL; it lives as long as the runtime. */
const struct table *runtime_table(struct runtime *r, const char *name);
enum err runtime_drop_table(struct runtime *r, const char *table, runtime_done *done, void *ctx);
/* As runtime_list_rules. */
unsigned runtime_table_rules(struct runtime *r, const char *table,
                             void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx);
/* Calls `each` for the rules that read the list; how many there are. `each` must not call the runtime. */
unsigned runtime_list_rules(struct runtime *r, const char *list,
                            void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx);

/* --- intake (http and generator streams) --- */
struct runtime_row_answer {
    int accepted;
    uint64_t offset; /* of an accepted row */
    char code[24]; /* of a refused one: codec_problem_name */
    char error[192];
};
/* Rows of one partition, raw JSON texts with CODEC_PADDING readable bytes after each. Validates, appends the good ones to
 * the log, sends the bad ones to the stream's ERRORS; answers[i] for each. ERR_NOT_FOUND: no stream or partition;
 * ERR_CONFLICT: finished; ERR_AGAIN: backpressure, nothing was taken. */
struct runtime_row {
    const char *p;
    size_t n;
};
enum err runtime_intake(struct runtime *r, const char *stream, unsigned partition,
                        const struct runtime_row *rows, unsigned n, bool durable,
                        struct runtime_row_answer *answers);
enum err runtime_finish(struct runtime *r, const char *stream, int partition /* -1: all */);

/* --- checkpoints --- */
/* One is made now; `done` is called when it is complete or has failed. ERR_CONFLICT through `done`: no workers run. */
void runtime_checkpoint(struct runtime *r, runtime_done *done, void *ctx);
enum runtime_checkpoint_state { CHECKPOINT_IN_PROGRESS, CHECKPOINT_COMPLETED, CHECKPOINT_FAILED };
struct runtime_checkpoint {
    uint64_t id;
    enum runtime_checkpoint_state state;
    char trigger[16]; /* "periodic", "manual" */
    evtime started;
    int64_t duration_ms; /* so far, of one that is in progress */
    bool kept; /* it is on the disk */
    bool restored; /* the present attempt began from it */
    unsigned workers;
    struct runtime_checkpoint_part {
        uint64_t entries, bytes, new_bytes, flow_bytes;
        uint64_t alignment_us, sync_us, async_us;
        bool unaligned;
    } part[64]; /* by worker */
    char why[256]; /* it failed */
};
/* The newest first. */
unsigned runtime_checkpoints(struct runtime *r, struct runtime_checkpoint *out, unsigned cap);
struct runtime_checkpoint_counts {
    uint64_t completed, failed; /* since the start */
    uint64_t restored; /* the checkpoint that the present attempt began from; 0: none */
    unsigned failed_in_a_row;
};
void runtime_checkpoint_counts(struct runtime *r, struct runtime_checkpoint_counts *out);

/* --- dead letters: looked at through a reader of the catalogue (state/catalog_dead.h) --- */
struct runtime_sent {
    uint64_t sent, refused; /* refused: again; they wait, with the new reason */
    uint64_t not_sendable; /* not tried */
    char why[256]; /* of the first that was not sent; "": all were */
};
/* The waiting letters that fit go to their streams' intake again, at most `limit`, the oldest first. What was answered is
 * durable. ERR_AGAIN: backpressure; *out counts what went before. */
enum err runtime_send_letters(struct runtime *r, const struct catalog_dead_filter *f,
                              unsigned limit, const char *by, struct runtime_sent *out);
/* text NULL: as it came. ERR_NOT_FOUND; ERR_CONFLICT: it was sent. */
enum err runtime_edit_letter(struct runtime *r, uint64_t id, const char *text, size_t n,
                             const char *by);
enum err runtime_delete_letters(struct runtime *r, const struct catalog_dead_filter *f,
                                const char *by, uint64_t *deleted);

/* --- what is going on --- */
enum runtime_worker_state {
    WORKER_CREATED,
    WORKER_SCHEDULED,
    WORKER_RUNNING,
    WORKER_FINISHED,
    WORKER_FAILED
};
struct runtime_worker {
    unsigned index;
    int pid;
    enum runtime_worker_state state;
    uint32_t attempt;
    evtime started;
    uint64_t rows_in, frames_in, frames_out, results, rows_waiting, keys, partials, windows_open,
        rows_kept, rows_dropped, expired, state_bytes, rows_late, keys_out, keys_left, keys_asked,
        keys_loaded;
    double busy; /* busy_permille as 0..1 */
    unsigned busy_permille, idle_permille, backpressured_permille; /* of the last second */
    uint64_t busy_ms, idle_ms, backpressured_ms; /* since it was started */
    const char *
        waits_for; /* "channel", "ordering", "state": why it takes no rows; NULL: it does, or has none */
    uint64_t intake_bytes,
        ordering_bytes; /* rows not taken yet; rows that wait for the watermark */
    uint64_t rss_bytes;
    evtime watermark;
    uint64_t change_us, change_cpu_us, turn_us, turn_cpu_us; /* control_pause */
};
/* A direction of the exchange, as its sender sees it. -1: the coordinator, to which results go and from which rows come. */
struct runtime_channel {
    int from, to;
    int64_t window, credit; /* bytes; credit below zero: overdrawn */
    uint64_t queued; /* bytes that wait for the socket */
    uint64_t sent, received;
    uint64_t blocked_ms; /* for so long sources have stood still because of it */
};
struct runtime_partition {
    const char *stream;
    uint32_t stream_id, partition;
    unsigned worker;
    uint64_t end, taken; /* offsets: in the log; taken by its worker */
    evtime watermark;
    bool finished;
    uint64_t late;
    bool read; /* by a live rule */
    bool idle;
    /* EVTIME_MIN: no event yet; not known; it is not paused; it does not hold time back. */
    evtime arrival, silent_since, paused_since, holds_since;
};
struct runtime_rule_stats {
    uint64_t uid;
    uint64_t results, partials, windows_open;
    uint64_t dropped; /* partial matches or rows, for a limit of one key */
    uint64_t keys; /* with state */
};
struct runtime_exception {
    evtime at;
    uint32_t attempt;
    unsigned worker;
    char text[256];
};
struct runtime_restart {
    enum restart_strategy strategy;
    bool given_up; /* there is no next attempt, until runtime_try_again */
    unsigned failed; /* attempts in a row */
    int64_t next_ms; /* until the next attempt; -1: none is waited for */
    char why[256]; /* the last failure; "": none yet */
};
void runtime_restart(struct runtime *r, struct runtime_restart *out);
/* The next attempt begins at once; skip: without the event that the workers are down for. ERR_CONFLICT: the workers run. */
enum err runtime_try_again(struct runtime *r, bool skip);
struct runtime_poison { /* an event that has killed workers */
    const char *stream; /* NULL: it is gone */
    uint32_t partition;
    uint64_t offset;
    unsigned times;
    bool set_aside;
};
unsigned runtime_poison(struct runtime *r, struct runtime_poison *out, unsigned cap);
/* Snapshots; the caller's arrays, each returns how many there are (may be more than cap). */
unsigned runtime_workers(struct runtime *r, struct runtime_worker *out, unsigned cap);
unsigned runtime_channels(struct runtime *r, struct runtime_channel *out, unsigned cap);
struct runtime_lookups { /* of a worker, in a table */
    unsigned worker;
    uint32_t uid;
    const char *table; /* its name, which lives as long as the runtime */
    struct lookups_stats stats; /* without `table` */
};
unsigned runtime_lookups(struct runtime *r, struct runtime_lookups *out, unsigned cap);
unsigned runtime_partitions(struct runtime *r, struct runtime_partition *out, unsigned cap);
unsigned runtime_rules(struct runtime *r, struct runtime_rule_stats *out, unsigned cap);
unsigned runtime_exceptions(struct runtime *r, struct runtime_exception *out, unsigned cap);
struct runtime_totals {
    uint64_t events_accepted, events_refused, events_processed, alerts, late;
    uint64_t timeouts, timeouts_dropped; /* since the start: told; not stored, for later ones */
    uint64_t letters_sent; /* since the start */
    uint64_t results_waiting_bytes; /* found by the workers, not stored yet */
    evtime watermark; /* least over the streams that rules read; EVTIME_MIN: none yet */
    double events_per_second; /* of the last seconds */
    uint64_t poison_skipped; /* events that are set aside */
};
void runtime_totals(struct runtime *r, struct runtime_totals *out);

#endif
