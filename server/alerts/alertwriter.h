/* SPDX-License-Identifier: Apache-2.0 */
/* alertwriter.h - results become stored alerts: one thread, one writer of the catalogue's alerts, batches.
 *
 * Room:   runtime (results of the workers), intake (refused rows) -> [alertwriter] -> catalogue -> live streams
 * Owns:   its thread and queue
 * Thread: its own; all functions here may be called from any.  Time: event time in the results, wall clock for `created`.
 *
 * A batch is what has come within 50 ms, at most 1,000 results; after a pause the first goes at once. Alerts have deterministic ids, so what a replay finds
 * again is left alone, and on_alert is called for new ones only, after they are stored. When the catalogue fails, the
 * batch is tried again until it is stored: nothing is dropped, the queue grows to its bound and holds the workers.
 *
 * Cooldown (docs/language.md, Rules): of one rule and key, a match whose time lies less than the interval after that of
 * the last one alerted raises that alert's count instead. Results of one key come from one worker in their order, so a
 * replay counts the same; a filter has no key, and with several workers which of its matches comes first may differ. */
#ifndef WEIR_SERVER_ALERTWRITER_H
#define WEIR_SERVER_ALERTWRITER_H
#include "server/alerts/alertitem.h"
#include "server/alerts/sinks.h"
#include "server/deploy/registry.h"
#include "server/deploy/trials.h"
#include "server/run/runtime.h"
#include "state/catalog_dead.h"
#include "state/intakelog.h"

struct alertwriter_options {
    struct catalog *catalog;
    struct registry *registry;
    struct sinks *sinks;
    struct intakelog *log;
    struct trials *trials; /* NULL: there are none */
    uint64_t trial_results_kept; /* of each trial */
    uint64_t dead_letters_kept, timeouts_kept; /* timeouts: of each rule */
    int64_t side_retention_ms; /* letters and timeouts that are older are let go; 0: never */
    runtime_on_alert *on_alert; /* on the writer's thread */
    void *ctx;
    size_t queue_bytes; /* of what waits to be stored: half of it queued, half in work */
    /* On the writer's thread: see alertwriter_mark. */
    void (*marked)(void *ctx, uint64_t id, const struct bytes *cooldown, const struct bytes *sinks);
    /* Some sink does not take what belongs to checkpoint `id`, or to whichever is being made (0). again: something may be
     * lost, all must begin again from the checkpoint before. */
    void (*not_stored)(void *ctx, uint64_t id, const char *why, bool again);
    void *marked_ctx; /* of both */
    void (*drained)(void *ctx); /* the queue was full and is not any more */
    void *drained_ctx;
};

struct alertwriter;

struct alertwriter *alertwriter_start(const struct alertwriter_options *o);
/* Stores what is queued, then ends. */
void alertwriter_stop(struct alertwriter *w); /* NULL is fine */

void alertwriter_results(struct alertwriter *w, unsigned worker, const void *frame,
                         size_t n); /* a frame of results; copied */
void alertwriter_dead_letter(struct alertwriter *w,
                             const struct catalog_dead_letter *d); /* copied */
/* The same, and an alert of severity critical that no rule has found but `weir.CODE`: people must see it. */
void alertwriter_alarm(struct alertwriter *w, const struct catalog_dead_letter *d);
/* More is queued than is good: no more results are to be read. */
bool alertwriter_full(struct alertwriter *w);

/* Refused rows alone fill half of the queue: whoever sends them is to wait. */
bool alertwriter_letters_full(struct alertwriter *w);

/* Waits until what is queued now is stored, at most wait_ms: before a rule is taken away whose results those may be. */
void alertwriter_sync(struct alertwriter *w, int wait_ms);

/* A new attempt begins: what is known of cooldowns is what a checkpoint had (what alertwriter_mark has given, one after the
 * other), the rest is made again by the replay; sinks begin from that checkpoint's blob. In order with what is queued. */
void alertwriter_new_attempt(struct alertwriter *w, const struct bytes *cooldown,
                             const struct bytes *sinks);
/* When all that was queued before is stored, `marked` is called with what is known of the cooldowns of that worker's keys just
 * here; with the first mark of a checkpoint also with those of which none has said anything yet, with the last one with what
 * sinks can commit. */
void alertwriter_mark(struct alertwriter *w, unsigned worker, const struct alertitem_mark *mark);
/* That checkpoint is complete. In order with what is queued. */
void alertwriter_commit(struct alertwriter *w, uint64_t id);

struct alertwriter_counts {
    uint64_t alerts, results, late; /* since the start: new alerts; all results; late ones */
    uint64_t timeouts, timeouts_dropped; /* all; those that were never stored, for later ones */
    uint64_t waiting_bytes; /* of results that are not stored yet */
};
void alertwriter_count(struct alertwriter *w, struct alertwriter_counts *out);

#endif
