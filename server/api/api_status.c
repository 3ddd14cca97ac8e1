/* SPDX-License-Identifier: Apache-2.0 */
/* What is going on: overview, workers, health; and the help pages of problems. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/api/metrics.h"
#include "server/http/jsonw.h"
#include "server/run/runtimememory.h"
#include "server/version.h"
#include <string.h>

enum { MINUTE_MS = 60000, MINUTES = 60 };

/* --- overview ------------------------------------------------------------------------------------------------------ */

static const char *const severities[] = {"low", "medium", "high", "critical"};
enum { SEVERITIES = sizeof severities / sizeof *severities };

struct minutes {
    evtime first;
    uint64_t n[MINUTES][SEVERITIES];
};

static void note_minute(void *ctx, evtime minute, const char *severity, uint64_t n)
{
    struct minutes *m = ctx;
    evtime i = (minute - m->first) / MINUTE_MS;
    for (int k = 0; i >= 0 && i < MINUTES && k < SEVERITIES; k++)
        if (strcmp(severities[k], severity) == 0)
            m->n[i][k] += n;
}

static void write_minutes(struct api *a, struct bytes *out, evtime now)
{
    struct minutes m = {.first = now - now % MINUTE_MS - (evtime)(MINUTES - 1) * MINUTE_MS};
    enum err e = catalog_alerts_by_minute(a->reader, m.first, note_minute, &m);
    jsonw_key(out, "minutes");
    jsonw_open(out, '[');
    for (int i = 0; e == ERR_OK && i < MINUTES; i++) {
        jsonw_open(out, '{');
        jsonw_ktime(out, "minute", m.first + (evtime)i * MINUTE_MS);
        for (int k = 0; k < SEVERITIES; k++)
            jsonw_ku64(out, severities[k], m.n[i][k]);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void write_rules_and_workers(struct api *a, struct bytes *out)
{
    uint64_t by_mode[3] = {0};
    unsigned n = runtime_workers(a->runtime, NULL, 0), running = 0;
    struct runtime_worker *w = mem_array(n + 1, sizeof *w);
    unsigned got = runtime_workers(a->runtime, w, n);
    for (unsigned i = 0; i < n && i < got; i++)
        running += w[i].state == WORKER_RUNNING;
    mem_free(w);
    jsonw_key(out, "rules");
    jsonw_open(out, '{');
    if (catalog_rules_count(a->reader, by_mode) == ERR_OK) {
        jsonw_ku64(out, "active", by_mode[RULE_ACTIVE]);
        jsonw_ku64(out, "shadow", by_mode[RULE_SHADOW]);
        jsonw_ku64(out, "paused", by_mode[RULE_PAUSED]);
    }
    jsonw_close(out, '}');
    jsonw_key(out, "workers");
    jsonw_open(out, '{');
    jsonw_ku64(out, "running", running);
    jsonw_ku64(out, "total", n);
    jsonw_close(out, '}');
}

void api_status_overview_json(void *api, struct bytes *out)
{
    struct api *a = api;
    struct runtime_totals t = {0};
    struct catalog_counts n = {0};
    evtime now = timebase_now_ms();
    runtime_totals(a->runtime, &t);
    enum err e = catalog_alerts_count(a->reader, now, &n);
    (void)e; /* logged; the figures are then 0 */
    bool has_time = t.watermark > EVTIME_MIN && t.watermark < EVTIME_MAX;
    jsonw_open(out, '{');
    jsonw_ktime(out, "now", now);
    jsonw_key(out, "events_per_second");
    jsonw_num(out, t.events_per_second);
    jsonw_ku64(out, "events_processed", t.events_processed);
    jsonw_ku64(out, "events_accepted", t.events_accepted);
    jsonw_ku64(out, "events_refused", t.events_refused);
    jsonw_ku64(out, "late", t.late);
    jsonw_ku64(out, "alerts", n.alerts);
    jsonw_ku64(out, "alerts_last_hour", n.last_hour);
    jsonw_ku64(out, "open_alerts", n.open);
    jsonw_ku64(out, "shadow_alerts", n.shadow);
    jsonw_ku64(out, "dead_letters", n.dead_letters);
    jsonw_ktime(out, "watermark", t.watermark);
    jsonw_key(out, "watermark_lag_ms");
    if (has_time)
        jsonw_i64(out, now - t.watermark);
    else
        jsonw_null(out);
    jsonw_kstr(out, "memory_level", memwatch_name(runtimememory_level(a->runtime)));
    write_rules_and_workers(a, out);
    write_minutes(a, out, now);
    jsonw_close(out, '}');
}

void api_status_overview(struct httpcall *c, void *app)
{
    api_status_overview_json(app, httpcall_out(c));
    httpcall_json_reply(c, 200);
}

void api_status_overview_stream(struct httpcall *c, void *app)
{
    struct api *a = app;
    sse_open(a->sse, c, SSE_OVERVIEW, false, 0);
}

/* --- health, help -------------------------------------------------------------------------------------------------- */

void api_status_version(struct httpcall *c, void *app)
{
    struct bytes *out = httpcall_out(c);
    (void)app;
    jsonw_open(out, '{');
    jsonw_kstr(out, "version", VERSION_TEXT);
    jsonw_kstr(out, "commit", VERSION_COMMIT);
    jsonw_close(out, '}');
    httpcall_json_reply(c, 200);
}

void api_status_health(struct httpcall *c, void *app)
{
    (void)app;
    bytes_printf(httpcall_out(c), "ok\n");
    httpcall_reply(c, 200, "text/plain");
}

void api_status_ready(struct httpcall *c, void *app)
{
    struct api *a = app;
    if (!runtime_ready(a->runtime)) {
        struct runtime_restart r;
        runtime_restart(a->runtime, &r);
        if (r.given_up)
            httpcall_problem(c, PROBLEM_NOT_READY, NULL,
                             "the workers have failed and stay down: %s", r.why);
        else
            httpcall_problem(c, PROBLEM_NOT_READY, NULL, "the workers are starting");
        return;
    }
    enum memwatch_level level = runtimememory_level(a->runtime);
    bytes_printf(httpcall_out(c), "ready\n");
    if (level != MEMWATCH_OK)
        bytes_printf(httpcall_out(c), "memory %s\n", memwatch_name(level));
    httpcall_reply(c, 200, "text/plain");
}

void api_status_metrics(struct httpcall *c, void *app)
{
    metrics_write(app, httpcall_out(c));
    httpcall_reply(c, 200, "text/plain; version=0.0.4");
}

void api_status_problems(struct httpcall *c, void *app)
{
    const char *code = httpcall_param(c, "code");
    (void)app;
    if (problem_page(httpcall_out(c), code ? code : ""))
        httpcall_reply(c, 200, "text/html; charset=utf-8");
    else
        httpcall_problem(c, PROBLEM_NOT_FOUND, "/problems/ lists them",
                         "there is no problem '%.64s'", code);
}

void api_status_index(struct httpcall *c, void *app)
{
    struct bytes *out = httpcall_out(c);
    (void)app;
    api_page_open(out);
    for (size_t i = 0; i < api_nroutes; i++) {
        const struct route *r = &api_routes[i];
        jsonw_open(out, '{');
        jsonw_kstr(out, "method", r->method);
        jsonw_kstr(out, "path", r->path);
        jsonw_kstr(out, "does", r->does);
        jsonw_key(out, "query");
        jsonw_open(out, '[');
        for (const char *p = r->query; p && *p; p += strspn(p, " ")) {
            size_t n = strcspn(p, " ");
            jsonw_strn(out, p, n);
            p += n;
        }
        jsonw_close(out, ']');
        jsonw_close(out, '}');
    }
    api_page_close(out, false, 0);
    httpcall_json_reply(c, 200);
}
