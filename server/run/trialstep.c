/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/trialstep.h"
#include "server/deploy/changetrial.h"
#include "server/run/runtimedef.h"

/* It has become the active one: the workers need it until they all have handed its state over, and then a checkpoint may. */
static void step_heir(struct runtimeloop *l, const struct registry_rule *trial,
                      const struct registry_rule *heir)
{
    struct task_kept kept;
    bool hidden = trial->retired == UINT32_MAX;
    if (hidden ? heir->before == NULL : crew_took(l->crew, heir->uid, heir->version, &kept))
        runtimeloop_enqueue(l, change_trial_over(trial->uid));
}

void trialstep(struct runtimeloop *l)
{
    const struct registry_rule *r;
    for (unsigned i = 0; (r = registry_rule_at(l->env.registry, i)) != NULL; i++) {
        const struct registry_rule *heir = NULL;
        if (r->stands_for != 0 && !registryfork_is_lane(l->env.registry, r->uid))
            heir = changetrial_heir(&l->env, r);
        if (heir != NULL)
            step_heir(l, r, heir);
    }
    uint64_t uid = trials_due(l->env.trials, crew_watermark(l->crew), timebase_mono_ns());
    if (uid != 0)
        runtimeloop_enqueue(l, change_trial_over(uid));
}
