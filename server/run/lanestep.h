/* SPDX-License-Identifier: Apache-2.0 */
/* lanestep.h - what operations wait for, looked at in each turn of the loop.
 *
 * Room:   runtimeloop -> [lanestep: crew, checkpointer] -> lanes
 * Owns:   nothing.  Thread: the runtime's.  Time: none. */
#ifndef WEIR_SERVER_LANESTEP_H
#define WEIR_SERVER_LANESTEP_H
#include "server/run/runtimeloop.h"

void lanestep(struct runtimeloop *l);
void lanestep_attempt(struct runtimeloop *l); /* after checkpointer_attempt */
/* CONTROL_LANED; ctx: the loop */
enum err lanestep_laned(void *ctx, unsigned worker, const struct channel_frame *f);

#endif
