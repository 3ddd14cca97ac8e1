/* SPDX-License-Identifier: Apache-2.0 */
#include "server/runtimesave.h"
#include "server/runtimedef.h"

struct savepoints *runtimesave_all(struct runtime *r)
{
    return r->savepoints;
}

enum err runtimesave_start(struct runtime *r, const struct runtime_options *o, struct diag *d)
{
    const struct savepoints_options with = {.data = o->data,
                                            .max = o->savepoints_max,
                                            .kept = o->savepoints_kept,
                                            .catalog = r->catalog,
                                            .registry = r->registry,
                                            .checkpointer = r->checkpointer};
    return savepoints_start(&with, d, &r->savepoints);
}
