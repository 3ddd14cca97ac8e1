/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/lanestep.h"
#include "server/deploy/laneload.h"
#include "server/wire/lanewire.h"

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

static bool began_with(void *ctx, uint64_t uid)
{
    return checkpointer_began_with(((struct runtimeloop *)ctx)->checkpointer, uid);
}

void lanestep_attempt(struct runtimeloop *l)
{
    laneload_attempt(l->env.lanes, &l->env, began_with, l);
}

enum err lanestep_laned(void *ctx, unsigned worker, const struct channel_frame *f)
{
    struct runtimeloop *l = ctx;
    struct lanewire_done m;
    (void)worker;
    arena_reset(l->scratch);
    enum err e = lanewire_get_done(f->p, f->n, l->scratch, &m);
    if (e == ERR_OK)
        laneload_done(l->env.lanes, &l->env, m.uid, m.why, l->task.workers);
    return e;
}

static void order(struct runtimeloop *l)
{
    if (l->phase == PHASE_RUNNING && checkpointer_is_idle(l->checkpointer) &&
        laneload_order(l->env.lanes, &l->env, &l->out))
        for (unsigned i = 0; i < l->task.workers; i++)
            crew_send(l->crew, i, CONTROL_LANE, l->epoch, &l->out);
}

void lanestep(struct runtimeloop *l)
{
    if (l->phase != PHASE_DOWN && l->phase != PHASE_RUNNING)
        return;
    order(l);
    const struct lanes_look look = {l->phase == PHASE_RUNNING && l->change == NULL, took,
                                    in_checkpoint, l};
    struct change *c = lanes_turn(l->env.lanes, &l->env, &look);
    if (c != NULL)
        runtimeloop_enqueue(l, c);
}
