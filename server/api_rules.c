/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: checked, created, listed, paused, resumed, deleted. */
#include "base/mem.h"
#include "rules/compile.h"
#include "server/alertjson.h"
#include "server/api.h"
#include "server/jsonw.h"
#include "server/rulejson.h"
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

static void write_rule(struct api *a, struct bytes *out, const struct facts *f,
                       const struct catalog_rule *r, bool with_nfa)
{
    static const struct rule_facts none = {.last = EVTIME_MIN};
    const struct rule_facts *found = facts_of(f, r->uid), *rule = found ? found : &none;
    struct rule_plan *plan = runtime_plan(a->runtime, r->uid);
    char id[ALERTJSON_RULE_ID];
    alertjson_rule_id(r->uid, id);
    jsonw_open(out, '{');
    jsonw_kstr(out, "id", id);
    jsonw_kstr(out, "name", r->name);
    jsonw_kstr(out, "sql", r->sql);
    if (plan)
        rulejson_shape(out, plan);
    jsonw_kstr(out, "mode", mode_name(r->mode));
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
};

static void write_one(void *ctx, const struct catalog_rule *r)
{
    struct one *o = ctx;
    write_rule(o->api, o->out, &o->facts, r, true);
}

static void answer_rule(struct api *a, struct httpcall *c, uint64_t uid, int status)
{
    struct one o = {.api = a, .out = httpcall_out(c)};
    enum err e = read_facts(a, &o.facts);
    if (e == ERR_OK)
        e = catalog_rules_get(a->reader, uid, write_one, &o);
    mem_free(o.facts.rules);
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
    char *name; /* the caller's to free */
};

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

/* The rule that {r} names, by name or by id. False: answered. */
static bool find(struct api *a, struct httpcall *c, struct live *out)
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
    if (e == ERR_OK || e == ERR_NOT_FOUND)
        say_no_rule(a, c, text);
    else
        api_failed(c, e);
    return false;
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
    *out = (struct api_rule){rule.uid, rule.version, rule.name};
    return true;
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

struct listing {
    struct one one;
    unsigned n, limit;
    uint64_t last;
};

static void list_rule(void *ctx, const struct catalog_rule *r)
{
    struct listing *l = ctx;
    if (l->n++ >= l->limit)
        return;
    write_rule(l->one.api, l->one.out, &l->one.facts, r, false);
    l->last = r->uid;
}

void api_rules_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, after = 0;
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    struct listing l = {.one = {.api = a, .out = httpcall_out(c)}, .limit = (unsigned)limit};
    api_page_open(l.one.out);
    enum err e = read_facts(a, &l.one.facts);
    if (e == ERR_OK)
        e = catalog_rules_page(a->reader, after, (unsigned)limit + 1, list_rule, &l);
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
    if (!find(app, c, &rule))
        return;
    answer_rule(app, c, rule.uid, 200);
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
static bool read_body(struct httpcall *c, json_t **body, const char **sql, const char **name)
{
    *body = httpcall_json(c, "sql name");
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
    if (!read_body(c, &body, &sql, &name))
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
        answer_rule(a, c, uid, status);
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
    if (!read_body(c, &body, &sql, &name))
        return;
    diag_init(&d, sql, strlen(sql));
    if (!name && !is_create(sql)) {
        httpcall_problem(c, PROBLEM_BAD_FIELD,
                         "add \"name\", or write CREATE RULE name AS SELECT …",
                         "a SELECT needs the field 'name'");
    } else if (compile_rule(name, sql, strlen(sql), runtime_scope(a->runtime), &d, &plan) !=
               ERR_OK) {
        httpcall_diag(c, PROBLEM_INVALID_RULE, &d);
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
        answer_rule(a, c, rule.uid, 200);
        mem_free(rule.name);
        return;
    }
    /* A rule that was written as a shadow goes on as one. */
    struct rule_plan *plan = runtime_plan(a->runtime, rule.uid);
    enum rule_mode mode = plan && plan->mode == RULE_SHADOW ? RULE_SHADOW : RULE_ACTIVE;
    if (pause)
        mode = RULE_PAUSED;
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
    if (!find(a, c, &rule))
        return;
    struct api_change *ch = api_change_new(a, c, rule.name, PROBLEM_CONFLICT, deleted);
    enum err e = runtime_delete_rule(a->runtime, rule.name, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
    mem_free(rule.name);
}
