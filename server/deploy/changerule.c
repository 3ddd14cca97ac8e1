/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changerule.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/changecut.h"
#include "server/deploy/changetrial.h"
#include "server/deploy/lanes.h"
#include "state/catalog_lists.h"
#include <inttypes.h>
#include <string.h>

/* The newest change of any list: the rule's rows all come after it. */
static uint64_t lists_seq(const struct change_env *env)
{
    uint64_t seq = 0;
    enum err e = catalog_lists_seq(env->catalog, &seq);
    return e == ERR_OK ? seq
                       : 0; /* then older edits are asked for by their marks, as is right too */
}

/* The old version with its end, then the new one. */
static enum err put_after(const struct change_env *env, const struct registry_rule *old,
                          const struct job_cut *end, const struct control_rule *put,
                          struct rule_plan *plan, struct diag *d)
{
    struct job_cut *cuts = mem_array(old->ncuts + 1, sizeof *cuts);
    unsigned n = old->ncuts + 1;
    for (unsigned i = 0; i < old->ncuts; i++)
        cuts[i] = registry_cut_copy(&old->cuts[i]);
    cuts[n - 1] = registry_cut_copy(end);
    struct control_rule ended = {.uid = old->uid,
                                 .version = old->version,
                                 .name = old->name,
                                 .sql = old->sql,
                                 .lists_seq = old->lists_seq,
                                 .ncuts = n,
                                 .cuts = cuts};
    enum err e = registry_put_rule(env->registry, &ended, NULL, d);
    for (unsigned i = 0; i < n; i++)
        registry_cut_fini(&cuts[i]);
    mem_free(cuts);
    return e == ERR_OK ? registry_put_rule(env->registry, put, plan, d) : e;
}

/* Nothing of the old version is left, and those that read it begin anew with the new one. */
static enum err put_instead(const struct change_env *env, const struct registry_rule *old,
                            const struct control_rule *put, struct rule_plan *plan, struct diag *d,
                            struct change_delta *delta)
{
    struct changecut_readers readers = {0};
    enum err e = ERR_OK;
    if (old != NULL) {
        e = changecut_stop_readers(env, old, d, delta, &readers);
        changecut_take_away(env, old, delta);
    }
    plan_ref(plan);
    enum err there = registry_put_rule(env->registry, put, plan, d);
    e = e != ERR_OK ? e : there;
    changecut_open(env, plan, put->cuts->marks, delta);
    there = changecut_start_readers(env, &readers, d, delta);
    return e != ERR_OK ? e : there;
}

/* The old version's state goes, the lane's is taken. */
static enum err take_from_lane(const struct change_env *env, const struct changerule *k,
                               bool hands_over, uint32_t version, struct job_cut *deploy,
                               struct diag *d, struct change_delta *delta)
{
    if (!hands_over) {
        diag_say(d, "conflict", NULL,
                 "the rule or its streams have changed: no version could take over there");
        return ERR_CONFLICT;
    }
    deploy->handover = JOB_HANDOVER_KEEP;
    deploy->from = lanes_uid(env->lanes, k->operation);
    return lanes_switch(env, k->operation, deploy->w, version, d, delta);
}

/* What was begun for the version before it, or beside it. */
static void tell_others(const struct change_env *env, const struct changerule *k, uint64_t uid,
                        bool is_next, evtime w, struct change_delta *delta)
{
    if (k->operation == 0)
        lanes_superseded(env, uid, "the rule has another version now");
    if (is_next)
        changetrial_superseded(env, uid, w, delta);
}

/* Whose state is taken, if it is not the old version's: of the one beside it, or of a lane. */
static enum err take_from(const struct change_env *env, const struct registry_rule *old,
                          const struct changerule *k, bool hands_over, uint32_t version,
                          struct job_cut *deploy, struct diag *d, struct change_delta *delta)
{
    if (k->operation != 0)
        return take_from_lane(env, k, hands_over, version, deploy, d, delta);
    if (k->beside == 0 || !hands_over)
        return ERR_OK;
    deploy->handover = JOB_HANDOVER_KEEP;
    deploy->from = changetrial_gives(env, old, k->beside, d);
    return deploy->from == 0 ? ERR_CONFLICT : ERR_OK;
}

enum err changerule_create(const struct change_env *env, const struct changerule *k, struct diag *d,
                           struct change_delta *delta)
{
    struct rule_plan *plan = NULL;
    enum err e =
        compile_rule(k->name, k->sql, strlen(k->sql), registry_scope(env->registry), d, &plan);
    const struct registry_rule *old = registry_rule_named(env->registry, k->name);
    uint64_t uid = old != NULL ? old->uid : k->resting;
    uint32_t version = k->version > 0 ? k->version : 1;
    if (e == ERR_OK)
        e = changecut_may_come(env, plan, old, uid, d);
    if (e == ERR_OK && uid != 0 && k->version == 0)
        e = catalog_versions_next(env->catalog, uid, &version);
    if (e != ERR_OK) {
        plan_unref(plan);
        return e;
    }
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    struct catalog_mark stored[2][CHANGECUT_MARKS_MAX];
    struct job_cut end = {.mode = plan->mode, .marks = marks}, deploy;
    end.nmarks = changecut_marks(env, plan, false, marks, &end.w);
    /* Rows of before may have been left out as of no interest to the old version: it takes over at a time that none has. */
    bool hands_over = old != NULL && end.w != EVTIME_MAX;
    end.w = hands_over ? changecut_past(plan, marks) : end.w;
    hands_over = hands_over && changecut_goes_on(old->plan, plan, end.w);
    if (hands_over)
        end.handover = k->reset ? JOB_HANDOVER_RESET : JOB_HANDOVER_KEEP;
    else
        end.nmarks = changecut_marks(env, plan, true, marks, &end.w);
    deploy = end;
    deploy.deployed = true;
    e = take_from(env, old, k, hands_over, version, &deploy, d, delta);
    struct catalog_cut cuts[2] = {changecut_stored(&end, stored[0]),
                                  changecut_stored(&deploy, stored[1])};
    cuts[0].version = old != NULL ? old->version : version;
    cuts[1].version = version;
    evtime now = timebase_now_ms();
    struct catalog_rule r = {.uid = uid,
                             .name = k->name,
                             .sql = k->sql,
                             .version = version,
                             .mode = (int)plan->mode,
                             .created = now,
                             .updated = now,
                             .lists_seq = plan->nlists > 0 ? lists_seq(env) : 0,
                             .author = k->author,
                             .reason = k->reason,
                             .rollback_to = k->rollback_to,
                             .ncuts = old != NULL ? 2 : 1,
                             .cuts = old != NULL ? cuts : cuts + 1};
    if (e == ERR_OK && (e = catalog_rules_add(env->catalog, &r)) != ERR_OK)
        diag_say(d, "catalogue", NULL, "rule %s cannot be stored: %s", k->name, err_text(e));
    if (e != ERR_OK) {
        plan_unref(plan);
        return e;
    }
    const struct control_rule put = {.uid = r.uid,
                                     .version = version,
                                     .name = k->name,
                                     .sql = k->sql,
                                     .lists_seq = r.lists_seq,
                                     .ncuts = 1,
                                     .cuts = &deploy};
    e = hands_over ? put_after(env, old, &end, &put, plan_ref(plan), d)
                   : put_instead(env, old, &put, plan, d, delta);
    changecut_put(delta, r.uid);
    if (e == ERR_OK && k->operation == 0 && deploy.from != 0)
        e = changetrial_becomes(env, deploy.from, deploy.w, version, d, delta);
    tell_others(env, k, r.uid, old != NULL, hands_over ? end.w : EVTIME_MIN, delta);
    plan_unref(plan);
    LOG_INFO("rule deployed", "rule=%s uid=%" PRIu64 " version=%u", k->name, r.uid, version);
    return e;
}

enum err changerule_mode(const struct change_env *env, const char *name, bool deployed,
                         enum rule_mode mode, struct diag *d, struct change_delta *delta)
{
    const struct registry_rule *rule = registry_rule_named(env->registry, name);
    if (rule == NULL)
        return ERR_NOT_FOUND;
    if (deployed && rule->mode == mode)
        return ERR_OK;
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    struct catalog_mark stored[CHANGECUT_MARKS_MAX];
    struct job_cut cut = {.deployed = deployed, .mode = mode, .marks = marks};
    if (!deployed)
        cut.mode = rule->mode;
    cut.nmarks = changecut_marks(env, rule->plan, false, marks, &cut.w);
    struct catalog_cut as_stored = changecut_stored(&cut, stored);
    as_stored.version = rule->version;
    enum err e = catalog_rules_cut(env->catalog, rule->uid, &as_stored);
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the change of rule %s cannot be stored: %s", name,
                 err_text(e));
        return e;
    }
    changetrial_follows(env, rule->uid, deployed, mode, d, delta);
    lanes_superseded(env, rule->uid,
                     deployed ? "the rule was paused or resumed" : "the rule was deleted");
    if (!deployed) {
        changecut_take_away(env, rule, delta);
        LOG_INFO("rule deleted", "rule=%s", name);
        return ERR_OK;
    }
    struct job_cut *cuts = mem_array(rule->ncuts + 1, sizeof *cuts);
    memcpy(cuts, rule->cuts, rule->ncuts * sizeof *cuts);
    cuts[rule->ncuts] = cut;
    struct control_rule put = {.uid = rule->uid,
                               .version = rule->version,
                               .name = rule->name,
                               .sql = rule->sql,
                               .lists_seq = rule->lists_seq,
                               .ncuts = rule->ncuts + 1,
                               .cuts = cuts};
    /* The new list is copied before the old one is freed, to which these cuts' marks belong: so they must be ours. */
    for (unsigned i = 0; i <= rule->ncuts; i++)
        cuts[i] = registry_cut_copy(&cuts[i]);
    unsigned n = put.ncuts;
    e = registry_put_rule(env->registry, &put, NULL, d);
    changecut_put(delta, rule->uid);
    for (unsigned i = 0; i < n; i++)
        registry_cut_fini(&cuts[i]);
    mem_free(cuts);
    LOG_INFO("rule changed", "rule=%s mode=%d", name, (int)mode);
    return e;
}

void changerule_retire(const struct change_env *env, uint64_t uid, uint32_t version,
                       struct change_delta *delta)
{
    registry_retire(env->registry, uid, version);
    changecut_put(delta, uid);
}
