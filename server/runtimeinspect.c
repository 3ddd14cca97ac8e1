/* SPDX-License-Identifier: Apache-2.0 */
#include "server/runtimeinspect.h"
#include "server/runtimedef.h"

void runtimeinspect(struct runtime *r, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx)
{
    inspector_want(r->loop.inspector, ask, done, ctx);
    runtimeloop_wake(&r->loop);
}
