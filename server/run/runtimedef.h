/* SPDX-License-Identifier: Apache-2.0 */
/* runtimedef.h - inside of the runtime. For runtime.c, runtimeversion.c, runtimesave.c.
 *
 * Owns: see runtime.h.  Thread: as there. */
#ifndef WEIR_SERVER_RUNTIMEDEF_H
#define WEIR_SERVER_RUNTIMEDEF_H
#include "server/inspect/whynot.h"
#include "server/run/runtimeloop.h"

struct runtime {
    struct runtimeloop loop;
    struct catalog *catalog;
    struct intakelog *log;
    struct registry *registry;
    struct trials *trials;
    struct intake *intake;
    struct alertwriter *alerts;
    struct sinks *sinks;
    struct feed *feed;
    struct crew *crew;
    struct generators *generators;
    struct checkpointer *checkpointer;
    struct savepoints *savepoints;
    struct savemeta *from; /* until it runs: the savepoint to begin with, of from_folder */
    char *from_folder;
    struct budget_options budget_options;
    struct whynot *whynot;
    pthread_t thread;
    bool running;
    uint64_t letters_kept;
    atomic_uint_least64_t letters_sent;
    uint64_t alerts_before; /* stored before this start */
};

/* The loop carries it out, if there is such a rule; else it is freed. */
enum err runtime_enqueue_for(struct runtime *r, const char *rule, struct change *c,
                             runtime_done *done, void *ctx);

#endif
