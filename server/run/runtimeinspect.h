/* SPDX-License-Identifier: Apache-2.0 */
/* runtimeinspect.h - what a running rule knows of its keys, as the API asks for it.
 *
 * Room:   api_inspect, api_whynot -> [runtimeinspect] -> inspector, whynot.  Owns: nothing.  Thread: any; `done` comes on the runtime's. */
#ifndef WEIR_SERVER_RUNTIMEINSPECT_H
#define WEIR_SERVER_RUNTIMEINSPECT_H
#include "server/inspect/inspector.h"
#include "server/inspect/whynot.h"

void runtimeinspect(struct runtime *r, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx);
/* Events that are set aside are left out. As whynot_want. */
enum err runtimeinspect_why(struct runtime *r, struct whynot_ask *ask, whynot_done *done,
                            void *ctx);
/* keyscan_time. */
enum err runtimeinspect_time(struct runtime *r, const struct rule_plan *plan, unsigned side,
                             uint32_t partition, uint64_t offset, evtime *out);

#endif
