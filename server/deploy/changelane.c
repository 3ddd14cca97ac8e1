/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changelane.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/changecut.h"
#include "server/deploy/laneplan.h"
#include "server/deploy/lanesave.h"
#include "server/intake/feedfork.h"
#include "state/catalog_lists.h"
#include "state/catalog_operations.h"
#include <inttypes.h>
#include <string.h>

#define LANE "@lane-" /* in its name, behind the rule's */

bool changelane_is_name(const char *rule)
{
    return strstr(rule, LANE) != NULL;
}

/* --- its beginning ----------------------------------------------------------------------------------------------- */

static uint32_t fork_id(uint64_t operation, unsigned root)
{
    return UINT32_C(1) << CHANGELANE_FORK_BIT | (uint32_t)(operation << CHANGELANE_ROOT_BITS) |
           root;
}

static enum err may(const struct changelane *what, const struct rule_plan *plan, struct diag *d)
{
    if (what->operation >> (CHANGELANE_FORK_BIT - CHANGELANE_ROOT_BITS) != 0) {
        diag_say(d, "limit", NULL, "there have been too many operations in this data folder");
        return ERR_LIMIT;
    }
    return laneplan_may(plan, d);
}

/* The marks are of the streams; from here on they are of their forks. */
static void renumber(const struct changelane *what, const struct rule_plan *plan)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(plan, streams);
    for (unsigned i = 0; i < what->nmarks; i++)
        for (unsigned k = 0; k < n; k++)
            if (what->marks[i].stream == streams[k]->id) {
                what->marks[i].stream = fork_id(what->operation, k);
                break;
            }
}

static enum err store(const struct change_env *env, const struct changelane *what,
                      const struct rule_plan *plan, struct catalog_rule *r)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(plan, streams);
    enum err e = catalog_rules_add(env->catalog, r);
    for (unsigned k = 0; k < n && e == ERR_OK; k++)
        e = catalog_operations_fork(env->catalog, what->operation, fork_id(what->operation, k),
                                    streams[k]->id);
    return e;
}

static enum err publish(const struct change_env *env, const struct changelane *what,
                        const struct rule_plan *plan, const struct control_rule *put,
                        struct diag *d, struct change_delta *delta)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(plan, streams);
    enum err e = ERR_OK;
    for (unsigned k = 0; k < n && e == ERR_OK; k++)
        e = registryfork_add(env->registry, fork_id(what->operation, k), streams[k]->id, put->uid,
                             d);
    if (e == ERR_OK)
        e = registry_put_rule(env->registry, put, NULL, d);
    if (e == ERR_OK) {
        changecut_put(delta, put->uid);
        changecut_open(env, registry_rule(env->registry, put->uid)->plan, what->marks, delta);
        feedfork_hold(env->feed, put->uid, what->save != NULL);
    }
    return e;
}

/* *from: the partitions' rows of before it are not all there, so the lane sees none of them. */
static enum err find_marks(const struct change_env *env, struct changelane *what,
                           const struct rule_plan *plan, struct diag *d, uint64_t *rows,
                           evtime *from)
{
    struct laneplan_cover cover;
    what->marks = mem_array(CHANGECUT_MARKS_MAX, sizeof *what->marks);
    if (what->save != NULL)
        return lanesave_marks(what->save, plan, env->log, what->marks, &what->nmarks, rows, d);
    what->nmarks = laneplan_marks(plan, env->log, what->since, what->marks, &cover);
    *rows = cover.rows;
    *from = cover.from;
    return ERR_OK;
}

static enum err begin(const struct change_env *env, struct changelane *what,
                      const struct registry_rule *rule, const struct rule_plan *plan,
                      struct diag *d, struct change_delta *delta)
{
    uint64_t rows = 0;
    evtime from = EVTIME_MIN;
    struct catalog_mark stored[CHANGECUT_MARKS_MAX];
    enum err e = find_marks(env, what, plan, d, &rows, &from);
    if (e != ERR_OK)
        return e;
    renumber(what, plan);
    struct job_cut cut = {.deployed = true,
                          .mode = RULE_ACTIVE,
                          .w = from,
                          .handover = from == EVTIME_MIN ? JOB_HANDOVER_NONE : JOB_HANDOVER_RESET,
                          .nmarks = what->nmarks,
                          .marks = what->marks};
    struct catalog_cut as_stored = changecut_stored(&cut, stored);
    evtime now = timebase_now_ms();
    as_stored.version = 1;
    char *name = mem_printf("%s" LANE "%" PRIu64, rule->name, what->operation);
    struct catalog_rule r = {.name = name,
                             .sql = (char *)(uintptr_t)what->sql,
                             .version = 1,
                             .mode = RULE_ACTIVE,
                             .created = now,
                             .updated = now,
                             .stands_for = rule->uid,
                             .hidden = true,
                             .ncuts = 1,
                             .cuts = &as_stored};
    if (plan->nlists > 0 && catalog_lists_seq(env->catalog, &r.lists_seq) != ERR_OK)
        r.lists_seq = 0;
    e = store(env, what, plan, &r);
    if (e != ERR_OK)
        diag_say(d, "catalogue", NULL, "it cannot be stored: %s", err_text(e));
    const struct control_rule put = {.uid = what->uid = r.uid,
                                     .version = 1,
                                     .name = name,
                                     .sql = what->sql,
                                     .lists_seq = r.lists_seq,
                                     .ncuts = 1,
                                     .cuts = &cut,
                                     .stands_for = rule->uid};
    if (e == ERR_OK)
        e = publish(env, what, plan, &put, d, delta);
    if (e == ERR_OK)
        LOG_INFO("what has gone by is read again for a rule",
                 "rule=%s operation=%" PRIu64 " rows=%" PRIu64, rule->name, what->operation, rows);
    else if (r.uid != 0)
        changelane_forget(env, r.uid);
    mem_free(name);
    return e;
}

enum err changelane_begin(const struct change_env *env, struct changelane *what, struct diag *d,
                          struct change_delta *delta)
{
    const struct registry_rule *rule = registry_rule(env->registry, what->rule);
    struct rule_plan *plan = NULL;
    if (rule == NULL) {
        diag_say(d, "not-found", NULL, "the rule is not there any more");
        return ERR_NOT_FOUND;
    }
    enum err e = compile_rule(rule->name, what->sql, strlen(what->sql),
                              registry_scope(env->registry), d, &plan);
    if (e == ERR_OK)
        e = may(what, plan, d);
    if (e == ERR_OK)
        e = begin(env, what, rule, plan, d, delta);
    plan_unref(plan);
    return e;
}

/* --- its end ------------------------------------------------------------------------------------------------------- */

enum err changelane_ends(const struct change_env *env, uint64_t uid, evtime w, struct diag *d,
                         struct change_delta *delta)
{
    const struct registry_rule *lane = registry_rule(env->registry, uid);
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    struct catalog_mark stored[CHANGECUT_MARKS_MAX];
    struct job_cut *cuts,
        end = {.mode = RULE_ACTIVE, .marks = marks, .handover = JOB_HANDOVER_KEEP};
    evtime least;
    if (lane == NULL || lane->ncuts != 1) {
        diag_say(d, "conflict", NULL, "what was made for it is not there any more");
        return ERR_CONFLICT;
    }
    end.nmarks = changecut_marks(env, lane->plan, false, marks, &least);
    end.w = w;
    struct catalog_cut as_stored = changecut_stored(&end, stored);
    as_stored.version = lane->version;
    enum err e = catalog_rules_end_lane(env->catalog, uid, &as_stored);
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "it cannot be stored: %s", err_text(e));
        return e;
    }
    cuts = mem_array(2, sizeof *cuts);
    cuts[0] = registry_cut_copy(&lane->cuts[0]);
    cuts[1] = registry_cut_copy(&end);
    const struct control_rule put = {.uid = uid,
                                     .version = lane->version,
                                     .name = lane->name,
                                     .sql = lane->sql,
                                     .lists_seq = lane->lists_seq,
                                     .ncuts = 2,
                                     .cuts = cuts,
                                     .stands_for = lane->stands_for};
    e = registry_put_rule(env->registry, &put, NULL, d);
    changecut_put(delta, uid);
    registry_cut_fini(&cuts[0]);
    registry_cut_fini(&cuts[1]);
    mem_free(cuts);
    return e;
}

static void close_forks(const struct change_env *env, uint64_t uid)
{
    unsigned n = registryfork_all(env->registry, NULL, 0);
    struct registry_fork *forks = mem_array(n + 1, sizeof *forks);
    unsigned got = registryfork_all(env->registry, forks, n);
    for (unsigned i = 0; i < got && i < n; i++)
        if (forks[i].lane == uid)
            feed_close(env->feed, forks[i].id);
    mem_free(forks);
}

void changelane_over(const struct change_env *env, uint64_t uid, bool for_good,
                     struct change_delta *delta)
{
    if (registry_rule(env->registry, uid) == NULL)
        return;
    changecut_removed(delta, uid);
    close_forks(env, uid);
    registry_retire(env->registry, uid, UINT32_MAX);
    if (for_good)
        changelane_forget(env, uid);
}

void changelane_forget(const struct change_env *env, uint64_t uid)
{
    const struct registry_rule *lane = registry_rule(env->registry, uid);
    if (lane != NULL) {
        close_forks(env, uid);
        registry_remove_rule(env->registry, uid);
        registryfork_remove(env->registry, uid);
    }
    enum err e = catalog_rules_forget_lane(env->catalog, uid);
    if (e != ERR_OK) /* after the next start it is tried again */
        LOG_ERROR("the end of an operation cannot be stored", "uid=%" PRIu64 " reason=\"%s\"", uid,
                  err_text(e));
}
