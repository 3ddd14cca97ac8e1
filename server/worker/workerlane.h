/* SPDX-License-Identifier: Apache-2.0 */
/* workerlane.h - a lane of this worker that begins with a savepoint's state: its files are read beside, and taken in between
 * batches.
 *
 * Room:   CONTROL_LANE -> [workerlane: saveload on a thread] -> cep/task/tasklane -> CONTROL_LANED
 * Owns:   the thread, a bounded queue of what it has read
 * Thread: the worker's; the reading thread touches the queue alone.  Time: montime, a slice a turn. */
#ifndef WEIR_SERVER_WORKERLANE_H
#define WEIR_SERVER_WORKERLANE_H
#include "server/worker/workerdef.h"

enum err workerlane_take(struct worker *w, const struct channel_frame *f);
bool workerlane_is_open(const struct worker *w);
/* A slice of it. True: there is more at once. */
bool workerlane_go_on(struct worker *w);
void workerlane_free(struct workerlane *l); /* NULL is fine; what is under way is given up */

#endif
