/* SPDX-License-Identifier: Apache-2.0 */
/* runtimeloop.h - the inside of the runtime: its thread, the life of attempts, the protocol of changes.
 *
 * Room:   runtime (API) -> [runtimeloop] <-> crew, feed, change.  Only runtime.c includes this.
 * Owns:   what runtime.c hands it
 * Thread: runtimeloop_run is the runtime's thread; what it shares lies behind `lock`.
 *
 *   DOWN --delay over--> STARTING --all run--> RUNNING --change--> PREPARING --all prepared--> COMMITTING --all run--> RUNNING
 *     ^____________________ a worker has died, from anywhere _______________________________________|
 *
 * A change is recorded between PREPARING and COMMITTING; if the attempt fails before, the change is made while DOWN,
 * if after, the next attempt begins with it. One that wants rows again that have gone by (a new rule over files) goes
 * from PREPARING to STARTING: a new attempt reads them. */
#ifndef WEIR_SERVER_RUNTIMELOOP_H
#define WEIR_SERVER_RUNTIMELOOP_H
#include "server/checkpoint/checkpointer.h"
#include "server/checkpoint/restore.h"
#include "server/deploy/change.h"
#include "server/inspect/inspector.h"
#include "server/intake/generators.h"
#include "server/run/crew.h"
#include "server/run/memwatch.h"
#include "server/run/poison.h"
#include "server/run/rescale.h"
#include <pthread.h>
#include <stdatomic.h>

enum { RUNTIMELOOP_EXCEPTIONS = 64, RUNTIMELOOP_RATE_SECONDS = 5 };
enum runtimeloop_phase {
    PHASE_DOWN,
    PHASE_STARTING,
    PHASE_RUNNING,
    PHASE_PREPARING,
    PHASE_COMMITTING
};

struct runtimeloop_queued {
    struct change *change;
    struct runtimeloop_queued *next;
};

struct runtimeloop {
    struct change_env env;
    struct crew *crew;
    struct generators *generators;
    struct checkpointer *checkpointer;
    struct inspector *inspector;
    struct task_options task; /* but for the worker's number */
    int wake_fd;
    atomic_bool ready, stop, try_again;
    atomic_bool skip_poison; /* … without the event that the workers are down for */

    /* the loop's own */
    struct restart restart;
    int64_t heartbeat_timeout_ms, buffer_timeout_ms;
    int64_t last_checkpoint_ms; /* how long the one at an orderly end may take; 0: none is made */
    struct budget budget;
    struct memwatch memwatch;
    struct lastplace poisoned; /* the event that the workers are down for */
    bool is_poisoned;
    uint32_t epoch, last_stream; /* last_stream: the newest that the workers know */
    uint64_t last_list; /* as last_stream */
    montime expiry_at; /* when lists were looked through for what is due to go */
    unsigned answered; /* workers that have answered in this phase */
    montime rate_at, clock_at;
    bool by_clock; /* some stream goes on by the clock while it is idle */
    uint64_t rate_rows;
    struct change *change; /* under way */
    bool change_begun, change_recorded, start_again;
    enum err change_result;
    struct diag change_diag;
    struct arena *scratch;
    struct bytes out;

    pthread_mutex_t lock; /* of what follows */
    enum runtimeloop_phase phase; /* written by the loop alone */
    montime next_attempt; /* likewise; PHASE_DOWN */
    struct runtime_restart shown_restart;
    struct poison *poison;
    struct runtimeloop_queued *first, **last;
    struct rescale rescale;
    struct restore restore;
    char *workers_file; /* where the number is kept for the next start */
    struct runtime_exception exceptions[RUNTIMELOOP_EXCEPTIONS]; /* a ring */
    uint64_t nexceptions;
    uint64_t processed, late;
    double rates[RUNTIMELOOP_RATE_SECONDS];
    unsigned nrates;
};

void runtimeloop_init(struct runtimeloop *l);
void runtimeloop_fini(struct runtimeloop *l);
/* Waits for what comes, at most timeout ms, and does what is due. */
void runtimeloop_turn(struct runtimeloop *l, struct pollfd *fds, int timeout);
void *runtimeloop_run(void *l); /* until stop is set and it is woken */
void runtimeloop_wake(struct runtimeloop *l); /* any thread */
void runtimeloop_enqueue(struct runtimeloop *l, struct change *c); /* any thread */

void runtimeloop_events(struct runtimeloop *l,
                        struct crew_events *out); /* what the crew is to call */

#endif
