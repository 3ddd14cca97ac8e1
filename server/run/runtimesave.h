/* SPDX-License-Identifier: Apache-2.0 */
/* runtimesave.h - savepoints of the running job, and another number of workers for it.
 *
 * Room:   API -> [runtimesave] -> savepoints, runtimeloop
 * Owns:   nothing.  Thread: see runtime.h.  Time: none. */
#ifndef WEIR_SERVER_RUNTIMESAVE_H
#define WEIR_SERVER_RUNTIMESAVE_H
#include "server/checkpoint/savepoints.h"
#include "server/deploy/runtimeversion.h"

struct savepoints *runtimesave_all(struct runtime *r); /* they end with the runtime */

/* That many workers from now on, also after the next start unless --workers says otherwise. ERR_INVALID: it cannot be so many,
 * d says why; ERR_CONFLICT: another such change is under way. `done`: they run. */
enum err runtimesave_rescale(struct runtime *r, unsigned workers, struct diag *d,
                             runtime_done *done, void *ctx);

/* A version becomes active as runtimeversion_activate says, after a savepoint of what was. must: without one it does not; else
 * not if no workers run just now, since then nothing is newer than the newest checkpoint. */
enum err runtimesave_activate(struct runtime *r, const struct runtimeversion_activation *what,
                              bool must, struct diag *d, runtime_done *done, void *ctx);

/* --- for the runtime --- */
/* Before anything is opened: the savepoint to begin with is read from beginning to end; in an empty data folder its definitions
 * become the catalogue. */
enum err runtimesave_before(struct runtime *r, const struct runtime_options *o, struct diag *d);
/* When all is loaded, and before the loop runs: it becomes the newest checkpoint. */
enum err runtimesave_start(struct runtime *r, const struct runtime_options *o, struct diag *d);
void runtimesave_end(struct runtime *r);

#endif
