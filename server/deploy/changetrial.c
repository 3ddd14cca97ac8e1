/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changetrial.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/source_file.h"
#include "rules/compile.h"
#include "server/deploy/changecut.h"
#include "server/deploy/changerule.h"
#include "state/catalog_lists.h"
#include "state/catalog_lives.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : mem_str(text);
}

struct changetrial *changetrial_copy(const struct changetrial *what)
{
    struct changetrial *c = mem_new(sizeof *c);
    *c = *what;
    c->rule = mem_str(what->rule);
    c->sql = copy_text(what->sql);
    c->author = copy_text(what->author);
    c->reason = copy_text(what->reason);
    return c;
}

void changetrial_free(struct changetrial *what)
{
    if (what == NULL)
        return;
    mem_free((void *)(uintptr_t)what->rule);
    mem_free((void *)(uintptr_t)what->sql);
    mem_free((void *)(uintptr_t)what->author);
    mem_free((void *)(uintptr_t)what->reason);
    mem_free(what);
}

/* --- may it be? -------------------------------------------------------------------------------------------------- */

static bool same_key(const struct rule_plan *a, const struct rule_plan *b)
{
    bool same = plan_nkeys(a) == plan_nkeys(b) && a->input == b->input;
    for (unsigned i = 0; same && i < plan_nkeys(a); i++)
        same = strcasecmp(plan_key_name(a, i), plan_key_name(b, i)) == 0 &&
               schema_type_same(plan_key_type(a, i), plan_key_type(b, i));
    return same;
}

static bool goes_on(const struct rule_plan *p)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(p, streams);
    for (unsigned i = 0; i < n; i++)
        if (streams[i]->watermark == WATERMARK_PUNCTUATED ||
            (strcmp(streams[i]->connector, "file") == 0 && !source_file_follows(streams[i])))
            return false;
    return true;
}

/* Each key must be of one version, at an event time that is known. */
static enum err may_share(const struct change_env *env, const struct registry_rule *rule,
                          const struct rule_plan *plan, struct diag *d)
{
    const struct rule_plan *old = rule->plan;
    struct bytes names = {0};
    unsigned n = changecut_readers_of(env, rule->uid, &names);
    if (n > 0)
        diag_say(d, "conflict", "run it as a shadow, or activate it for all keys",
                 "rule %s is read by %.*s: what two versions find cannot be read as one",
                 rule->name, (int)names.n, (const char *)names.p);
    bytes_fini(&names);
    if (n > 0)
        return ERR_CONFLICT;
    bool keyless = plan->shape != RULE_FILTER && plan->shape != RULE_JOIN && plan_nkeys(plan) == 0;
    const char *why = keyless ? "the rule has no key that could be shared out"
                      : old->shape != plan->shape || !same_key(old, plan)
                          ? "the versions have other keys, so no key can be said to be of the one "
                            "or the other"
                      : !goes_on(plan) ? "the stream is a file that ends, or has punctuated "
                                         "watermarks: no event time is past all that has come"
                                       : NULL;
    if (why == NULL)
        return ERR_OK;
    diag_say(d, "conflict", "run it as a shadow, or activate it for all keys",
             "version %u cannot be rolled out to a part of the keys: %s", rule->version, why);
    return ERR_CONFLICT;
}

static enum err may_run(const struct change_env *env, const struct registry_rule *rule,
                        const struct changetrial *what, struct diag *d)
{
    struct rule_plan *plan = NULL;
    enum err e = compile_rule(what->rule, what->sql, strlen(what->sql),
                              registry_scope(env->registry), d, &plan);
    if (e == ERR_OK)
        e = changecut_may_come(env, plan, NULL, 0, d);
    if (e == ERR_OK && what->percent > 0)
        e = may_share(env, rule, plan, d);
    plan_unref(plan);
    return e;
}

static enum err conflict(struct diag *d, const char *hint, const char *rule, const char *why,
                         uint32_t version)
{
    diag_say(d, "conflict", hint, "rule %s: %s %u", rule, why, version);
    return ERR_CONFLICT;
}

enum err changetrial_may(const struct change_env *env, const struct changetrial *what,
                         struct diag *d)
{
    const struct registry_rule *rule = registry_rule_named(env->registry, what->rule);
    struct trials_one now = {0};
    if (rule == NULL)
        return ERR_NOT_FOUND;
    bool there = trials_of(env->trials, rule->uid, &now), runs = there && now.state == TRIAL_RUNS;
    if (what->end && runs)
        return ERR_OK;
    if (what->end)
        return conflict(d, "there is nothing to end", what->rule, "no version runs beside version",
                        rule->version);
    if (rule->mode == RULE_PAUSED)
        return conflict(d, "resume it first", what->rule, "paused is version", rule->version);
    if (what->version == rule->version)
        return conflict(d, NULL, what->rule, "active already is version", rule->version);
    if (runs && now.version != what->version)
        return conflict(d, "end that one first: POST /api/v1/rules/{r}:discard", what->rule,
                        "beside the active version runs version", now.version);
    struct bytes name = {0};
    bytes_printf(&name, "%s@%u", rule->name, what->version);
    bytes_u8(&name, 0);
    bool held = !runs && registry_has_rule(env->registry, (const char *)name.p);
    bytes_fini(&name);
    if (held)
        return conflict(d, "ask again when the next checkpoints are there", what->rule,
                        "a checkpoint may need what ran beside it as version", what->version);
    if (there && !runs && now.version == what->version)
        return conflict(d, "ask again in a moment", what->rule,
                        "the last results are waited for of version", now.version);
    return may_run(env, rule, what, d);
}

/* --- its beginning ------------------------------------------------------------------------------------------------ */

static enum err store(const struct change_env *env, const struct changetrial *what,
                      const struct registry_rule *rule, struct catalog_rule *r, evtime began)
{
    const struct catalog_trial_share share = {.w = began,
                                              .percent = what->percent,
                                              .at = r->created,
                                              .author = what->author,
                                              .reason = what->reason};
    enum err e = catalog_begin(env->catalog);
    if (e != ERR_OK)
        return e;
    e = catalog_rules_add(env->catalog, r);
    struct catalog_trial t = {.uid = r->uid,
                              .rule = rule->uid,
                              .old = rule->version,
                              .version = what->version,
                              .state = TRIAL_RUNS,
                              .began = began,
                              .ended = EVTIME_MAX,
                              .created = r->created,
                              .copied = r->cuts[0].handover == JOB_HANDOVER_COPY,
                              .author = what->author,
                              .reason = what->reason,
                              .nshares = 1,
                              .shares = &share};
    if (e == ERR_OK)
        e = catalog_trials_add(env->catalog, &t);
    enum err stored = catalog_end(env->catalog);
    e = e != ERR_OK ? e : stored;
    if (e == ERR_OK)
        trials_put(env->trials, &t);
    return e;
}

/* Where it begins: with a copy of the active one's state, if there can be one, at a time after those of all events so far;
 * else as a new rule does. Returns from when on results are compared: all rows of after that time are seen by both. */
static evtime begin(const struct change_env *env, const struct changetrial *what,
                    const struct registry_rule *rule, const struct rule_plan *plan,
                    struct job_cut *cut, struct job_mark *marks)
{
    evtime past = EVTIME_MAX;
    *cut = (struct job_cut){.deployed = true, .mode = rule->mode, .marks = marks};
    cut->nmarks = changecut_marks(env, plan, false, marks, &cut->w);
    if (!what->reset && plan->shape != RULE_FILTER && cut->w != EVTIME_MAX)
        past = changecut_past(plan, marks);
    if (changecut_goes_on(rule->plan, plan, past)) {
        cut->handover = JOB_HANDOVER_COPY;
        cut->from = rule->uid;
        cut->w = past;
        return past;
    }
    cut->nmarks = changecut_marks(env, plan, true, marks, &cut->w);
    past = changecut_past(plan, marks);
    return past == EVTIME_MAX ? cut->w : past;
}

static enum err start(const struct change_env *env, const struct changetrial *what,
                      const struct registry_rule *rule, struct diag *d, struct change_delta *delta)
{
    struct rule_plan *plan = NULL;
    enum err e = compile_rule(what->rule, what->sql, strlen(what->sql),
                              registry_scope(env->registry), d, &plan);
    if (e != ERR_OK)
        return e;
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    struct catalog_mark stored[CHANGECUT_MARKS_MAX];
    struct job_cut cut;
    evtime began = begin(env, what, rule, plan, &cut, marks), now = timebase_now_ms();
    struct catalog_cut as_stored = changecut_stored(&cut, stored);
    as_stored.version = what->version;
    char *name = mem_printf("%s@%u", rule->name, what->version);
    struct catalog_rule r = {.name = name,
                             .sql = (char *)(uintptr_t)what->sql,
                             .version = what->version,
                             .mode = (int)rule->mode,
                             .created = now,
                             .updated = now,
                             .stands_for = rule->uid,
                             .author = what->author,
                             .reason = what->reason,
                             .ncuts = 1,
                             .cuts = &as_stored};
    if (plan->nlists > 0 && catalog_lists_seq(env->catalog, &r.lists_seq) != ERR_OK)
        r.lists_seq = 0;
    e = store(env, what, rule, &r, began);
    if (e != ERR_OK)
        diag_say(d, "catalogue", NULL, "version %u of rule %s cannot be stored: %s", what->version,
                 what->rule, err_text(e));
    const struct control_rule put = {.uid = r.uid,
                                     .version = what->version,
                                     .name = name,
                                     .sql = what->sql,
                                     .lists_seq = r.lists_seq,
                                     .ncuts = 1,
                                     .cuts = &cut,
                                     .stands_for = rule->uid};
    if (e == ERR_OK)
        e = registry_put_rule(env->registry, &put, plan_ref(plan), d);
    if (e == ERR_OK) {
        changecut_put(delta, r.uid);
        if (cut.handover == JOB_HANDOVER_NONE)
            changecut_open(env, plan, marks, delta);
        LOG_INFO("a version runs beside the active one", "rule=%s version=%u percent=%u",
                 what->rule, what->version, what->percent);
    }
    plan_unref(plan);
    mem_free(name);
    return e;
}

/* --- another share, its end --------------------------------------------------------------------------------------- */

static evtime past_of(const struct change_env *env, const struct rule_plan *plan, evtime *w)
{
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    (void)changecut_marks(env, plan, false, marks, w);
    return changecut_past(plan, marks);
}

static enum err share(const struct change_env *env, const struct changetrial *what,
                      const struct trials_one *now, const struct registry_rule *rule,
                      struct diag *d)
{
    evtime w;
    const struct catalog_trial_share s = {.w = past_of(env, rule->plan, &w),
                                          .percent = what->percent,
                                          .at = timebase_now_ms(),
                                          .author = what->author,
                                          .reason = what->reason};
    if (what->percent == now->percent)
        return ERR_OK;
    enum err e = catalog_trials_share(env->catalog, now->uid, &s);
    if (e == ERR_OK)
        trials_share(env->trials, now->uid, s.w, s.percent);
    else
        diag_say(d, "catalogue", NULL, "the share cannot be stored: %s", err_text(e));
    return e;
}

static void note_end(const struct change_env *env, uint64_t uid, enum catalog_trial_state state,
                     evtime ended)
{
    enum err e = catalog_trials_end(env->catalog, uid, state, ended);
    if (e != ERR_OK) /* what it is now, it will be again after a start */
        LOG_ERROR("the end of a trial cannot be stored", "uid=%" PRIu64 " reason=\"%s\"", uid,
                  err_text(e));
    trials_end(env->trials, uid, state, ended);
}

static void take_away(const struct change_env *env, const struct registry_rule *trial,
                      struct change_delta *delta)
{
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    struct catalog_mark stored[CHANGECUT_MARKS_MAX];
    struct job_cut cut = {.mode = trial->mode, .marks = marks};
    cut.nmarks = changecut_marks(env, trial->plan, false, marks, &cut.w);
    struct catalog_cut as_stored = changecut_stored(&cut, stored);
    as_stored.version = trial->version;
    enum err e = catalog_rules_cut(env->catalog, trial->uid, &as_stored);
    if (e != ERR_OK)
        LOG_ERROR("the end of a trial cannot be stored", "rule=%s reason=\"%s\"", trial->name,
                  err_text(e));
    LOG_INFO("a version runs no longer beside the active one", "rule=%s", trial->name);
    changecut_take_away(env, trial, delta);
}

/* Of a shadow nothing is told that could be missing; else its last results are told first. */
static void end(const struct change_env *env, const struct trials_one *now, evtime at,
                struct change_delta *delta)
{
    const struct registry_rule *trial = registry_rule(env->registry, now->uid);
    evtime w = EVTIME_MIN;
    evtime past = trial == NULL ? EVTIME_MIN : past_of(env, trial->plan, &w);
    bool at_once = !now->had_share || at == EVTIME_MIN || past == EVTIME_MAX;
    evtime ended = at == EVTIME_MIN || !now->had_share ? w : at;
    if (trial != NULL && at_once)
        take_away(env, trial, delta);
    note_end(env, now->uid, at_once || trial == NULL ? TRIAL_GONE : TRIAL_ENDS, ended);
}

enum err changetrial_commit(const struct change_env *env, const struct changetrial *what,
                            struct diag *d, struct change_delta *delta)
{
    const struct registry_rule *rule = registry_rule_named(env->registry, what->rule);
    struct trials_one now = {0};
    enum err e = changetrial_may(env, what, d); /* a worker may have died since it was asked */
    if (e != ERR_OK)
        return e;
    bool runs = trials_of(env->trials, rule->uid, &now) && now.state == TRIAL_RUNS;
    if (!what->end)
        return runs ? share(env, what, &now, rule, d) : start(env, what, rule, d, delta);
    evtime w;
    end(env, &now, past_of(env, rule->plan, &w), delta);
    return catalog_audit_add(env->catalog, "version ended beside", rule->name, what->author,
                             what->reason);
}

/* --- it becomes the active one ------------------------------------------------------------------------------------ */

static bool has_ended(const struct registry_rule *trial)
{
    return trial->ncuts > 0 && !trial->cuts[trial->ncuts - 1].deployed;
}

uint64_t changetrial_gives(const struct change_env *env, const struct registry_rule *rule,
                           uint32_t version, struct diag *d)
{
    struct trials_one now = {0};
    const struct registry_rule *trial = NULL;
    if (rule != NULL && trials_of(env->trials, rule->uid, &now) && now.state == TRIAL_RUNS &&
        now.version == version)
        trial = registry_rule(env->registry, now.uid);
    if (trial != NULL)
        return now.uid;
    diag_say(d, "conflict", "activate it with \"state\": \"keep\" or \"reset\"",
             "version %u runs no longer beside the active one: it has no state of its own",
             version);
    return 0;
}

/* Its cuts, and that one. */
static enum err put_ended(const struct change_env *env, const struct registry_rule *trial,
                          const struct job_cut *end, struct diag *d)
{
    unsigned n = trial->ncuts + 1;
    struct job_cut *cuts = mem_array(n, sizeof *cuts);
    for (unsigned i = 0; i < n; i++)
        cuts[i] = registry_cut_copy(i < trial->ncuts ? &trial->cuts[i] : end);
    const struct control_rule put = {.uid = trial->uid,
                                     .version = trial->version,
                                     .name = trial->name,
                                     .sql = trial->sql,
                                     .lists_seq = trial->lists_seq,
                                     .ncuts = n,
                                     .cuts = cuts,
                                     .stands_for = trial->stands_for};
    enum err e = registry_put_rule(env->registry, &put, NULL, d);
    for (unsigned i = 0; i < n; i++)
        registry_cut_fini(&cuts[i]);
    mem_free(cuts);
    return e;
}

enum err changetrial_becomes(const struct change_env *env, uint64_t uid, evtime w, uint32_t version,
                             struct diag *d, struct change_delta *delta)
{
    const struct registry_rule *trial = registry_rule(env->registry, uid);
    struct job_mark marks[CHANGECUT_MARKS_MAX];
    struct catalog_mark stored[CHANGECUT_MARKS_MAX];
    struct job_cut end = {.mode = trial->mode, .marks = marks, .handover = JOB_HANDOVER_KEEP};
    end.nmarks = changecut_marks(env, trial->plan, false, marks, &end.w);
    end.w = w;
    struct catalog_cut as_stored = changecut_stored(&end, stored);
    as_stored.version = trial->version;
    enum err e = catalog_rules_end_lane(env->catalog, uid, &as_stored);
    if (e == ERR_OK)
        e = catalog_trials_became(env->catalog, uid, version);
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the end of a trial cannot be stored: %s", err_text(e));
        return e;
    }
    e = put_ended(env, trial, &end, d);
    changecut_put(delta, uid);
    trials_becomes(env->trials, uid);
    note_end(env, uid, TRIAL_ENDS, w);
    LOG_INFO("a version that ran beside the active one takes its place",
             "uid=%" PRIu64 " version=%u", uid, version);
    return e;
}

const struct registry_rule *changetrial_heir(const struct change_env *env,
                                             const struct registry_rule *trial)
{
    const struct registry_rule *v =
        has_ended(trial) ? registry_rule(env->registry, trial->stands_for) : NULL;
    while (v != NULL && (v->ncuts == 0 || v->cuts[0].from != trial->uid))
        v = v->before;
    return v;
}

/* Its heir has the state: the workers need it no longer. It is there for a checkpoint of before, until its heir has no
 * version before it any more, since none of those that are kept has one. */
static void let_go(const struct change_env *env, const struct registry_rule *trial,
                   const struct registry_rule *heir, struct change_delta *delta)
{
    uint64_t uid = trial->uid;
    if (trial->retired != UINT32_MAX)
        changecut_removed(delta, uid);
    registry_retire(env->registry, uid, UINT32_MAX);
    if (heir->before != NULL)
        return;
    registry_remove_rule(env->registry, uid);
    enum err e = catalog_rules_forget_lane(env->catalog, uid);
    if (e != ERR_OK) /* after the next start it is tried again */
        LOG_ERROR("the end of a trial cannot be stored", "uid=%" PRIu64 " reason=\"%s\"", uid,
                  err_text(e));
}

void changetrial_over(const struct change_env *env, uint64_t uid, struct change_delta *delta)
{
    const struct registry_rule *trial = registry_rule(env->registry, uid);
    const struct registry_rule *heir = trial == NULL ? NULL : changetrial_heir(env, trial);
    if (heir != NULL)
        let_go(env, trial, heir, delta);
    else if (trial != NULL)
        take_away(env, trial, delta);
    note_end(env, uid, TRIAL_GONE, EVTIME_MAX);
}

void changetrial_superseded(const struct change_env *env, uint64_t rule, evtime w,
                            struct change_delta *delta)
{
    struct trials_one now = {0};
    if (trials_of(env->trials, rule, &now) && now.state == TRIAL_RUNS)
        end(env, &now, w, delta);
}

void changetrial_follows(const struct change_env *env, uint64_t rule, bool deployed,
                         enum rule_mode mode, struct diag *d, struct change_delta *delta)
{
    struct trials_one now = {0};
    if (!trials_of(env->trials, rule, &now))
        return;
    const struct registry_rule *trial = registry_rule(env->registry, now.uid);
    if (!deployed) {
        if (trial != NULL)
            take_away(env, trial, delta);
        note_end(env, now.uid, TRIAL_GONE, EVTIME_MAX);
    } else if (trial != NULL && !has_ended(trial)) {
        enum err e = changerule_mode(env, trial->name, true, mode, d, delta);
        if (e != ERR_OK)
            LOG_ERROR("a trial does not follow its rule", "rule=%s reason=\"%s\"", trial->name,
                      err_text(e));
    }
}
