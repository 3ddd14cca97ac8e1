/* SPDX-License-Identifier: Apache-2.0 */
/* workerlookup.h - a worker's rows that wait for tables outside: what they mean for its loop.
 *
 * Room:   task's asks -> [workerlookup] -> lookups -> task; CONTROL_LOOKUPS
 * Owns:   nothing; w->lookups is the worker's.  Thread: the worker's.  Time: montime. */
#ifndef WEIR_SERVER_WORKERLOOKUP_H
#define WEIR_SERVER_WORKERLOOKUP_H
#include "server/worker/lookups.h"
#include "server/worker/workerdef.h"

void workerlookup_init(struct worker *w);
/* What has been answered goes on; the task wants a step afterwards. */
void workerlookup_turn(struct worker *w);
/* So many ms at most until it is to be looked at again. */
int workerlookup_timeout_ms(const struct worker *w, int timeout);
/* With a whole status. */
void workerlookup_say(struct worker *w);

static inline bool workerlookup_is_full(const struct worker *w)
{
    return w->lookups != NULL && lookups_full(w->lookups);
}
/* Nothing waits: a barrier may go out. */
static inline bool workerlookup_is_idle(const struct worker *w)
{
    return w->lookups == NULL || lookups_idle(w->lookups);
}

#endif
