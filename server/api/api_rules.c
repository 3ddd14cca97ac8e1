/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: checked, created, listed, paused, resumed, deleted. */
#include "base/mem.h"
#include "rules/compile.h"
#include "server/api/alertjson.h"
#include "server/api/api.h"
#include "server/api/rulejson.h"
#include "server/http/jsonw.h"
#include "server/run/runtimelife.h"
#include <string.h>
#include <strings.h>

enum { LIMIT = 500, LIMIT_MAX = 2000, NAMES_MAX = 2000 };

/* --- a rule as JSON ------------------------------------------------------------------------------------------------ */

struct rule_facts { /* of one rule, gathered from catalogue and runtime */
    uint64_t uid, alerts, shadow, partials, windows_open, dropped;
    evtime last;
};
struct facts {
    struct rule_facts *rules; /* sorted by uid */
    size_t n, cap;
};

static void note_alerts(void *ctx, uint64_t uid, uint64_t alerts, uint64_t shadow, evtime last)
{
    struct facts *f = ctx;
    f->rules = mem_grow(f->rules, f->n, 1, &f->cap, sizeof *f->rules);
    f->rules[f->n++] =
        (struct rule_facts){.uid = uid, .alerts = alerts, .shadow = shadow, .last = last};
}

static int by_uid(const void *a, const void *b)
{
    const struct rule_facts *x = a, *y = b;
    return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static struct rule_facts *facts_of(const struct facts *f, uint64_t uid)
{
    struct rule_facts key = {.uid = uid};
    return f->n ? bsearch(&key, f->rules, f->n, sizeof key, by_uid) : NULL;
}

static enum err read_facts(struct api *a, struct facts *f)
{
    *f = (struct facts){0};
    enum err e = catalog_alerts_by_rule(a->reader, note_alerts, f);
    size_t known = f->n;
    unsigned n = runtime_rules(a->runtime, NULL, 0);
    struct runtime_rule_stats *stats = mem_array(n + 1, sizeof *stats);
    unsigned got = runtime_rules(a->runtime, stats, n);
    if (known > 0)
        qsort(f->rules, known, sizeof *f->rules, by_uid);
    for (unsigned i = 0; i < n && i < got; i++) {
        const struct facts sorted = {.rules = f->rules, .n = known};
        struct rule_facts *rule = facts_of(&sorted, stats[i].uid);
        if (!rule) {
            note_alerts(f, stats[i].uid, 0, 0, EVTIME_MIN);
            rule = &f->rules[f->n - 1];
        }
        rule->partials = stats[i].partials;
        rule->windows_open = stats[i].windows_open;
        rule->dropped = stats[i].dropped;
    }
    if (f->n > 0)
        qsort(f->rules, f->n, sizeof *f->rules, by_uid);
    mem_free(stats);
    return e;
}

static const char *mode_name(int mode)
{
    return mode == RULE_SHADOW ? "shadow" : mode == RULE_PAUSED ? "paused" : "active";
}

/* Of a rule that rests: the text may have become wrong since, then only what is stored is said. */
static struct rule_plan *resting_plan(struct api *a, const struct catalog_rule *r)
{
    struct rule_plan *plan = NULL;
    struct diag d;
    diag_init(&d, r->sql, strlen(r->sql));
    if (compile_rule(r->name, r->sql, strlen(r->sql), runtime_scope(a->runtime), &d, &plan) !=
        ERR_OK)
        plan = NULL;
    diag_fini(&d);
    return plan;
}

static void write_rule(struct api *a, struct bytes *out, const struct facts *f,
                       const struct catalog_rule *r, bool with_nfa, enum catalog_rests rests)
{
    static const struct rule_facts none = {.last = EVTIME_MIN};
    const struct rule_facts *found = facts_of(f, r->uid), *rule = found ? found : &none;
    struct rule_plan *plan =
        rests == RESTS_NOT ? runtime_plan(a->runtime, r->uid) : resting_plan(a, r);
    char id[ALERTJSON_RULE_ID];
    alertjson_rule_id(r->uid, id);
    jsonw_open(out, '{');
    jsonw_kstr(out, "id", id);
    jsonw_kstr(out, "name", r->name);
    jsonw_kstr(out, "sql", r->sql);
    if (plan)
        rulejson_shape(out, plan);
    jsonw_kstr(out, "mode", mode_name(r->mode));
    jsonw_kstr(out, "state",
               rests == RESTS_DRAFT      ? "draft"
               : rests == RESTS_ARCHIVED ? "archived"
                                         : mode_name(r->mode));
    jsonw_kstr(out, "severity", plan ? plan->severity : NULL);
    jsonw_kstr(out, "title", plan ? plan->title : NULL);
    jsonw_kstr(out, "description", plan ? plan->description : NULL);
    jsonw_ku64(out, "version", r->version);
    jsonw_ktime(out, "created", r->created);
    jsonw_ktime(out, "updated", r->updated);
    jsonw_ku64(out, "alerts", rule->alerts);
    jsonw_ku64(out, "shadow_alerts", rule->shadow);
    jsonw_ktime(out, "last_alert", rule->last);
    jsonw_ku64(out, "partials", rule->partials);
    jsonw_ku64(out, "windows_open", rule->windows_open);
    jsonw_ku64(out, "dropped", rule->dropped);
    api_trials_write(a, out, r->uid);
    if (plan && with_nfa) {
        rulejson_parts(out, plan);
        jsonw_key(out, "nfa");
        rulejson_nfa(out, plan);
    }
    jsonw_close(out, '}');
    plan_unref(plan);
}

struct one {
    struct api *api;
    struct bytes *out;
    struct facts facts;
    enum catalog_rests rests; /* of one rule */
};

static void note_rests(void *ctx, const struct catalog_lives_rule *r)
{
    ((struct one *)ctx)->rests = r->rests;
}

static void write_one(void *ctx, const struct catalog_rule *r)
{
    struct one *o = ctx;
    write_rule(o->api, o->out, &o->facts, r, true, o->rests);
}

void api_rules_answer(struct api *a, struct httpcall *c, uint64_t uid, int status)
{
    struct one o = {.api = a, .out = httpcall_out(c)};
    enum err e = read_facts(a, &o.facts);
    if (e == ERR_OK)
        e = catalog_lives(a->reader, "", uid, note_rests, &o);
    if (e == ERR_OK)
        e = catalog_rules_get(a->reader, uid, write_one, &o);
    mem_free(o.facts.rules);
    if (e == ERR_OK && a->kept_why != NULL)
        api_versions_write_way(o.out, NULL, a->kept_why);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, status);
}

/* --- finding one ---------------------------------------------------------------------------------------------------- */

struct names {
    char *names[NAMES_MAX];
    size_t n;
};

static void note_name(void *ctx, const struct catalog_rule *r)
{
    struct names *n = ctx;
    if (n->n < NAMES_MAX)
        n->names[n->n++] = mem_str(r->name);
}

struct live {
    uint64_t uid;
    int mode;
    uint32_t version;
    bool deleted;
    enum catalog_rests rests;
    char *name; /* the caller's to free */
};

static void note_resting(void *ctx, const struct catalog_lives_rule *r)
{
    struct live *l = ctx;
    if (l->name != NULL)
        return; /* the draft comes before those in the archive */
    *l = (struct live){.uid = r->rule.uid,
                       .mode = r->rule.mode,
                       .version = r->rule.version,
                       .rests = r->rests,
                       .name = mem_str(r->rule.name)};
}

static void note_live(void *ctx, const struct catalog_rule *r)
{
    struct live *l = ctx;
    l->uid = r->uid;
    l->mode = r->mode;
    l->deleted = r->deleted;
    l->version = r->version;
    l->name = mem_str(r->name);
}

static void say_no_rule(struct api *a, struct httpcall *c, const char *text)
{
    struct names *names = mem_new(sizeof *names);
    enum err e = catalog_rules_page(a->reader, 0, NAMES_MAX, note_name, names);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        api_not_found(c, "rule", text, names->names, names->n);
    for (size_t i = 0; i < names->n; i++)
        mem_free(names->names[i]);
    mem_free(names);
}

/* The rule that {r} names, by name or by id; a live one before one that rests, which is looked for if `any`. False: answered. */
static bool find_one(struct api *a, struct httpcall *c, struct live *out, bool any)
{
    const char *text = httpcall_param(c, "r");
    uint64_t uid = 0;
    *out = (struct live){.deleted = true};
    enum err e = catalog_rules_find(a->reader, text, &uid);
    if (e == ERR_NOT_FOUND && alertjson_rule_uid(text, &uid))
        e = ERR_OK;
    if (e == ERR_OK)
        e = catalog_rules_get(a->reader, uid, note_live, out);
    if (e == ERR_OK && !out->deleted)
        return true;
    mem_free(out->name);
    *out = (struct live){0};
    if (any && (e == ERR_OK || e == ERR_NOT_FOUND)) {
        e = catalog_lives(a->reader, uid == 0 ? text : "", uid, note_resting, out);
        if (e == ERR_OK && out->name != NULL)
            return true;
    }
    if (e == ERR_OK || e == ERR_NOT_FOUND)
        say_no_rule(a, c, text);
    else
        api_failed(c, e);
    return false;
}

static bool find(struct api *a, struct httpcall *c, struct live *out)
{
    return find_one(a, c, out, false);
}

char *api_rules_name(struct api *a, struct httpcall *c)
{
    struct live rule = {0};
    return find(a, c, &rule) ? rule.name : NULL;
}

bool api_rules_find(struct api *a, struct httpcall *c, struct api_rule *out)
{
    struct live rule = {0};
    if (!find(a, c, &rule))
        return false;
    *out = (struct api_rule){rule.uid, rule.version, rule.name, RESTS_NOT};
    return true;
}

bool api_rules_find_any(struct api *a, struct httpcall *c, struct api_rule *out)
{
    struct live rule = {0};
    if (!find_one(a, c, &rule, true))
        return false;
    *out = (struct api_rule){rule.uid, rule.version, rule.name, rule.rests};
    return true;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

struct listing {
    struct one one;
    unsigned n, limit;
    uint64_t last;
    enum catalog_rests rests; /* of those that rest; NOT: all */
};

static void list_rule(void *ctx, const struct catalog_rule *r)
{
    struct listing *l = ctx;
    if (l->n++ >= l->limit)
        return;
    write_rule(l->one.api, l->one.out, &l->one.facts, r, false, RESTS_NOT);
    l->last = r->uid;
}

static void list_resting(void *ctx, const struct catalog_lives_rule *r)
{
    struct listing *l = ctx;
    if (l->rests == RESTS_NOT || l->rests == r->rests)
        write_rule(l->one.api, l->one.out, &l->one.facts, &r->rule, false, r->rests);
}

/* deployed (default), draft, archived, all. False: answered. */
static bool read_state(struct httpcall *c, bool *live, bool *resting, enum catalog_rests *rests)
{
    const char *state = httpcall_query(c, "state");
    bool all = state != NULL && strcmp(state, "all") == 0;
    *live = state == NULL || all || strcmp(state, "deployed") == 0;
    *rests = state != NULL && strcmp(state, "draft") == 0      ? RESTS_DRAFT
             : state != NULL && strcmp(state, "archived") == 0 ? RESTS_ARCHIVED
                                                               : RESTS_NOT;
    *resting = all || *rests != RESTS_NOT;
    if (*live || *resting)
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, "deployed, draft, archived, or all",
                     "the parameter 'state' is none of them");
    return false;
}

void api_rules_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, after = 0;
    bool live, resting;
    enum catalog_rests rests;
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after) ||
        !read_state(c, &live, &resting, &rests))
        return;
    struct listing l = {.rests = rests,
                        .one = {.api = a, .out = httpcall_out(c)},
                        .limit = (unsigned)limit};
    api_page_open(l.one.out);
    enum err e = read_facts(a, &l.one.facts);
    if (e == ERR_OK && live)
        e = catalog_rules_page(a->reader, after, (unsigned)limit + 1, list_rule, &l);
    if (e == ERR_OK && resting && l.n <= l.limit) /* with the last page */
        e = catalog_lives(a->reader, "", 0, list_resting, &l);
    mem_free(l.one.facts.rules);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(l.one.out, l.n > l.limit, l.last);
    httpcall_json_reply(c, 200);
}

void api_rules_get(struct httpcall *c, void *app)
{
    struct live rule;
    if (!find_one(app, c, &rule, true))
        return;
    api_rules_answer(app, c, rule.uid, 200);
    mem_free(rule.name);
}

/* --- checking ------------------------------------------------------------------------------------------------------- */

/* Does the text begin with CREATE? Else it is a SELECT, which needs a name from elsewhere. */
static bool is_create(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (strncmp(p, "--", 2) == 0) {
            p += strcspn(p, "\n");
        } else if (strncmp(p, "/*", 2) == 0) {
            const char *end = strstr(p + 2, "*/");
            p = end ? end + 2 : p + strlen(p);
        } else {
            return strncasecmp(p, "CREATE", 6) == 0;
        }
    }
}

/* The body's sql and name. False: answered; else *body is to be freed. */
static bool read_body(struct httpcall *c, const char *names, json_t **body, const char **sql,
                      const char **name)
{
    *body = httpcall_json(c, names);
    if (!*body)
        return false;
    const json_t *named = json_object_get(*body, "name");
    *sql = json_string_value(json_object_get(*body, "sql"));
    *name = json_string_value(named);
    if (*sql && (*name || !named || json_is_null(named)))
        return true;
    httpcall_problem(
        c, PROBLEM_BAD_FIELD,
        "as in {\"sql\": \"CREATE RULE …\"} or {\"name\": \"…\", \"sql\": \"SELECT …\"}",
        *sql ? "the field 'name' is no text" : "the field 'sql' is missing or no text");
    json_decref(*body);
    return false;
}

void api_rules_validate(struct httpcall *c, void *app)
{
    struct api *a = app;
    json_t *body = NULL;
    const char *sql = NULL, *name = NULL;
    struct rule_plan *plan = NULL;
    struct diag d;
    struct bytes explain = {0};
    if (!read_body(c, "sql name", &body, &sql, &name))
        return;
    if (!name && !is_create(sql))
        name = "rule";
    diag_init(&d, sql, strlen(sql));
    enum err e = compile_rule(name, sql, strlen(sql), runtime_scope(a->runtime), &d, &plan);
    struct bytes *out = httpcall_out(c);
    jsonw_open(out, '{');
    jsonw_kbool(out, "valid", e == ERR_OK);
    jsonw_key(out, "errors");
    problem_items(out, &d, false);
    jsonw_key(out, "warnings");
    problem_items(out, &d, true);
    if (e == ERR_OK) {
        jsonw_key(out, "rule");
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", plan->name);
        rulejson_shape(out, plan);
        rulejson_parts(out, plan);
        jsonw_close(out, '}');
        jsonw_key(out, "nfa");
        rulejson_nfa(out, plan);
        compile_explain(plan, EXPLAIN_TEXT, &explain);
        jsonw_key(out, "explain");
        jsonw_strn(out, explain.n ? (const char *)explain.p : "", explain.n);
    } else {
        jsonw_kraw(out, "rule", NULL);
        jsonw_kraw(out, "nfa", NULL);
        jsonw_kraw(out, "explain", NULL);
    }
    jsonw_close(out, '}');
    httpcall_json_reply(c, 200);
    bytes_fini(&explain);
    plan_unref(plan);
    diag_fini(&d);
    json_decref(body);
}

/* --- changing ------------------------------------------------------------------------------------------------------- */

static void answer_named(struct api *a, struct httpcall *c, const char *name, int status)
{
    uint64_t uid = 0;
    enum err e = catalog_rules_find(a->reader, name, &uid);
    if (e == ERR_OK)
        api_rules_answer(a, c, uid, status);
    else
        api_failed(c, e);
}

static void created(struct api *a, struct httpcall *c, const char *name)
{
    uint64_t uid = 0;
    if (catalog_rules_find(a->reader, name, &uid) == ERR_OK) {
        char id[ALERTJSON_RULE_ID], location[64];
        alertjson_rule_id(uid, id);
        snprintf(location, sizeof location, "/api/v1/rules/%s", id);
        httpcall_add_header(c, "location", location);
    }
    answer_named(a, c, name, 201);
}

void api_rules_changed(struct api *a, struct httpcall *c, const char *name)
{
    answer_named(a, c, name, 200);
}

static void deleted(struct api *a, struct httpcall *c, const char *name)
{
    (void)a;
    (void)name;
    httpcall_out(c);
    httpcall_reply(c, 204, NULL);
}

void api_rules_create(struct httpcall *c, void *app)
{
    struct api *a = app;
    json_t *body = NULL;
    const char *sql = NULL, *name = NULL;
    struct rule_plan *plan = NULL;
    struct diag d;
    if (!read_body(c, "sql name draft author reason", &body, &sql, &name))
        return;
    diag_init(&d, sql, strlen(sql));
    if (!name && !is_create(sql)) {
        httpcall_problem(c, PROBLEM_BAD_FIELD,
                         "add \"name\", or write CREATE RULE name AS SELECT …",
                         "a SELECT needs the field 'name'");
    } else if (compile_rule(name, sql, strlen(sql), runtime_scope(a->runtime), &d, &plan) !=
               ERR_OK) {
        httpcall_diag(c, PROBLEM_INVALID_RULE, &d);
    } else if (json_is_true(json_object_get(body, "draft"))) {
        api_lives_draft(a, c, plan, sql, body);
    } else if (!api_lives_may_deploy(a, c)) {
        ; /* answered */
    } else {
        struct api_change *ch = api_change_new(a, c, plan->name, PROBLEM_INVALID_RULE, created);
        const char *select_name = is_create(sql) ? NULL : name;
        enum err e =
            runtime_create(a->runtime, sql, strlen(sql), select_name, &d, api_change_done, ch);
        api_change_started(ch, c, e, &d);
    }
    plan_unref(plan);
    diag_fini(&d);
    json_decref(body);
}

static void set_mode(struct httpcall *c, struct api *a, bool pause)
{
    struct live rule;
    if (!find(a, c, &rule))
        return;
    if ((rule.mode == RULE_PAUSED) == pause) { /* it is so already */
        api_rules_answer(a, c, rule.uid, 200);
        mem_free(rule.name);
        return;
    }
    /* A rule that was written as a shadow goes on as one. */
    struct rule_plan *plan = runtime_plan(a->runtime, rule.uid);
    enum rule_mode mode = plan && plan->mode == RULE_SHADOW ? RULE_SHADOW : RULE_ACTIVE;
    if (pause)
        mode = RULE_PAUSED;
    runtimelife_note(a->runtime, pause ? "rule :pause" : "rule :resume", rule.name,
                     api_user(c, NULL), NULL);
    struct api_change *ch = api_change_new(a, c, rule.name, PROBLEM_CONFLICT, api_rules_changed);
    enum err e = runtime_set_mode(a->runtime, rule.name, mode, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
    plan_unref(plan);
    mem_free(rule.name);
}

void api_rules_pause(struct httpcall *c, void *app)
{
    set_mode(c, app, true);
}

void api_rules_resume(struct httpcall *c, void *app)
{
    set_mode(c, app, false);
}

void api_rules_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct live rule;
    if (!find_one(a, c, &rule, true))
        return;
    runtimelife_note(a->runtime, "rule :delete", rule.name, api_user(c, NULL), NULL);
    if (rule.rests != RESTS_NOT) {
        enum err gone = runtimelife_rest(a->runtime, rule.uid, RESTS_NOT);
        if (gone != ERR_OK)
            api_failed(c, gone);
        else
            deleted(a, c, rule.name);
        mem_free(rule.name);
        return;
    }
    enum err not_kept = runtimelife_rest(a->runtime, rule.uid, RESTS_NOT);
    (void)not_kept; /* it is only said of one that was to be archived and could not */
    struct api_change *ch = api_change_new(a, c, rule.name, PROBLEM_CONFLICT, deleted);
    enum err e = runtime_delete_rule(a->runtime, rule.name, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
    mem_free(rule.name);
}
