/* SPDX-License-Identifier: Apache-2.0 */
/* workerstatus.h - what a worker says of itself: positions, counters, processor time and memory.
 *
 * Room:   task, workersource -> [workerstatus] -> CONTROL_STATUS.  Owns: nothing.  Thread: the worker's. */
#ifndef WEIR_SERVER_WORKERSTATUS_H
#define WEIR_SERVER_WORKERSTATUS_H
#include "server/worker/workersource.h"

/* whole: with memory and the figures of each rule, which may be many. j NULL: no job yet. Lists go into `a`, positions
 * are those of s. */
void workerstatus_make(const struct workersource *s, const struct task *t, const struct job *j,
                       bool whole, struct arena *a, struct control_status *out);

#endif
