/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/lanestep.h"
#include "server/deploy/lanes.h"

static bool took(void *ctx, uint64_t uid, uint32_t version)
{
    struct task_kept kept;
    return crew_took(((struct runtimeloop *)ctx)->crew, uid, version, &kept);
}

static bool in_checkpoint(void *ctx, uint64_t uid)
{
    return checkpointer_has_rule(((struct runtimeloop *)ctx)->checkpointer, uid);
}

void lanestep(struct runtimeloop *l)
{
    if (l->phase != PHASE_DOWN && l->phase != PHASE_RUNNING)
        return;
    const struct lanes_look look = {l->phase == PHASE_RUNNING && l->change == NULL, took,
                                    in_checkpoint, l};
    struct change *c = lanes_turn(l->env.lanes, &l->env, &look);
    if (c != NULL)
        runtimeloop_enqueue(l, c);
}
