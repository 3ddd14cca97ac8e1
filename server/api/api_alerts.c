/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: lists, one with its events, the live stream; and dead letters, which are lists of the same kind. */
#include "base/mem.h"
#include "cep/derived.h"
#include "cep/plan.h"
#include "server/api/alertjson.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"
#include "state/catalog_trials.h"
#include <inttypes.h>
#include <string.h>

enum { LIMIT = 50, LIMIT_MAX = 500 };

/* --- lists -------------------------------------------------------------------------------------------------------- */

struct listing {
    struct bytes *out;
    unsigned n, limit;
    uint64_t last;
};

/* One more than the limit is asked for, to know whether there are more. */
static void list_alert(void *ctx, const struct catalog_alert *a)
{
    struct listing *l = ctx;
    if (l->n++ >= l->limit)
        return;
    alertjson_short(a, l->out);
    l->last = a->seq;
}

/* The index of the query's value among the words; -1: not given. False: answered. */
static bool one_of(struct httpcall *c, const char *name, const char *words, int *index)
{
    const char *value = httpcall_query(c, name), *p = words;
    *index = -1;
    if (!value)
        return true;
    for (int i = 0; *p; i++, p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (strlen(value) == n && memcmp(p, value, n) == 0) {
            *index = i;
            return true;
        }
        p += n;
    }
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "%s is '%.40s'; it may be one of: %s", name,
                     value, words);
    return false;
}

static bool read_filter(struct httpcall *c, struct catalog_alert_filter *f)
{
    uint64_t limit = 0;
    int severity = 0, order = 0;
    *f = (struct catalog_alert_filter){.rule = httpcall_query(c, "rule"),
                                       .severity = httpcall_query(c, "severity"),
                                       .key = httpcall_query(c, "key"),
                                       .status = httpcall_query(c, "status")};
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &f->after_seq) ||
        !one_of(c, "mode", "active shadow", &f->mode) ||
        !one_of(c, "severity", "low medium high critical", &severity) ||
        !one_of(c, "order", "desc asc", &order))
        return false;
    f->oldest_first = order == 1;
    f->limit = (unsigned)limit;
    return true;
}

void api_alerts_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct catalog_alert_filter f;
    if (!read_filter(c, &f))
        return;
    struct listing l = {.out = httpcall_out(c), .limit = f.limit};
    f.limit++;
    api_page_open(l.out);
    enum err e = catalog_alerts(a->reader, &f, list_alert, &l);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(l.out, l.n > l.limit, l.last);
    httpcall_json_reply(c, 200);
}

/* --- one ----------------------------------------------------------------------------------------------------------- */

struct detail {
    struct api *api;
    struct bytes *out;
    uint64_t rule_uid;
    uint32_t version;
    struct arena *arena;
    struct upstream { /* a result of another rule, that is an event of the alert */
        uint64_t offset;
        const char *id, *row;
        struct upstream *next;
    } * upstream;
};

/* Only looked for once the alert has been read: one reading at a time. */
static void note_upstream(void *ctx, const struct catalog_alert *a)
{
    struct detail *d = ctx;
    for (unsigned i = 0; i < a->nevents; i++) {
        const struct catalog_alert_event *ev = &a->events[i];
        if (ev->json || derived_kind(ev->stream) == DERIVED_NOT)
            continue;
        struct upstream *u = arena_zero(d->arena, sizeof *u);
        *u = (struct upstream){.offset = ev->offset, .next = d->upstream};
        d->upstream = u;
    }
}

struct finding {
    struct detail *detail;
    struct upstream *one;
};

static void keep_upstream(void *ctx, const struct catalog_alert *a)
{
    struct finding *f = ctx;
    f->one->id = arena_str(f->detail->arena, a->id);
    f->one->row = arena_str(f->detail->arena, a->row_json);
}

static void find_upstream(struct detail *d)
{
    for (struct upstream *u = d->upstream; u; u = u->next) {
        char prefix[DERIVED_ALERT_TEXT];
        struct finding f = {d, u};
        derived_alert(u->offset, prefix);
        enum err e = catalog_alerts_like(d->api->reader, prefix, keep_upstream, &f);
        (void)e; /* a result that is no alert is shown as null */
    }
}

static const struct upstream *upstream_of(const struct detail *d,
                                          const struct catalog_alert_event *ev)
{
    const struct upstream *u = d->upstream;
    while (u && u->offset != ev->offset)
        u = u->next;
    return u && u->row && derived_kind(ev->stream) != DERIVED_NOT ? u : NULL;
}

static void write_event(struct detail *d, const struct catalog_alert_event *ev)
{
    char *text = NULL;
    size_t n = 0;
    jsonw_open(d->out, '{');
    const char *name = api_stream_name(d->api, ev->stream);
    const struct upstream *u = upstream_of(d, ev);
    jsonw_kstr(d->out, "stream", name ? name : runtime_stream_name(d->api->runtime, ev->stream));
    jsonw_ku64(d->out, "partition", ev->partition);
    jsonw_ku64(d->out, "offset", ev->offset);
    jsonw_ktime(d->out, "time", ev->ts);
    if (u)
        jsonw_kstr(d->out, "alert", u->id);
    jsonw_key(d->out, "event");
    if (u) {
        api_events_value(d->out, u->row, strlen(u->row));
        jsonw_close(d->out, '}');
        return;
    }
    if (ev->json)
        api_events_value(d->out, ev->json, ev->json_len);
    else if (runtime_event(d->api->runtime, ev->stream, ev->partition, ev->offset, &text, &n) ==
             ERR_OK)
        api_events_value(d->out, text, n);
    else
        jsonw_null(d->out);
    jsonw_close(d->out, '}');
    mem_free(text);
}

static bool same_var(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Events of one variable that follow each other are one entry: a match reads as its pattern does. */
static void write_match(struct detail *d, const struct catalog_alert *a)
{
    jsonw_key(d->out, "match");
    jsonw_open(d->out, '[');
    for (unsigned i = 0; i < a->nevents;) {
        const char *var = a->events[i].var;
        jsonw_open(d->out, '{');
        jsonw_kstr(d->out, "var", var);
        jsonw_key(d->out, "events");
        jsonw_open(d->out, '[');
        for (; i < a->nevents && same_var(var, a->events[i].var); i++)
            write_event(d, &a->events[i]);
        jsonw_close(d->out, ']');
        jsonw_close(d->out, '}');
    }
    jsonw_close(d->out, ']');
}

static void write_alert(void *ctx, const struct catalog_alert *a)
{
    struct detail *d = ctx;
    d->rule_uid = a->rule_uid;
    d->version = a->rule_version;
    jsonw_open(d->out, '{');
    alertjson_members(a, d->out);
    alertjson_revisions(a, d->out);
    write_match(d, a);
}

static void write_sql(void *ctx, const struct catalog_version *v)
{
    struct detail *d = ctx;
    jsonw_kstr(d->out, "rule_sql", v->sql);
}

void api_alerts_get(struct httpcall *c, void *app)
{
    struct api *a = app;
    const char *id = httpcall_param(c, "id");
    struct detail d = {.api = a, .out = httpcall_out(c), .arena = arena_new(4096, 0)};
    api_read_stream_names(a);
    enum err e = catalog_alerts_get(a->reader, id, note_upstream, &d);
    find_upstream(&d);
    if (e == ERR_OK)
        e = catalog_alerts_get(a->reader, id, write_alert, &d);
    arena_free(d.arena);
    if (e == ERR_NOT_FOUND) {
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/alerts lists what there is",
                         "there is no alert '%.64s'", id);
        return;
    }
    char label[16] = "";
    if (e == ERR_OK)
        e = catalog_labels_get(a->reader, id, label);
    if (e == ERR_OK) {
        jsonw_kstr(d.out, "label", *label == '\0' ? NULL : label);
        if (catalog_versions_get(a->reader, d.rule_uid, d.version, write_sql, &d) != ERR_OK)
            jsonw_kstr(d.out, "rule_sql", NULL);
    }
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    jsonw_close(d.out, '}');
    httpcall_json_reply(c, 200);
}

/* --- live ---------------------------------------------------------------------------------------------------------- */

/* Browsers send Last-Event-ID when they come back by themselves; `after` is for those that begin with a cursor. */
void api_alerts_stream(struct httpcall *c, void *app)
{
    struct api *a = app;
    const char *header = httpcall_header(c, "last-event-id");
    uint64_t after = 0;
    if (!httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    bool replay = httpcall_query(c, "after") != NULL;
    if (header && httpcall_whole(header, '\0', INT64_MAX, &after))
        replay = true;
    sse_open(a->sse, c, SSE_ALERTS, replay, after);
}

struct replayed {
    struct bytes *out;
    struct bytes json;
    unsigned n;
    uint64_t last;
};

static void replay_alert(void *ctx, const struct catalog_alert *a)
{
    struct replayed *r = ctx;
    bytes_reset(&r->json);
    alertjson_short(a, &r->json);
    sse_frame(r->out, "alert", a->seq, true, (const char *)r->json.p, r->json.n);
    r->last = a->seq;
    r->n++;
}

unsigned api_alerts_replay(void *api, uint64_t after, unsigned limit, struct bytes *out,
                           uint64_t *last)
{
    struct api *a = api;
    struct replayed r = {.out = out, .last = *last};
    struct catalog_alert_filter f = {.mode = -1,
                                     .after_seq = after,
                                     .oldest_first = 1,
                                     .limit = limit};
    enum err e = catalog_alerts(a->reader, &f, replay_alert, &r);
    bytes_fini(&r.json);
    *last = r.last;
    return e == ERR_OK ? r.n : 0;
}
