/* SPDX-License-Identifier: Apache-2.0
 *
 * runtimesave.h without a runtime behind it: there are no savepoints. */
#include "server/run/runtimesave.h"

struct savepoints *runtimesave_all(struct runtime *r)
{
    (void)r;
    return NULL;
}

enum err runtimesave_rescale(struct runtime *r, unsigned workers, struct diag *d,
                             runtime_done *done, void *ctx)
{
    (void)r, (void)workers, (void)d, (void)done, (void)ctx;
    return ERR_CONFLICT;
}

enum err runtimesave_activate(struct runtime *r, const struct runtimeversion_activation *what,
                              bool must, struct diag *d, runtime_done *done, void *ctx)
{
    (void)must;
    return runtimeversion_activate(r, what, d, done, ctx);
}
