/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/runtimeversion.h"
#include "base/mem.h"
#include "server/run/runtimedef.h"

enum err runtimeversion_activate(struct runtime *r, const struct runtimeversion_activation *what,
                                 struct diag *d, runtime_done *done, void *ctx)
{
    struct change *c = NULL;
    enum err e = change_activate(&r->loop.env, what, d, &c);
    if (e != ERR_OK || what->resting == 0)
        return e == ERR_OK ? runtime_enqueue_for(r, what->rule, c, done, ctx) : e;
    change_on_done(c, done, ctx);
    runtimeloop_enqueue(&r->loop, c);
    return ERR_OK;
}

enum err runtimeversion_add(struct runtime *r, struct catalog_version *v)
{
    return catalog_versions_add(r->loop.env.catalog, v);
}

bool runtimeversion_handover(struct runtime *r, uint64_t uid, uint32_t version,
                             struct task_kept *kept)
{
    return crew_took(r->crew, uid, version, kept);
}

struct runtime_rule_stats runtimeversion_stats(struct runtime *r, uint64_t uid)
{
    struct runtime_rule_stats found = {.uid = uid};
    unsigned n = crew_rules(r->crew, NULL, 0);
    struct runtime_rule_stats *all = mem_array(n, sizeof *all);
    unsigned have = crew_rules(r->crew, all, n);
    for (unsigned i = 0; i < have && i < n; i++)
        if (all[i].uid == uid)
            found = all[i];
    mem_free(all);
    return found;
}
