/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "runtime"
#include "server/run/runtimelast.h"
#include "base/log.h"
#include <inttypes.h>

enum { TURN_MS = 100 };

struct last {
    bool done;
    enum err e;
};

static void on_ended(void *ctx, enum err e, const struct diag *d, const struct checkmeta *m,
                     const char *folder)
{
    struct last *x = ctx;
    (void)d, (void)m, (void)folder;
    *x = (struct last){true, e};
}

void runtimelast(struct runtimeloop *l, struct pollfd *fds)
{
    struct last x = {0};
    const struct checkpointer_keeper keeper = {"shutdown", NULL, on_ended, &x};
    montime until = timebase_mono_ns() + l->last_checkpoint_ms * 1000000;
    if (l->phase == PHASE_RUNNING && l->last_checkpoint_ms > 0) {
        checkpointer_keep(l->checkpointer, &keeper);
        while (!x.done && l->phase != PHASE_DOWN && timebase_mono_ns() < until)
            runtimeloop_turn(l, fds, TURN_MS);
        if (!x.done || x.e != ERR_OK)
            LOG_WARN(
                "ended without a last checkpoint: what came after the one before is read again",
                "limit_ms=%" PRId64, l->last_checkpoint_ms);
    }
    checkpointer_refuse(l->checkpointer); /* x is not to be written to after this */
    rescale_refuse(l);
    restore_refuse(l);
}
