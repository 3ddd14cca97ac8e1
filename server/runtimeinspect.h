/* SPDX-License-Identifier: Apache-2.0 */
/* runtimeinspect.h - what a running rule knows of its keys, as the API asks for it.
 *
 * Room:   api_inspect -> [runtimeinspect] -> inspector.  Owns: nothing.  Thread: any; `done` comes on the runtime's. */
#ifndef WEIR_SERVER_RUNTIMEINSPECT_H
#define WEIR_SERVER_RUNTIMEINSPECT_H
#include "server/inspector.h"

void runtimeinspect(struct runtime *r, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx);

#endif
