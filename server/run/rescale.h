/* SPDX-License-Identifier: Apache-2.0 */
/* rescale.h - another number of workers for the running job: a checkpoint, then an attempt of that many which begins from it.
 *
 * Room:   API -> [rescale] -> checkpointer, crew, feed
 * Owns:   what was asked for, one at a time
 * Thread: rescale_want any, all else the runtime's.  Time: none.
 *
 *   asked --workers run--> CHECKPOINT --complete--> READY --another attempt, of the new number--> STARTED --all run--> answered
 *
 * What comes between the checkpoint and the end of the old workers is read again by the new ones: results have the ids of the
 * first time. While the workers are down the number changes at once. */
#ifndef WEIR_SERVER_RESCALE_H
#define WEIR_SERVER_RESCALE_H
#include "server/run/runtime.h"

struct runtimeloop;

enum rescale_phase {
    RESCALE_NONE,
    RESCALE_ASKED,
    RESCALE_CHECKPOINT,
    RESCALE_READY,
    RESCALE_STARTED,
    RESCALE_CLOSED
};
struct rescale {
    enum rescale_phase phase; /* under the loop's lock */
    unsigned workers;
    struct budget budget; /* shares of so many */
    runtime_done *done;
    void *ctx;
};

/* ERR_CONFLICT: another one is under way. */
enum err rescale_want(struct runtimeloop *l, unsigned workers, const struct budget *budget,
                      runtime_done *done, void *ctx);
/* Each turn. True: another attempt is to be made now. */
bool rescale_turn(struct runtimeloop *l);
void rescale_attempt(struct runtimeloop *l); /* before the processes of an attempt are started */
void rescale_running(struct runtimeloop *l); /* all workers run */
void rescale_refuse(struct runtimeloop *l); /* the server ends */

#endif
