/* SPDX-License-Identifier: Apache-2.0 */
/* runtimelast.h - the orderly end of the runtime: one last checkpoint, then nobody is kept waiting.
 *
 * Room:   runtimeloop -> [runtimelast] -> checkpointer
 * Owns:   nothing.  Thread: the runtime's.  Time: montime, for the limit. */
#ifndef WEIR_SERVER_RUNTIMELAST_H
#define WEIR_SERVER_RUNTIMELAST_H
#include "server/run/runtimeloop.h"

/* Within the limit; the next start is to read nothing again. Checkpoints that others wait for are refused after that. */
void runtimelast(struct runtimeloop *l, struct pollfd *fds);

#endif
