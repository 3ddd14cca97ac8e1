/* SPDX-License-Identifier: Apache-2.0
 *
 * Of the runtime in tests of the API: no version runs beside another. */
#include "server/runtimeinspect.h"
#include "server/runtimetrial.h"
#include "tests/lib/fake_runtime.h"

const bool fake_runtime_has_trials = false;

enum err runtimetrial_change(struct runtime *r, const struct changetrial *what, runtime_done *done,
                             void *ctx)
{
    (void)r;
    (void)what;
    (void)done;
    (void)ctx;
    return ERR_NOT_FOUND;
}

bool runtimetrial_of(struct runtime *r, uint64_t rule, struct trials_one *out)
{
    (void)r;
    (void)rule;
    (void)out;
    return false;
}

enum err runtimetrial_label(struct runtime *r, const char *alert, const char *label, const char *by)
{
    (void)r;
    (void)alert;
    (void)label;
    (void)by;
    return ERR_NOT_FOUND;
}

/* What a rule knows of its keys. */
void runtimeinspect(struct runtime *r, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx)
{
    (void)r, (void)ask;
    done(ctx, ERR_CONFLICT, NULL);
}

enum err runtimeinspect_why(struct runtime *r, struct whynot_ask *ask, whynot_done *done, void *ctx)
{
    (void)r, (void)ask, (void)done, (void)ctx;
    return ERR_AGAIN;
}
