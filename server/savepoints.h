/* SPDX-License-Identifier: Apache-2.0 */
/* savepoints.h - savepoints of a running server: made, listed, held against their checksums, gone back to, deleted.
 *
 * Room:   API, a change that wants one first -> [savepoints] -> checkpointer -> state/savepoint, <data>/savepoints
 * Owns:   its thread, what waits for it
 * Thread: every function may be called from any; `done` comes on its own thread or the runtime's and must only hand over.
 * Time:   wall clock of `created`.
 *
 * A savepoint begins as a checkpoint. While the workers go on, its files are written anew by the thread: sorted by operator
 * and key group, the same whatever wrote them. It stays until somebody deletes it, but for those that were made before an
 * activation: of them the newest few are kept. docs/savepoints.md has the form. */
#ifndef WEIR_SERVER_SAVEPOINTS_H
#define WEIR_SERVER_SAVEPOINTS_H
#include "server/runtime.h"

struct savepoints;

enum { SAVEPOINTS_NAME_BYTES = 65 };

struct savepoints_order {
    const char *name; /* savepoints_make_name makes one up */
    const char *trigger; /* "manual", "activation", "stop" */
    const char *rule; /* activation: of which rule, to which version; NULL, 0: none */
    uint32_t version;
};

void savepoints_make_name(char out[SAVEPOINTS_NAME_BYTES]); /* by the clock; not used before */
/* What all workers know now, after everything that was acknowledged before the call and taken by a worker. `done` is called
 * when it is complete or has failed. At once: ERR_INVALID (the name), ERR_EXISTS, ERR_LIMIT (there are too many), with a
 * sentence in d; then `done` is not called. ERR_CONFLICT through `done`: no workers run. */
enum err savepoints_take(struct savepoints *s, const struct savepoints_order *o, struct diag *d,
                         runtime_done *done, void *ctx);

#endif
