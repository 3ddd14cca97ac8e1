/* SPDX-License-Identifier: Apache-2.0 */
/* EXPLAIN over HTTP: of a live rule, or of a text as if it were deployed beside the live rules of its stream. */
#include "base/mem.h"
#include "cep/job.h"
#include "rules/compile.h"
#include "server/api/alertjson.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"
#include <string.h>
#include <strings.h>

enum { PAGE = 1000 };

struct uids {
    uint64_t *v;
    size_t n, cap, seen; /* seen: of the page */
};

static void note_uid(void *ctx, const struct catalog_rule *r)
{
    struct uids *u = ctx;
    u->v = mem_grow(u->v, u->n, 1, &u->cap, sizeof *u->v);
    u->v[u->n++] = r->uid;
    u->seen++;
}

static enum err live_uids(struct api *a, struct uids *u)
{
    enum err e = ERR_OK;
    do {
        u->seen = 0;
        e = catalog_rules_page(a->reader, u->n > 0 ? u->v[u->n - 1] : 0, PAGE, note_uid, u);
    } while (e == ERR_OK && u->seen == PAGE);
    return e;
}

/* True: it reads nothing but these streams. */
static bool reads_only(const struct rule_plan *p, const struct schema *const *streams, unsigned n)
{
    const struct schema *own[PLAN_STREAMS_MAX];
    unsigned nown = plan_streams(p, own), found = 0;
    for (unsigned i = 0; i < nown; i++)
        for (unsigned k = 0; k < n; k++)
            found += own[i]->id == streams[k]->id;
    return found == nown;
}

/* The live rules of the plan's streams with the plan among them, in place of the one of its name. */
static struct job *job_with(struct api *a, const struct uids *u, struct rule_plan *plan)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned nstreams = plan_streams(plan, streams);
    struct job_rule *rules = mem_array(u->n + 1, sizeof *rules);
    unsigned n = 0;
    for (size_t i = 0; i < u->n; i++) {
        struct rule_plan *p = runtime_plan(a->runtime, u->v[i]);
        if (p && reads_only(p, streams, nstreams) && strcasecmp(p->name, plan->name) != 0)
            rules[n++] = (struct job_rule){.plan = p, .uid = u->v[i], .version = 1};
        else
            plan_unref(p);
    }
    rules[n] = (struct job_rule){.plan = plan, .uid = UINT64_MAX, .version = 1};
    struct job *job = job_new(streams, nstreams, rules, n + 1);
    for (unsigned i = 0; i < n; i++)
        plan_unref(rules[i].plan);
    mem_free(rules);
    return job;
}

static void answer(struct api *a, struct httpcall *c, struct rule_plan *plan, enum explain_format f)
{
    static const char *const names[] = {"TEXT", "JSON", "DOT"};
    struct uids u = {0};
    struct bytes text = {0};
    enum err e = live_uids(a, &u);
    if (e != ERR_OK) {
        api_failed(c, e);
    } else {
        struct job *job = job_with(a, &u, plan);
        struct bytes *out = httpcall_out(c);
        compile_explain_rule(plan, job, f, &text);
        jsonw_open(out, '{');
        jsonw_kstr(out, "rule", plan->name);
        jsonw_kstr(out, "format", names[f]);
        jsonw_key(out, "explain");
        if (f == EXPLAIN_JSON)
            jsonw_raw(out, (const char *)text.p, text.n - 1); /* without its newline */
        else
            jsonw_strn(out, (const char *)text.p, text.n);
        jsonw_close(out, '}');
        httpcall_json_reply(c, 200);
        job_unref(job);
    }
    bytes_fini(&text);
    mem_free(u.v);
}

/* --- which rule --------------------------------------------------------------------------------- */

static void explain_live(struct api *a, struct httpcall *c, const char *name, enum explain_format f)
{
    uint64_t uid = 0;
    enum err e = catalog_rules_find(a->reader, name, &uid);
    if (e == ERR_NOT_FOUND && alertjson_rule_uid(name, &uid))
        e = ERR_OK;
    struct rule_plan *plan = e == ERR_OK ? runtime_plan(a->runtime, uid) : NULL;
    if (plan)
        answer(a, c, plan, f);
    else if (e == ERR_OK || e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules lists what there is",
                         "there is no rule '%.200s'", name);
    else
        api_failed(c, e);
    plan_unref(plan);
}

/* EXPLAIN RULE r (FORMAT f): what the text says goes before the body's format. */
static void explain_statement(struct api *a, struct httpcall *c, const char *sql,
                              enum explain_format f)
{
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    if (compile_script(sql, strlen(sql), runtime_scope(a->runtime), &d, &s) != ERR_OK) {
        httpcall_diag(c, PROBLEM_INVALID_RULE, &d);
    } else if (s->n != 1 || s->statements[0].kind != STATEMENT_EXPLAIN) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "one EXPLAIN is enough here");
    } else {
        if (s->statements[0].format)
            (void)compile_explain_format(s->statements[0].format, &f);
        explain_live(a, c, s->statements[0].name, f);
    }
    compile_script_free(s);
    diag_fini(&d);
}

static void explain_text(struct api *a, struct httpcall *c, const char *sql, enum explain_format f)
{
    struct rule_plan *plan = NULL;
    struct diag d;
    const char *word = sql + strspn(sql, " \t\r\n");
    if (strncasecmp(word, "EXPLAIN", 7) == 0) {
        explain_statement(a, c, sql, f);
        return;
    }
    diag_init(&d, sql, strlen(sql));
    const char *name = strncasecmp(word, "SELECT", 6) == 0 ? "rule" : NULL;
    if (compile_rule(name, sql, strlen(sql), runtime_scope(a->runtime), &d, &plan) == ERR_OK)
        answer(a, c, plan, f);
    else
        httpcall_diag(c, PROBLEM_INVALID_RULE, &d);
    plan_unref(plan);
    diag_fini(&d);
}

void api_explain_rule(struct httpcall *c, void *app)
{
    struct api *a = app;
    enum explain_format f = EXPLAIN_TEXT;
    json_t *body = httpcall_json(c, "sql rule format");
    if (!body)
        return;
    const char *sql = json_string_value(json_object_get(body, "sql"));
    const char *rule = json_string_value(json_object_get(body, "rule"));
    const json_t *format = json_object_get(body, "format");
    if (format &&
        (!json_is_string(format) || !compile_explain_format(json_string_value(format), &f)))
        httpcall_problem(c, PROBLEM_BAD_FIELD, "TEXT, JSON or DOT", "this is no format");
    else if (!sql == !rule)
        httpcall_problem(
            c, PROBLEM_BAD_FIELD,
            "as in {\"rule\": \"name\", \"format\": \"DOT\"} or {\"sql\": \"SELECT …\"}",
            "one of the fields 'sql' and 'rule' is needed, as a text");
    else if (rule)
        explain_live(a, c, rule, f);
    else
        explain_text(a, c, sql, f);
    json_decref(body);
}
