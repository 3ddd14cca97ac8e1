/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of a rule: texts that do not change, and the upgrade. */
#include "base/mem.h"
#include "rules/compile.h"
#include "rules/reword.h"
#include "server/api/api.h"
#include "server/config.h"
#include "server/deploy/runtimeversion.h"
#include "server/http/jsonw.h"
#include "server/http/problem.h"
#include "server/run/runtimelane.h"
#include "server/run/runtimelife.h"
#include "server/run/runtimesave.h"
#include "server/run/runtimetrial.h"
#include <inttypes.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------------------------- */

struct listing {
    struct api *api;
    struct bytes *out;
    uint32_t active;
    uint32_t beside; /* that runs beside it, as: */
    const char *as;
    bool took_own; /* the active one has the state that it gathered beside the one before */
    uint64_t copy; /* ... with a copy of its state, under this uid */
};

void api_versions_write_handover(struct api *a, struct bytes *out, uint64_t uid, uint32_t version)
{
    struct task_kept kept;
    bool done = runtimeversion_handover(a->runtime, uid, version, &kept);
    jsonw_key(out, "handover");
    jsonw_open(out, '{');
    jsonw_kbool(out, "done", done);
    jsonw_ku64(out, "keys", kept.keys);
    jsonw_ku64(out, "partials", kept.partials);
    jsonw_ku64(out, "partials_lost", kept.partials_lost);
    jsonw_ku64(out, "windows", kept.windows);
    jsonw_close(out, '}');
}

static void note_trial(void *ctx, const struct catalog_trial *t)
{
    struct listing *l = ctx;
    l->took_own |= t->became != 0 && t->became == l->active;
}

static void write_version(void *ctx, const struct catalog_version *v)
{
    struct listing *l = ctx;
    bool draft = v->activated == EVTIME_MIN, active = l->active != 0 && v->version == l->active;
    jsonw_open(l->out, '{');
    jsonw_ku64(l->out, "version", v->version);
    jsonw_kstr(l->out, "state",
               active                    ? "active"
               : v->version == l->beside ? l->as
               : draft                   ? "draft"
                                         : "retired");
    jsonw_kstr(l->out, "sql", v->sql);
    jsonw_kstr(l->out, "author", v->author);
    jsonw_kstr(l->out, "reason", v->reason);
    jsonw_ktime(l->out, "created", v->created);
    jsonw_ktime(l->out, "activated", v->activated);
    jsonw_kstr(l->out, "activated_by", v->activated_by);
    jsonw_kstr(l->out, "activated_reason", v->activated_reason);
    jsonw_key(l->out, "rollback_to");
    if (v->rollback_to != 0)
        jsonw_u64(l->out, v->rollback_to);
    else
        jsonw_null(l->out);
    api_lives_write_approval(l->api, l->out, v->uid, v->version);
    jsonw_kstr(l->out, "took", active && l->took_own ? "own" : NULL);
    if (active)
        api_versions_write_handover(l->api, l->out, v->uid, v->version);
    else if (v->version == l->beside && l->copy != 0)
        api_versions_write_handover(l->api, l->out, l->copy, v->version);
    jsonw_close(l->out, '}');
}

static uint32_t active_of(const struct api_rule *rule)
{
    return rule->rests == RESTS_NOT ? rule->version : 0;
}

void api_versions_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    struct listing l = {.api = a, .out = httpcall_out(c), .active = active_of(&rule)};
    struct trials_one beside = {0};
    if (runtimetrial_of(a->runtime, rule.uid, &beside)) {
        l.beside = beside.version;
        l.as = api_trials_state(&beside);
        l.copy = beside.copied ? beside.uid : 0;
    }
    jsonw_open(l.out, '{');
    jsonw_key(l.out, "data");
    jsonw_open(l.out, '[');
    enum err e = catalog_trials(a->reader, rule.uid, note_trial, &l);
    if (e == ERR_OK)
        e = catalog_versions(a->reader, rule.uid, write_version, &l);
    jsonw_close(l.out, ']');
    jsonw_close(l.out, '}');
    mem_free(rule.name);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, 200);
}

struct text {
    char *sql;
    bool draft;
};

static void take_text(void *ctx, const struct catalog_version *v)
{
    struct text *t = ctx;
    t->sql = mem_str(v->sql);
    t->draft = v->activated == EVTIME_MIN;
}

/* The text of a version; false: answered. */
static bool find_text(struct api *a, struct httpcall *c, const struct api_rule *rule,
                      uint32_t version, struct text *out)
{
    *out = (struct text){0};
    enum err e = catalog_versions_get(a->reader, rule->uid, version, take_text, out);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules/{r}/versions lists them",
                         "rule %s has no version %u", rule->name, version);
    else if (e != ERR_OK)
        api_failed(c, e);
    return e == ERR_OK;
}

static bool is_create(const char *sql)
{
    while (*sql == ' ' || *sql == '\n' || *sql == '\t' || *sql == '\r')
        sql++;
    return strncasecmp(sql, "CREATE", 6) == 0;
}

/* NULL: answered. */
static struct rule_plan *compile(struct api *a, struct httpcall *c, const struct api_rule *rule,
                                 const char *sql)
{
    struct rule_plan *plan = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    enum err e = compile_rule(is_create(sql) ? NULL : rule->name, sql, strlen(sql),
                              runtime_scope(a->runtime), &d, &plan);
    if (e != ERR_OK) {
        httpcall_diag(c, PROBLEM_INVALID_RULE, &d);
    } else if (strcasecmp(plan->name, rule->name) != 0) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, "write the same name, or a bare SELECT",
                         "the text is of rule %s, not of %s", plan->name, rule->name);
        plan_unref(plan);
        plan = NULL;
    }
    diag_fini(&d);
    return plan;
}

/* --- a draft --------------------------------------------------------------------------------------------------- */

/* A bare SELECT says nothing of options and outputs: they stay those of the rule's version now, *plan becomes that of both, and
 * `out` the text; it stays empty if there are none. False: answered. */
static bool take_options(struct api *a, struct httpcall *c, const struct api_rule *rule,
                         const char *sql, struct rule_plan **plan, struct bytes *out)
{
    struct text now = {0};
    if (!find_text(a, c, rule, rule->version, &now))
        return false;
    bool whole = !reword(now.sql, sql, out);
    mem_free(now.sql);
    if (whole)
        return true;
    const char *text = (const char *)out->p;
    struct diag d;
    plan_unref(*plan);
    *plan = NULL;
    diag_init(&d, text, strlen(text));
    enum err e = compile_rule(NULL, text, strlen(text), runtime_scope(a->runtime), &d, plan);
    if (e != ERR_OK)
        httpcall_problem(c, PROBLEM_INVALID_RULE,
                         "send the whole CREATE RULE, with the options that it is to have",
                         "the SELECT does not go with the options of version %u, which it would "
                         "keep: %s",
                         rule->version, d.n > 0 ? d.items[0].message : err_text(e));
    diag_fini(&d);
    return e == ERR_OK;
}

static void add_draft(struct api *a, struct httpcall *c, const struct api_rule *rule,
                      const char *sql, const char *who, const json_t *body)
{
    struct bytes reworded = {0};
    struct rule_plan *plan = compile(a, c, rule, sql);
    if (plan == NULL || !take_options(a, c, rule, sql, &plan, &reworded)) {
        plan_unref(plan);
        bytes_fini(&reworded);
        return;
    }
    struct catalog_version v = {.uid = rule->uid,
                                .sql = reworded.n > 0 ? (const char *)reworded.p : sql,
                                .author = who,
                                .reason = json_string_value(json_object_get(body, "reason")),
                                .mode = (int)plan->mode,
                                .created = timebase_now_ms(),
                                .activated = EVTIME_MIN};
    enum err e = runtimeversion_add(a->runtime, &v);
    if (e == ERR_OK) {
        runtimelife_note(a->runtime, "version drafted", rule->name, who, v.reason);
        struct listing l = {.api = a, .out = httpcall_out(c), .active = active_of(rule)};
        write_version(&l, &v);
        httpcall_json_reply(c, 201);
    } else {
        api_failed(c, e);
    }
    plan_unref(plan);
    bytes_fini(&reworded);
}

void api_versions_add(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "sql author reason");
    const char *sql = json_string_value(json_object_get(body, "sql"));
    const char *who = api_user(c, body);
    if (body != NULL && sql == NULL)
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field 'sql' is a text");
    else if (body != NULL && a->needs_approval && who == NULL)
        httpcall_problem(c, PROBLEM_BAD_FIELD, "send \"author\", or the header X-Weir-User",
                         "who writes it must be known, so that another person can approve it");
    else if (body != NULL)
        add_draft(a, c, &rule, sql, who, body);
    json_decref(body);
    mem_free(rule.name);
}

struct rule_plan *api_versions_compile(struct api *a, struct httpcall *c,
                                       const struct api_rule *rule, uint32_t version)
{
    struct text text = {0};
    struct rule_plan *plan = NULL;
    if (find_text(a, c, rule, version, &text))
        plan = compile(a, c, rule, text.sql);
    mem_free(text.sql);
    return plan;
}

struct rule_plan *api_versions_plan(struct api *a, const struct api_rule *rule, uint32_t version,
                                    struct diag *d)
{
    struct text text = {0};
    struct rule_plan *plan = NULL;
    struct diag own;
    if (catalog_versions_get(a->reader, rule->uid, version, take_text, &text) != ERR_OK) {
        diag_say(d, "version", NULL, "version %u of rule %s is not kept", version, rule->name);
        return NULL;
    }
    diag_init(&own, text.sql, strlen(text.sql));
    if (compile_rule(is_create(text.sql) ? NULL : rule->name, text.sql, strlen(text.sql),
                     runtime_scope(a->runtime), &own, &plan) != ERR_OK)
        diag_say(d, "version", NULL,
                 "version %u of rule %s, which was active then, is no rule any more: %s", version,
                 rule->name, own.n > 0 ? own.items[0].message : "it cannot be compiled");
    diag_fini(&own);
    mem_free(text.sql);
    return plan;
}

/* --- activation ------------------------------------------------------------------------------------------------------ */

bool api_versions_state(struct httpcall *c, const json_t *body, bool *reset)
{
    const char *state = json_string_value(json_object_get(body, "state"));
    *reset = state != NULL && strcmp(state, "reset") == 0;
    if (state == NULL || *reset || strcmp(state, "keep") == 0)
        return true;
    httpcall_problem(c, PROBLEM_BAD_FIELD, "write \"keep\" or \"reset\"", "state '%s' is not known",
                     state);
    return false;
}

static bool is_warm(const json_t *body)
{
    const char *state = json_string_value(json_object_get(body, "state"));
    return state != NULL && strcmp(state, "warm_from_log") == 0;
}

static bool asks_saved(const json_t *body)
{
    const char *state = json_string_value(json_object_get(body, "state"));
    return state != NULL && strcmp(state, "savepoint") == 0;
}

static bool asks_own(const json_t *body)
{
    const char *state = json_string_value(json_object_get(body, "state"));
    return state != NULL && strcmp(state, "own") == 0;
}

/* What runs beside the active one goes on with its own state, unless the body says otherwise. *beside: its version, or 0.
 * False: answered. */
static bool read_own(struct httpcall *c, struct api *a, const struct api_rule *rule,
                     const struct rule_plan *plan, uint32_t version, const json_t *body,
                     uint32_t *beside)
{
    struct trials_one t = {0};
    bool runs =
        runtimetrial_of(a->runtime, rule->uid, &t) && t.state == TRIAL_RUNS && t.version == version;
    bool own = asks_own(body);
    bool has = plan->shape != RULE_FILTER;
    *beside = runs && has && (own || json_object_get(body, "state") == NULL) ? version : 0;
    if (!own || *beside != 0)
        return true;
    httpcall_problem(c, PROBLEM_CONFLICT, "activate it with \"state\": \"keep\" or \"reset\"",
                     runs ? "version %u is a filter, which has no state to go on with"
                          : "version %u does not run beside the active one: it has no state of its "
                            "own",
                     version);
    return false;
}

/* A savepoint comes first, unless the body says false; one that is asked for must be made. */
static bool read_savepoint(struct httpcall *c, const json_t *body, bool *saves, bool *must)
{
    const json_t *v = json_object_get(body, "savepoint");
    *saves = !json_is_false(v);
    *must = json_is_true(v);
    if (v == NULL || json_is_boolean(v))
        return true;
    httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field 'savepoint' is true or false");
    return false;
}

/* --- with a savepoint's state ------------------------------------------------------------------------------------------ */

static void take_time(void *ctx, const struct catalog_version *v)
{
    *(evtime *)ctx = v->activated;
}

static enum err find_back(struct api *a, uint64_t uid, uint32_t active,
                          const struct rule_plan *plan, struct diag *d,
                          struct runtimelane_back *out)
{
    struct runtimelane_past past = {uid, plan, plan->sql, EVTIME_MIN};
    enum err e = catalog_versions_get(a->reader, uid, active, take_time, &past.before);
    return e != ERR_OK ? e : runtimelane_back(a->runtime, &past, d, out);
}

static uint64_t rows_by_default(const struct api *a)
{
    return a->config == NULL ? UINT64_MAX : a->config->rollback_replay_rows;
}

void api_versions_write_back(struct api *a, struct bytes *out, uint64_t uid, uint32_t active,
                             const struct rule_plan *plan)
{
    struct runtimelane_back at;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = find_back(a, uid, active, plan, &d, &at);
    jsonw_key(out, "way_back");
    jsonw_open(out, '{');
    jsonw_kbool(out, "possible", e == ERR_OK);
    jsonw_kstr(out, "reason", e == ERR_OK ? NULL : d.n > 0 ? d.items[0].message : err_text(e));
    if (e == ERR_OK) {
        jsonw_kstr(out, "savepoint", at.savepoint);
        jsonw_ktime(out, "created", at.created);
        jsonw_ku64(out, "rows", at.rows);
        jsonw_kstr(out, "by_default", at.rows <= rows_by_default(a) ? "savepoint" : "keep");
    }
    jsonw_close(out, '}');
    diag_fini(&d);
}

void api_versions_write_way(struct bytes *out, const char *savepoint, const char *why)
{
    out->n--; /* one more field */
    jsonw_key(out, "way_back");
    jsonw_open(out, '{');
    jsonw_kstr(out, "state", savepoint != NULL ? "savepoint" : "keep");
    jsonw_kstr(out, "savepoint", savepoint);
    jsonw_kstr(out, "why", why);
    jsonw_close(out, '}');
    jsonw_close(out, '}');
}

struct way { /* back, of what nobody said, or asked for a savepoint */
    bool saved; /* with the state of: */
    struct runtimelane_back at;
    char *why;
};

/* False: answered. */
static bool choose_way(struct api *a, struct httpcall *c, const struct api_rule *rule,
                       const struct rule_plan *plan, const json_t *body, struct way *out)
{
    const char *state = json_string_value(json_object_get(body, "state"));
    bool asked = state != NULL && strcmp(state, "savepoint") == 0;
    struct diag d;
    *out = (struct way){0};
    if (state != NULL && !asked)
        return true;
    diag_init(&d, NULL, 0);
    enum err e = find_back(a, rule->uid, rule->version, plan, &d, &out->at);
    out->saved = e == ERR_OK && (asked || out->at.rows <= rows_by_default(a));
    const char *why = d.n > 0 ? d.items[0].message : err_text(e);
    if (e != ERR_OK && asked)
        httpcall_problem(c, PROBLEM_CONFLICT, "\"state\": \"keep\" maps the present state", "%s",
                         why);
    else if (e != ERR_OK)
        out->why = mem_str(why);
    else
        out->why = mem_printf("savepoint %s is of then, and %" PRIu64 " events have come since",
                              out->at.savepoint, out->at.rows);
    diag_fini(&d);
    return e == ERR_OK || !asked;
}

/* A draft keeps its number; a version that was active once becomes active again under a new one. */
static void activate(struct httpcall *c, struct api *a, const struct api_rule *rule,
                     uint32_t version, bool back, const json_t *body)
{
    struct text text = {0};
    bool reset = false, warm = is_warm(body), saves = true, must = false;
    uint32_t beside = 0;
    struct rule_plan *plan = NULL;
    struct way way = {0};
    struct diag d;
    diag_init(&d, NULL, 0);
    bool may = (warm || asks_own(body) || (back && asks_saved(body)) ||
                api_versions_state(c, body, &reset)) &&
               read_savepoint(c, body, &saves, &must) && find_text(a, c, rule, version, &text) &&
               (plan = compile(a, c, rule, text.sql)) != NULL &&
               read_own(c, a, rule, plan, version, body, &beside) &&
               (!back || choose_way(a, c, rule, plan, body, &way));
    if (may && warm && rule->rests != RESTS_NOT) {
        httpcall_problem(c, PROBLEM_CONFLICT, "activate it with \"state\": \"reset\"",
                         "rule %s is not deployed: there is no version that could give way",
                         rule->name);
    } else if (may && (warm || way.saved)) {
        const struct api_operations_wish wish = {.rule = rule,
                                                 .plan = plan,
                                                 .sql = text.sql,
                                                 .version = text.draft ? version : 0,
                                                 .rollback_to = back ? version : 0,
                                                 .savepoint = way.saved ? way.at.savepoint : NULL,
                                                 .why = way.why,
                                                 .saves = saves,
                                                 .must = must};
        api_operations_begin(a, c, &wish, body);
    } else if (may) {
        const struct runtimeversion_activation what = {
            .rule = rule->name,
            .resting = rule->rests != RESTS_NOT ? rule->uid : 0,
            .sql = text.sql,
            .version = text.draft ? version : 0,
            .reset = reset,
            .author = api_user(c, body),
            .reason = json_string_value(json_object_get(body, "reason")),
            .rollback_to = back ? version : 0,
            .beside = beside,
        };
        struct api_change *ch =
            api_change_new(a, c, rule->name, PROBLEM_INVALID_RULE, api_rules_changed);
        api_change_kept(ch, way.why);
        enum err e = saves && rule->rests == RESTS_NOT
                         ? runtimesave_activate(a->runtime, &what, must, &d, api_change_done, ch)
                         : runtimeversion_activate(a->runtime, &what, &d, api_change_done, ch);
        api_change_started(ch, c, e, &d);
    }
    diag_fini(&d);
    plan_unref(plan);
    mem_free(way.why);
    mem_free(text.sql);
}

void api_versions_activate(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find_any(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "version state savepoint rollout_percent from author reason");
    json_int_t version = json_integer_value(json_object_get(body, "version")), percent = 100;
    const json_t *share = json_object_get(body, "rollout_percent");
    if (share != NULL)
        percent = json_is_integer(share) ? json_integer_value(share) : -1;
    if (body != NULL && (version < 1 || version > UINT32_MAX))
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the field 'version' is a version's number");
    else if (body != NULL && (uint32_t)version == active_of(&rule))
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "version %u is the active one", rule.version);
    else if (body != NULL && (percent < 0 || percent > 100))
        httpcall_problem(c, PROBLEM_BAD_FIELD, "100, or without it: all keys at once",
                         "the field 'rollout_percent' is a whole number from 0 to 100");
    else if (body != NULL && percent > 0 && !api_lives_may_activate(a, c, &rule, (uint32_t)version))
        ; /* answered */
    else if (body != NULL && percent < 100 && rule.rests != RESTS_NOT)
        httpcall_problem(c, PROBLEM_CONFLICT, "activate it for all keys",
                         "rule %s is not deployed: there is no version beside which it could run",
                         rule.name);
    else if (body != NULL && percent < 100)
        api_trials_run(c, a, &rule, (uint32_t)version, (unsigned)percent, body);
    else if (body != NULL)
        activate(c, a, &rule, (uint32_t)version, false, body);
    json_decref(body);
    mem_free(rule.name);
}

/* --- the way back ---------------------------------------------------------------------------------------------------- */

struct past { /* versions that were active once */
    struct once {
        uint32_t version, rollback_to;
        evtime at;
    } * all;
    size_t n, cap;
};

static void note_past(void *ctx, const struct catalog_version *v)
{
    struct past *p = ctx;
    if (v->activated == EVTIME_MIN)
        return;
    p->all = mem_grow(p->all, p->n, 1, &p->cap, sizeof *p->all);
    p->all[p->n++] = (struct once){v->version, v->rollback_to, v->activated};
}

static const struct once *find_once(const struct past *p, uint32_t version)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->all[i].version == version)
            return &p->all[i];
    return NULL;
}

/* A way back stands where the version stands that it went back to. */
static const struct once *root_of(const struct past *p, const struct once *v)
{
    for (size_t i = 0; v != NULL && v->rollback_to != 0 && i < p->n; i++)
        v = find_once(p, v->rollback_to);
    return v;
}

/* The one that was active right before `version`, as if nobody had gone back since. 0: there was none. */
static uint32_t version_before(const struct past *p, uint32_t version)
{
    const struct once *of = root_of(p, find_once(p, version)), *last = NULL;
    for (size_t i = 0; of != NULL && i < p->n; i++) {
        const struct once *v = &p->all[i];
        bool earlier = v->at != of->at ? v->at < of->at : v->version < of->version;
        bool later =
            last == NULL || (v->at != last->at ? v->at > last->at : v->version > last->version);
        if (earlier && later)
            last = v;
    }
    last = root_of(p, last);
    return last == NULL ? 0 : last->version;
}

void api_versions_rollback(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find(a, c, &rule))
        return;
    json_t *body = httpcall_json(c, "state savepoint from author reason");
    struct past past = {0};
    enum err e = catalog_versions(a->reader, rule.uid, note_past, &past);
    uint32_t to = version_before(&past, active_of(&rule));
    if (body != NULL && e != ERR_OK)
        api_failed(c, e);
    else if (body != NULL && to == 0)
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "rule %s has no version before %u", rule.name,
                         rule.version);
    else if (body != NULL)
        activate(c, a, &rule, to, true, body);
    json_decref(body);
    mem_free(past.all);
    mem_free(rule.name);
}
