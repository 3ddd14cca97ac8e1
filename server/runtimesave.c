/* SPDX-License-Identifier: Apache-2.0 */
#include "server/runtimesave.h"
#include "base/mem.h"
#include "server/runtimedef.h"

struct savepoints *runtimesave_all(struct runtime *r)
{
    return r->savepoints;
}

enum err runtimesave_rescale(struct runtime *r, unsigned workers, struct diag *d,
                             runtime_done *done, void *ctx)
{
    struct runtimeloop *l = &r->loop;
    struct budget budget;
    if (workers == 0 || workers > TASK_WORKERS_MAX || workers > l->task.key_groups) {
        unsigned most =
            l->task.key_groups < TASK_WORKERS_MAX ? l->task.key_groups : TASK_WORKERS_MAX;
        diag_say(d, "workers", NULL, "there may be 1 to %u workers, not %u", most, workers);
        return ERR_INVALID;
    }
    if (budget_make(&r->budget_options, workers, &budget, d) != ERR_OK)
        return ERR_INVALID;
    enum err e = rescale_want(l, workers, &budget, done, ctx);
    if (e != ERR_OK)
        diag_say(d, "conflict", "ask again when it is done",
                 "the number of workers is being changed already");
    return e;
}

enum err runtimesave_start(struct runtime *r, const struct runtime_options *o, struct diag *d)
{
    r->budget_options = o->budget_options;
    r->loop.workers_file = mem_printf("%s/workers", o->data);
    const struct savepoints_options with = {.data = o->data,
                                            .max = o->savepoints_max,
                                            .kept = o->savepoints_kept,
                                            .catalog = r->catalog,
                                            .registry = r->registry,
                                            .checkpointer = r->checkpointer,
                                            .loop = &r->loop};
    return savepoints_start(&with, d, &r->savepoints);
}
