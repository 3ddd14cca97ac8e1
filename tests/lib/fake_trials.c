/* SPDX-License-Identifier: Apache-2.0
 *
 * Of the runtime in tests of the API: no version runs beside another. */
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
