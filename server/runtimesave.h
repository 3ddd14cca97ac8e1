/* SPDX-License-Identifier: Apache-2.0 */
/* runtimesave.h - savepoints of the running job, and another number of workers for it.
 *
 * Room:   API -> [runtimesave] -> savepoints, runtimeloop
 * Owns:   nothing.  Thread: see runtime.h.  Time: none. */
#ifndef WEIR_SERVER_RUNTIMESAVE_H
#define WEIR_SERVER_RUNTIMESAVE_H
#include "server/savepoints.h"

struct savepoints *runtimesave_all(struct runtime *r); /* they end with the runtime */

/* --- for the runtime --- */
enum err runtimesave_start(struct runtime *r, const struct runtime_options *o, struct diag *d);

#endif
