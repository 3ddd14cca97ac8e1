/* SPDX-License-Identifier: Apache-2.0 */
/* runtimepoison.h - a worker has died of an event again: the event is set aside, or the workers stay down.
 *
 * Room:   runtimeloop (an attempt has failed) -> [runtimepoison] -> poison, dead letters, an alert
 * Owns:   nothing.  Thread: the runtime's; runtimepoison_list any.  Time: montime. */
#ifndef WEIR_SERVER_RUNTIMEPOISON_H
#define WEIR_SERVER_RUNTIMEPOISON_H
#include "server/run/runtimeloop.h"

/* After crew_kill. True: there is to be no other attempt, `text` (CONTROL_TEXT_MAX) says why. */
bool runtimepoison_died(struct runtimeloop *l, unsigned worker, const char *why, char *text);
/* Somebody has asked for another attempt without the event that the workers are down for. */
void runtimepoison_skip(struct runtimeloop *l);
void runtimepoison_tell(struct runtimeloop *l); /* the workers of a new attempt, before INIT */
unsigned runtimepoison_list(struct runtimeloop *l, struct runtime_poison *out, unsigned cap);

#endif
