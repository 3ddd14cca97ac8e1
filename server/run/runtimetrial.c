/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/runtimetrial.h"
#include "server/run/runtimedef.h"

enum err runtimetrial_change(struct runtime *r, const struct changetrial *what, runtime_done *done,
                             void *ctx)
{
    return runtime_enqueue_for(r, what->rule, change_trial(what), done, ctx);
}

bool runtimetrial_of(struct runtime *r, uint64_t rule, struct trials_one *out)
{
    return trials_of(r->trials, rule, out);
}

unsigned runtimetrial_list(struct runtime *r, struct trials_one *out, unsigned cap)
{
    return trials_list(r->trials, out, cap);
}

enum err runtimetrial_label(struct runtime *r, const char *alert, const char *label, const char *by)
{
    return catalog_labels_put(r->catalog, alert, label, by);
}
