/* SPDX-License-Identifier: Apache-2.0 */
/* workerdef.h - inside of a worker process. For worker.c, workerchange.c.
 *
 * Room:   [worker].  Owns: see worker.h.  Thread: the worker's only one.  Time: montime for its own pace. */
#ifndef WEIR_SERVER_WORKERDEF_H
#define WEIR_SERVER_WORKERDEF_H
#include "server/deploy/registry.h"
#include "server/run/workload.h"
#include "server/worker/workerpause.h"
#include "server/worker/workersource.h"

struct lookups;
struct workersnap;
struct workerlane;

struct peer {
    struct channel *channel; /* NULL: this worker itself, or gone */
    unsigned
        barriers; /* that many have come: the n-th says that no more frames of stage n - 1 will */
    bool ahead; /* its next frame is of a newer epoch */
    bool
        recorded; /* its frames of the epoch before are in the checkpoint, until its last barrier */
};

struct worker {
    unsigned index, workers, key_groups;
    size_t max_partials_per_key, max_rows_per_key;
    struct channel *coordinator;
    struct peer peers[TASK_WORKERS_MAX];
    struct registry *registry;
    struct task *task; /* NULL before INIT */
    struct job *job; /* NULL: no streams yet */
    struct workersource *source;
    uint32_t epoch;
    bool preparing, prepared, closed;
    unsigned barriers; /* sent */
    bool failed; /* this one ends itself */
    bool broken; /* another worker has died: this attempt is over */
    bool active; /* something happened since the last status */
    struct bytes out; /* a message being put together */
    uint64_t status_rows;
    montime status_at;
    struct arena *scratch;
    struct budget budget;
    int64_t buffer_timeout_ms;
    bool holds_frames; /* that are not full */
    evtime sent_all_at; /* when frames that are not full were sent last, by the wall clock */
    bool state_full; /* its budget: nothing is taken from sources */
    struct workload load;
    struct workerpause pause;
    struct workerwatch *watch;
    char fault[16]; /* the point of its work, for tests: worker.0 … */
    struct lookups *lookups; /* NULL before INIT */
    struct workersnap *snap; /* NULL: of checkpoints nothing was said */
    struct workerlane *lane; /* that is being loaded; NULL: none */
};

/* worker.c */
void worker_say(struct worker *w, enum control_kind kind, const struct bytes *b);
/* This worker cannot go on: the coordinator is told why, and ends the attempt. */
__attribute__((format(printf, 2, 3))) void worker_fail(struct worker *w, const char *fmt, ...);
void worker_fail_diag(struct worker *w, const char *what, enum err e, const struct diag *d);
void worker_step(struct worker *w); /* the task's, and what comes of it is sent */
void worker_bad_row(void *worker, const struct control_bad_row *row);
void worker_send_status(struct worker *w, enum control_kind kind, bool whole);

#endif
