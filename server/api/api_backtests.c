/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /backtests, GET /backtests, GET and DELETE /backtests/{b}, GET /backtests/{b}/alerts and /diff. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/backtest/backtestdiff.h"
#include "server/backtest/backtestjob.h"
#include "server/backtest/backtestparam.h"
#include "server/backtest/backtests.h"
#include "server/http/jsonw.h"
#include "server/run/runtimesave.h"
#include "state/catalog_backtests.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ID_PREFIX "bkt_"
#define FIELDS                                                                                     \
    "rule version sql baseline_version from to warm_up parameters streams files label sum "        \
    "segments start"
enum { PAGE = 50, PAGE_MAX = 1000 };

/* --- one backtest, as JSON ----------------------------------------------------------------------------------------------- */

struct writing {
    struct api *api;
    struct bytes *out;
    unsigned n, limit;
    uint64_t last;
    bool whole, more;
};

static const char *state_name(enum catalog_backtest_state s)
{
    static const char *const names[] = {"queued", "running", "done", "failed", "cancelled"};
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

static void write_progress(struct writing *w, uint64_t id)
{
    struct backtests_progress p = {0};
    bool active = backtests_progress(w->api->backtests, id, &p);
    jsonw_key(w->out, "progress");
    if (!active) {
        jsonw_null(w->out);
        return;
    }
    jsonw_open(w->out, '{');
    jsonw_ku64(w->out, "ahead", p.ahead);
    jsonw_ku64(w->out, "events", p.events);
    jsonw_ku64(w->out, "alerts", p.alerts);
    jsonw_key(w->out, "done");
    jsonw_num(w->out, p.done);
    jsonw_key(w->out, "seconds");
    jsonw_num(w->out, p.seconds);
    jsonw_key(w->out, "events_per_s");
    jsonw_num(w->out, p.seconds > 0 ? (double)p.events / p.seconds : 0);
    jsonw_key(w->out, "seconds_left");
    if (p.done > 0 && p.seconds > 0)
        jsonw_num(w->out, p.seconds / p.done * (1 - p.done));
    else
        jsonw_null(w->out);
    jsonw_close(w->out, '}');
}

static void write_request(struct writing *w, const struct catalog_backtest *t)
{
    const struct backtestplan all = {.json = json_loads(t->plan, 0, NULL)};
    json_t *request = backtestplan_request(&all);
    char *text = json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(15));
    jsonw_kraw(w->out, "request", text);
    free(text);
    json_decref(request);
    json_decref(all.json);
}

static void write_backtest(void *ctx, const struct catalog_backtest *t)
{
    struct writing *w = ctx;
    char id[32];
    if (w->n++ >= w->limit) {
        w->more = true;
        return;
    }
    w->last = t->id;
    snprintf(id, sizeof id, ID_PREFIX "%" PRIu64, t->id);
    jsonw_open(w->out, '{');
    jsonw_kstr(w->out, "id", id);
    jsonw_kstr(w->out, "rule", t->rule);
    jsonw_kstr(w->out, "state", state_name(t->state));
    jsonw_ktime(w->out, "created", t->created);
    jsonw_ktime(w->out, "started", t->started);
    jsonw_ktime(w->out, "ended", t->ended);
    jsonw_kstr(w->out, "error", t->error);
    write_request(w, t);
    write_progress(w, t->id);
    if (w->whole)
        jsonw_kraw(w->out, "result", t->result);
    jsonw_close(w->out, '}');
}

/* 0: answered. */
static uint64_t id_of(struct httpcall *c)
{
    const char *text = httpcall_param(c, "b");
    uint64_t id = 0;
    if (strncmp(text, ID_PREFIX, sizeof ID_PREFIX - 1) == 0 &&
        httpcall_whole(text + sizeof ID_PREFIX - 1, '\0', INT64_MAX, &id) && id > 0)
        return id;
    httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/backtests lists them",
                     "there is no backtest '%.100s'", text);
    return 0;
}

static void answer(struct api *a, struct httpcall *c, uint64_t id, int status)
{
    struct writing w = {.api = a, .out = httpcall_out(c), .limit = 1, .whole = true};
    enum err e = catalog_backtests_get(a->reader, id, write_backtest, &w);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/backtests lists them",
                         "there is no backtest " ID_PREFIX "%" PRIu64, id);
    else if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, status);
}

void api_backtests_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, after = 0;
    if (!httpcall_query_u64(c, "limit", PAGE, 1, PAGE_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    struct writing w = {.api = a, .out = httpcall_out(c), .limit = (unsigned)limit};
    api_page_open(w.out);
    enum err e = catalog_backtests(a->reader, after, httpcall_query(c, "rule"), w.limit + 1,
                                   write_backtest, &w);
    api_page_close(w.out, w.more, w.last);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, 200);
}

void api_backtests_get(struct httpcall *c, void *app)
{
    uint64_t id = id_of(c);
    if (id > 0)
        answer(app, c, id, 200);
}

void api_backtests_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t id = id_of(c);
    if (id == 0)
        return;
    struct writing w = {.api = a, .out = httpcall_out(c), .limit = 1};
    enum err e = catalog_backtests_get(a->reader, id, write_backtest, &w);
    if (e != ERR_OK || backtests_cancel(a->backtests, id) == ERR_OK) {
        answer(a, c, id, 202);
        return;
    }
    e = backtests_delete(a->backtests, id);
    httpcall_out(c);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_reply(c, 204, NULL);
}

/* --- what is asked for ----------------------------------------------------------------------------------------------------- */

static void take_rule(void *ctx, const struct catalog_rule *r)
{
    json_t *body = ctx;
    json_object_set_new(body, "rule", json_string(r->name));
    json_object_set_new(body, "uid", json_integer((json_int_t)r->uid));
    if (json_object_get(body, "sql") != NULL || json_object_get(body, "version") != NULL)
        return;
    json_object_set_new(body, "sql", json_string(r->sql));
    json_object_set_new(body, "version", json_integer(r->version));
}

struct version_text {
    json_t *body;
    const char *field;
};

static void take_version(void *ctx, const struct catalog_version *v)
{
    struct version_text *t = ctx;
    json_object_set_new(t->body, t->field, json_string(v->sql));
}

/* The text of the version that `from` names becomes `to`. False: answered. */
static bool find_version(struct api *a, struct httpcall *c, json_t *body, const char *from,
                         const char *to)
{
    const json_t *v = json_object_get(body, from);
    struct version_text t = {body, to};
    if (v == NULL || json_is_null(v) || json_object_get(body, to) != NULL)
        return true;
    json_int_t number = json_integer_value(v);
    uint64_t uid = (uint64_t)json_integer_value(json_object_get(body, "uid"));
    if (number < 1 || number > UINT32_MAX || uid == 0) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, "name the rule, too",
                         "the field '%s' is the number of a version of 'rule'", from);
        return false;
    }
    enum err e = catalog_versions_get(a->reader, uid, (uint32_t)number, take_version, &t);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules/{r}/versions lists them",
                         "there is no version %" PRIu32, (uint32_t)number);
    else if (e != ERR_OK)
        api_failed(c, e);
    return e == ERR_OK;
}

/* The rule and the texts that the request names. False: answered. */
static bool resolve(struct api *a, struct httpcall *c, json_t *body)
{
    const char *rule = json_string_value(json_object_get(body, "rule"));
    uint64_t uid = 0;
    if (rule != NULL) {
        enum err e = catalog_rules_find(a->reader, rule, &uid);
        if (e == ERR_OK)
            e = catalog_rules_get(a->reader, uid, take_rule, body);
        if (e == ERR_NOT_FOUND)
            httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules lists them",
                             "there is no rule '%.100s'", rule);
        else if (e != ERR_OK)
            api_failed(c, e);
        if (e != ERR_OK)
            return false;
    }
    if (!find_version(a, c, body, "version", "sql") ||
        !find_version(a, c, body, "baseline_version", "baseline_sql"))
        return false;
    if (json_string_value(json_object_get(body, "sql")) != NULL)
        return true;
    httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "name a rule in 'rule', or give a text in 'sql'");
    return false;
}

/* The savepoint that it begins from: where it is. False: answered. */
static bool find_savepoint(struct api *a, struct httpcall *c, json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "start"));
    struct savemeta *m = NULL;
    struct diag d;
    if (name == NULL || strcmp(name, "empty") == 0)
        return true;
    struct savepoints *all = runtimesave_all(a->runtime);
    diag_init(&d, NULL, 0);
    enum err e = savepoints_read(all, name, &d, &m);
    if (e == ERR_OK) {
        char *folder = savepoints_folder(all, name);
        json_object_set_new(body, "savepoint", json_string(folder));
        mem_free(folder);
    } else if (d.errors > 0) {
        httpcall_diag(c, problem_of(e), &d);
    } else {
        api_failed(c, e);
    }
    savemeta_free(m);
    diag_fini(&d);
    return e == ERR_OK;
}

/* --- is it right? ------------------------------------------------------------------------------------------------------------ */

static enum err check_texts(struct api *a, const struct backtestplan *p, struct diag *d)
{
    const struct scope *scope = runtime_scope(a->runtime);
    const char *name = p->name != NULL ? p->name : "backtest";
    struct bytes text = {0};
    unsigned n = 0;
    enum err e = backtestparam_count(p->parameters, d, &n);
    for (unsigned i = 0; e == ERR_OK && i < n; i++) {
        struct rule_plan *plan = NULL;
        bytes_reset(&text);
        e = backtestparam_text(p->sql, p->parameters, i, d, &text);
        if (e == ERR_OK)
            e = backtestjob_compile(name, (const char *)text.p, scope, d, &plan);
        if (e == ERR_OK)
            e = backtestjob_names(p, plan, d);
        plan_unref(plan);
    }
    if (e == ERR_OK && p->baseline_sql != NULL) {
        struct rule_plan *plan = NULL;
        e = backtestjob_compile(name, p->baseline_sql, scope, d, &plan);
        plan_unref(plan);
    }
    bytes_fini(&text);
    return e;
}

void api_backtests_create(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct backtestplan p = {0};
    struct diag d;
    uint64_t id = 0;
    json_t *body = httpcall_json(c, FIELDS);
    if (body == NULL)
        return;
    diag_init(&d, NULL, 0);
    enum err e = backtestplan_read(json_incref(body), &d, &p);
    backtestplan_fini(&p);
    if (e != ERR_OK) {
        httpcall_diag(c, e == ERR_UNSUPPORTED ? PROBLEM_UNSUPPORTED : PROBLEM_BAD_FIELD, &d);
    } else if (resolve(a, c, body) && find_savepoint(a, c, body)) {
        e = backtestplan_read(json_incref(body), &d, &p);
        if (e == ERR_OK)
            e = check_texts(a, &p, &d);
        if (e != ERR_OK)
            httpcall_diag(c, PROBLEM_INVALID_RULE, &d);
        else if ((e = backtests_add(a->backtests, p.name != NULL ? p.name : "", body, &d, &id)) !=
                 ERR_OK)
            httpcall_diag(c, e == ERR_LIMIT ? PROBLEM_CONFLICT : PROBLEM_STORAGE, &d);
        else {
            char *where = mem_printf("/api/v1/backtests/" ID_PREFIX "%" PRIu64, id);
            httpcall_add_header(c, "location", where);
            answer(a, c, id, 202);
            mem_free(where);
        }
        backtestplan_fini(&p);
    }
    diag_fini(&d);
    json_decref(body);
}

/* --- what was found ------------------------------------------------------------------------------------------------------------ */

struct paging {
    struct bytes *out;
    uint64_t at, after, limit, last; /* bytes of all files, one behind the other */
    bool more;
};

static void put_lines(struct paging *p, FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = 0;
    if (p->after > p->at && fseeko(f, (off_t)(p->after - p->at), SEEK_SET) != 0)
        return;
    uint64_t at = p->after > p->at ? p->after : p->at;
    while ((n = getline(&line, &cap, f)) > 0) {
        if (p->limit == 0) {
            p->more = true;
            break;
        }
        jsonw_raw(p->out, line, (size_t)n - (line[n - 1] == '\n'));
        p->limit--;
        p->last = at += (uint64_t)n;
    }
    free(line);
}

static void put_side(struct api *a, uint64_t id, uint64_t variant, enum backtestdiff_side side,
                     struct paging *p)
{
    char name[64];
    snprintf(name, sizeof name, "alerts-%" PRIu64 "-%s.jsonl", variant,
             backtestdiff_side_name(side));
    char *path = backtests_file(a->backtests, id, name);
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        (void)!fseeko(f, 0, SEEK_END);
        uint64_t size = (uint64_t)ftello(f);
        rewind(f);
        if (p->after < p->at + size && !p->more)
            put_lines(p, f);
        p->at += size;
        (void)!fclose(f);
    }
    mem_free(path);
}

struct found {
    bool done;
};

static void note_found(void *ctx, const struct catalog_backtest *t)
{
    ((struct found *)ctx)->done = t->state == CATALOG_BACKTEST_DONE;
}

/* False: answered. */
static bool begin_page(struct api *a, struct httpcall *c, uint64_t *id, uint64_t *variant,
                       struct paging *p)
{
    struct found f = {false};
    *id = id_of(c);
    if (*id == 0 || !httpcall_query_u64(c, "limit", PAGE, 1, PAGE_MAX, &p->limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &p->after) ||
        !httpcall_query_u64(c, "variant", 0, 0, BACKTESTPARAM_VARIANTS_MAX - 1, variant))
        return false;
    enum err e = catalog_backtests_get(a->reader, *id, note_found, &f);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/backtests lists them",
                         "there is no backtest " ID_PREFIX "%" PRIu64, *id);
    else if (e != ERR_OK)
        api_failed(c, e);
    else if (!f.done)
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "the backtest has no result");
    if (e != ERR_OK || !f.done)
        return false;
    p->out = httpcall_out(c);
    api_page_open(p->out);
    return true;
}

void api_backtests_alerts(struct httpcall *c, void *app)
{
    struct paging p = {0};
    uint64_t id = 0, variant = 0;
    if (!begin_page(app, c, &id, &variant, &p))
        return;
    put_side(app, id, variant, BACKTESTDIFF_ONLY_NEW, &p);
    put_side(app, id, variant, BACKTESTDIFF_BOTH, &p);
    api_page_close(p.out, p.more, p.last);
    httpcall_json_reply(c, 200);
}

void api_backtests_diff(struct httpcall *c, void *app)
{
    struct paging p = {0};
    uint64_t id = 0, variant = 0;
    const char *wanted = httpcall_query(c, "side");
    unsigned side = 0;
    while (wanted != NULL && side < BACKTESTDIFF_NSIDES &&
           strcmp(wanted, backtestdiff_side_name(side)) != 0)
        side++;
    if (side == BACKTESTDIFF_NSIDES) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                         "'side' is only_new, both or only_old, not '%.100s'", wanted);
        return;
    }
    if (!begin_page(app, c, &id, &variant, &p))
        return;
    put_side(app, id, variant, side, &p);
    api_page_close(p.out, p.more, p.last);
    httpcall_json_reply(c, 200);
}
