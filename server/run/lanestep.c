/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/lanestep.h"
#include "server/deploy/lanes.h"

/* A version that has gone meanwhile, because its rule has or a later one is in its place, needs the state no more. */
static bool took(void *ctx, uint64_t uid, uint32_t version)
{
    const struct runtimeloop *l = ctx;
    const struct registry_rule *newest = registry_rule(l->env.registry, uid), *v = newest;
    struct task_kept kept;
    while (v != NULL && v->version != version)
        v = v->before;
    return v == NULL || newest->retired > version || crew_took(l->crew, uid, version, &kept);
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
