/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: long work on a rule that is done beside everything else; GET /operations, GET and DELETE /operations/{o}, and how
 * far one is each second (server-sent events). A version that becomes active by one. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"
#include "server/run/runtimelane.h"
#include "server/run/runtimelife.h"
#include "state/catalog_operations.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_PREFIX "op_"
enum { PAGE = 50, PAGE_MAX = 1000, MS_A_SECOND = 1000 };

/* --- one, as JSON ---------------------------------------------------------------------------------------------------- */

struct writing {
    struct api *api;
    struct bytes *out;
    unsigned n, limit;
    uint64_t last;
    bool more, ended;
};

static const char *state_name(enum catalog_operation_state s)
{
    static const char *const names[] = {"waiting", "reading", "switching",
                                        "done",    "failed",  "cancelled"};
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

static void write_progress(struct writing *w, const struct lanes_progress *p)
{
    jsonw_open(w->out, '{');
    jsonw_ku64(w->out, "rows", p->done);
    jsonw_ku64(w->out, "rows_in_all", p->all);
    jsonw_ku64(w->out, "rows_behind", p->behind);
    jsonw_key(w->out, "rows_per_s");
    jsonw_num(w->out, p->rows_per_s);
    jsonw_key(w->out, "done");
    jsonw_num(w->out, p->all == 0 ? 0 : (double)p->done / (double)p->all);
    jsonw_ktime(w->out, "watermark", p->watermark);
    jsonw_key(w->out, "seconds_left");
    if (p->rows_per_s > 0)
        jsonw_num(w->out, (double)(p->all - p->done) / p->rows_per_s);
    else
        jsonw_null(w->out);
    jsonw_close(w->out, '}');
}

static void write_one(void *ctx, const struct catalog_operation *o)
{
    struct writing *w = ctx;
    struct lanes_progress p = {0};
    char id[32];
    if (w->n++ >= w->limit) {
        w->more = true;
        return;
    }
    w->last = o->id;
    w->ended = o->state >= OPERATION_DONE;
    bool open = !w->ended && runtimelane_progress(w->api->runtime, o->id, &p);
    snprintf(id, sizeof id, ID_PREFIX "%" PRIu64, o->id);
    jsonw_open(w->out, '{');
    jsonw_kstr(w->out, "id", id);
    jsonw_kstr(w->out, "kind", o->kind);
    jsonw_kstr(w->out, "state", state_name(o->state));
    jsonw_kstr(w->out, "rule", o->rule);
    jsonw_key(w->out, "version");
    if (o->version != 0)
        jsonw_u64(w->out, o->version);
    else
        jsonw_null(w->out);
    jsonw_key(w->out, "rollback_to");
    if (o->rollback_to != 0)
        jsonw_u64(w->out, o->rollback_to);
    else
        jsonw_null(w->out);
    jsonw_kstr(w->out, "savepoint", o->savepoint);
    jsonw_ktime(w->out, "from", o->since);
    jsonw_kstr(w->out, "author", o->author);
    jsonw_kstr(w->out, "reason", o->reason);
    jsonw_ktime(w->out, "created", o->created);
    jsonw_ktime(w->out, "started", o->started);
    jsonw_ktime(w->out, "ended", o->ended);
    jsonw_kstr(w->out, "error", o->error);
    jsonw_ku64(w->out, "rows", open ? p.done : o->rows);
    jsonw_key(w->out, "progress");
    if (open)
        write_progress(w, &p);
    else
        jsonw_null(w->out);
    jsonw_close(w->out, '}');
}

/* 0: answered. */
static uint64_t id_of(struct httpcall *c)
{
    const char *text = httpcall_param(c, "o");
    char *end = NULL;
    uint64_t id = 0;
    if (strncmp(text, ID_PREFIX, sizeof ID_PREFIX - 1) == 0)
        id = strtoull(text + sizeof ID_PREFIX - 1, &end, 10);
    if (id > 0 && id < INT64_MAX && *end == '\0')
        return id;
    httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/operations lists them",
                     "there is no operation '%.100s'", text);
    return 0;
}

static bool find(struct api *a, struct httpcall *c, uint64_t id, struct writing *w)
{
    *w = (struct writing){.api = a, .out = httpcall_out(c), .limit = 1};
    enum err e = catalog_operations_get(a->reader, id, write_one, w);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/operations lists them",
                         "there is no operation " ID_PREFIX "%" PRIu64, id);
    else if (e != ERR_OK)
        api_failed(c, e);
    return e == ERR_OK;
}

void api_operations_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, after = 0, rule = 0;
    const char *name = httpcall_query(c, "rule");
    if (!httpcall_query_u64(c, "limit", PAGE, 1, PAGE_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    enum err e = name == NULL ? ERR_OK : catalog_rules_find(a->reader, name, &rule);
    struct writing w = {.api = a, .out = httpcall_out(c), .limit = (unsigned)limit};
    api_page_open(w.out);
    if (e == ERR_OK)
        e = catalog_operations(a->reader, after, rule, w.limit + 1, write_one, &w);
    api_page_close(w.out, w.more, w.last);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        api_failed(c, e);
    else
        httpcall_json_reply(c, 200);
}

void api_operations_get(struct httpcall *c, void *app)
{
    struct writing w;
    uint64_t id = id_of(c);
    if (id != 0 && find(app, c, id, &w))
        httpcall_json_reply(c, 200);
}

void api_operations_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct writing w;
    uint64_t id = id_of(c);
    if (id == 0 || !find(a, c, id, &w))
        return;
    enum err e = runtimelane_cancel(a->runtime, id);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "operation " ID_PREFIX "%" PRIu64 " has ended",
                         id);
    else if (e == ERR_CONFLICT)
        httpcall_problem(c, PROBLEM_CONFLICT, "go back with POST /api/v1/rules/{r}:rollback",
                         "its version is the active one already");
    else if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, 202); /* it ends with the next turn of the loop */
}

bool api_operations_json(void *api, uint64_t id, struct bytes *json)
{
    struct api *a = api;
    struct writing w = {.api = a, .out = json, .limit = 1};
    enum err e = catalog_operations_get(a->reader, id, write_one, &w);
    return e == ERR_OK && !w.ended;
}

void api_operations_events(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct writing w;
    uint64_t id = id_of(c);
    if (id == 0 || !find(a, c, id, &w))
        return;
    bytes_reset(httpcall_out(c));
    sse_open(a->sse, c, SSE_OPERATION, false, id);
}

/* --- what the log has ------------------------------------------------------------------------------------------------ */

void api_operations_write_log(struct api *a, struct bytes *out, const struct rule_plan *plan,
                              evtime since)
{
    struct laneplan_cover cover;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = runtimelane_cover(a->runtime, plan, since, &d, &cover);
    jsonw_key(out, "log");
    jsonw_open(out, '{');
    jsonw_kbool(out, "warm", e == ERR_OK);
    jsonw_kstr(out, "reason", e == ERR_OK || d.n == 0 ? NULL : d.items[0].message);
    if (e == ERR_OK) {
        jsonw_ktime(out, "from", cover.from);
        jsonw_ku64(out, "rows", cover.rows);
        jsonw_key(out, "looks_back_ms");
        if (cover.looks_back_ms >= 0)
            jsonw_i64(out, cover.looks_back_ms);
        else
            jsonw_null(out);
        jsonw_kbool(out, "covers", cover.covers);
    }
    jsonw_close(out, '}');
    diag_fini(&d);
}

/* --- a version that becomes active by one ---------------------------------------------------------------------------- */

static bool read_since(struct httpcall *c, const json_t *body, evtime *since)
{
    const json_t *v = json_object_get(body, "from");
    const char *text = json_string_value(v);
    *since = EVTIME_MIN;
    if (v == NULL || json_is_null(v) || (text != NULL && timebase_parse(text, strlen(text), since)))
        return true;
    httpcall_problem(c, PROBLEM_BAD_FIELD, "\"2026-03-01T00:00:00Z\"",
                     "the field 'from' is an event time");
    return false;
}

static void answer(struct api *a, struct httpcall *c, uint64_t id,
                   const struct api_operations_wish *wish, evtime since)
{
    char at[64];
    struct writing w;
    snprintf(at, sizeof at, "/api/v1/operations/" ID_PREFIX "%" PRIu64, id);
    if (!find(a, c, id, &w))
        return;
    if (wish->savepoint != NULL) {
        api_versions_write_way(w.out, wish->savepoint, wish->why);
    } else {
        w.out->n--; /* one more field */
        api_operations_write_log(a, w.out, wish->plan, since);
        jsonw_close(w.out, '}');
    }
    httpcall_add_header(c, "location", at);
    httpcall_json_reply(c, 202);
}

void api_operations_begin(struct api *a, struct httpcall *c, const struct api_operations_wish *wish,
                          const json_t *body)
{
    struct laneplan_cover cover;
    struct diag d;
    evtime since;
    if (!read_since(c, body, &since))
        return;
    diag_init(&d, NULL, 0);
    struct catalog_operation o = {.kind = wish->rollback_to != 0 ? "rollback" : "activate",
                                  .state = OPERATION_WAITS,
                                  .rule_uid = wish->rule->uid,
                                  .rule = wish->rule->name,
                                  .version = wish->version,
                                  .rollback_to = wish->rollback_to,
                                  .sql = wish->sql,
                                  .author = api_user(c, body),
                                  .reason = json_string_value(json_object_get(body, "reason")),
                                  .savepoint = wish->savepoint,
                                  .since = since,
                                  .created = timebase_now_ms(),
                                  .started = EVTIME_MIN,
                                  .ended = EVTIME_MIN};
    enum err e = runtimelane_cover(a->runtime, wish->plan, since, &d, &cover);
    if (e == ERR_OK)
        e = runtimelane_add(a->runtime, &o, wish->saves, wish->must, &d);
    if (e == ERR_OK) {
        runtimelife_note(a->runtime, "version warmed up", o.rule, o.author, o.reason);
        answer(a, c, o.id, wish, since);
    } else if (d.n > 0) {
        httpcall_diag(c, e == ERR_CONFLICT ? PROBLEM_CONFLICT : PROBLEM_UNSUPPORTED, &d);
    } else {
        api_failed(c, e);
    }
    diag_fini(&d);
}
