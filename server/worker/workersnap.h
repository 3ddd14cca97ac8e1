/* SPDX-License-Identifier: Apache-2.0 */
/* workersnap.h - a worker's part in checkpoints: it begins one between two steps, gives it out between batches, goes on
 * from one when it starts.
 *
 * Room:   CONTROL_STATE, CONTROL_CHECKPOINT -> [workersnap] -> task's snapshot -> snapthread; CONTROL_BEGUN, CONTROL_WRITTEN
 * Owns:   the writer's thread, what is known of the checkpoint under way
 * Thread: the worker's.  Time: montime for its own pace. */
#ifndef WEIR_SERVER_WORKERSNAP_H
#define WEIR_SERVER_WORKERSNAP_H
#include "server/worker/workerdef.h"

struct workersnap;

enum err workersnap_state(struct worker *w, const struct channel_frame *f);
void workersnap_free(struct workersnap *s); /* NULL is fine */
/* Before the task has its job: changes are noted from now on. */
void workersnap_track(struct worker *w);
/* After that, before any row: what the checkpoint has. False: it cannot be used, the coordinator was told. */
bool workersnap_restore(struct worker *w);

/* A checkpoint is ordered: barriers go out. */
enum err workersnap_order(struct worker *w, const struct channel_frame *f);
bool workersnap_is_ordered(const struct worker *w);
/* At least once: rows go on while barriers are on their way, and may be in the checkpoint and come again. */
bool workersnap_lets_rows_pass(const struct worker *w);
/* All barriers are here: it begins. */
void workersnap_begin(struct worker *w);
/* A frame of a worker whose barrier comes after an unaligned checkpoint has begun: it belongs to it. */
enum err workersnap_record(struct worker *w, unsigned from, const struct channel_frame *f);

/* Gives out a piece, says what has been written. True: there is more to give out at once. */
bool workersnap_go_on(struct worker *w);
/* The writer is so far behind that no rows are to be taken. */
/* Memory of keys, which is held against the budget: where they may leave it, what is used, not what was once taken from the
 * system. stats: the store's memory is added to that of state. */
uint64_t workersnap_state_bytes(const struct worker *w, struct task_stats *stats);
bool workersnap_is_full(const struct worker *w);
/* One is being made: the worker is to look again soon. */
bool workersnap_is_writing(const struct worker *w);

#endif
