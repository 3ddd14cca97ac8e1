/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/runtimeinspect.h"
#include "server/inspect/keyscan.h"
#include "server/run/runtimedef.h"
#include <string.h>

void runtimeinspect(struct runtime *r, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx)
{
    inspector_want(r->loop.inspector, ask, done, ctx);
    runtimeloop_wake(&r->loop);
}

enum err runtimeinspect_why(struct runtime *r, struct whynot_ask *ask, whynot_done *done, void *ctx)
{
    struct runtime_poison all[WHYNOT_SKIPS_MAX];
    unsigned n = runtime_poison(r, all, WHYNOT_SKIPS_MAX);
    for (unsigned i = 0; i < n && i < WHYNOT_SKIPS_MAX; i++)
        if (all[i].set_aside && all[i].stream != NULL &&
            strcmp(all[i].stream, ask->plan->input->name) == 0)
            ask->skips[ask->nskips++] = (struct whynot_skip){all[i].partition, all[i].offset};
    if (ask->then != NULL) {
        ask->then->max_partials = r->loop.task.max_partials_per_key;
        ask->then->max_rows = r->loop.task.max_rows_per_key;
    }
    return whynot_want(r->whynot, ask, done, ctx);
}

enum err runtimeinspect_time(struct runtime *r, const struct rule_plan *plan, unsigned side,
                             uint32_t partition, uint64_t offset, evtime *out)
{
    return keyscan_time(r->log, plan, side, partition, offset, out);
}
