/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /workers, POST /workers:restart, POST /workers:rescale. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"
#include "server/run/runtimememory.h"
#include "server/run/runtimesave.h"
#include <string.h>

static const char *state_name(enum runtime_worker_state s)
{
    static const char *const names[] = {"created", "scheduled", "running", "finished", "failed"};
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

static void write_end(struct bytes *out, const char *key, int worker)
{
    jsonw_key(out, key);
    if (worker < 0)
        jsonw_str(out, "coordinator");
    else
        jsonw_i64(out, worker);
}

static void write_channels(struct api *a, struct bytes *out)
{
    unsigned n = runtime_channels(a->runtime, NULL, 0);
    struct runtime_channel *c = mem_array(n + 1, sizeof *c);
    unsigned got = runtime_channels(a->runtime, c, n);
    jsonw_key(out, "channels");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n && i < got; i++) {
        jsonw_open(out, '{');
        write_end(out, "from", c[i].from);
        write_end(out, "to", c[i].to);
        jsonw_ki64(out, "window_bytes", c[i].window);
        jsonw_ki64(out, "credit_bytes", c[i].credit);
        jsonw_ku64(out, "queued_bytes", c[i].queued);
        jsonw_ku64(out, "sent_bytes", c[i].sent);
        jsonw_ku64(out, "blocked_ms", c[i].blocked_ms);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    mem_free(c);
}

static void write_memory(struct api *a, struct bytes *out)
{
    struct runtimememory m;
    runtimememory_get(a->runtime, &m);
    jsonw_key(out, "memory");
    jsonw_open(out, '{');
    jsonw_key(out, "total_bytes");
    if (m.total > 0)
        jsonw_u64(out, m.total);
    else
        jsonw_null(out);
    jsonw_ku64(out, "resident_bytes", m.resident);
    jsonw_kstr(out, "level", memwatch_name(m.level));
    jsonw_ku64(out, "refusing_ms", m.refusing_ms);
    for (unsigned i = 0; i < BUDGET_PARTS; i++) {
        jsonw_key(out, m.parts[i].name);
        jsonw_open(out, '{');
        jsonw_ku64(out, "limit_bytes", m.parts[i].limit);
        jsonw_ku64(out, "used_bytes", m.parts[i].used);
        jsonw_close(out, '}');
    }
    jsonw_close(out, '}');
}

static void write_worker(struct bytes *out, const struct runtime_worker *w)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "index", w->index);
    jsonw_ki64(out, "pid", w->pid);
    jsonw_kstr(out, "state", state_name(w->state));
    jsonw_ku64(out, "attempt", w->attempt);
    jsonw_ktime(out, "started", w->started);
    jsonw_key(out, "busy");
    jsonw_num(out, w->busy);
    jsonw_ku64(out, "busy_permille", w->busy_permille);
    jsonw_ku64(out, "idle_permille", w->idle_permille);
    jsonw_ku64(out, "backpressured_permille", w->backpressured_permille);
    jsonw_ku64(out, "busy_ms", w->busy_ms);
    jsonw_ku64(out, "idle_ms", w->idle_ms);
    jsonw_ku64(out, "backpressured_ms", w->backpressured_ms);
    jsonw_kstr(out, "waits_for", w->waits_for);
    jsonw_ku64(out, "intake_bytes", w->intake_bytes);
    jsonw_ku64(out, "ordering_bytes", w->ordering_bytes);
    jsonw_ku64(out, "rss_bytes", w->rss_bytes);
    jsonw_ku64(out, "rows_in", w->rows_in);
    jsonw_ku64(out, "rows_waiting", w->rows_waiting);
    jsonw_ku64(out, "rows_late", w->rows_late);
    jsonw_ku64(out, "results", w->results);
    jsonw_ku64(out, "frames_in", w->frames_in);
    jsonw_ku64(out, "frames_out", w->frames_out);
    jsonw_ku64(out, "keys", w->keys);
    jsonw_ku64(out, "partials", w->partials);
    jsonw_ku64(out, "windows_open", w->windows_open);
    jsonw_ku64(out, "state_bytes", w->state_bytes);
    jsonw_ktime(out, "watermark", w->watermark);
    jsonw_key(out, "pause");
    jsonw_open(out, '{');
    jsonw_ku64(out, "change_us", w->change_us);
    jsonw_ku64(out, "change_cpu_us", w->change_cpu_us);
    jsonw_ku64(out, "turn_us", w->turn_us);
    jsonw_ku64(out, "turn_cpu_us", w->turn_cpu_us);
    jsonw_close(out, '}');
    jsonw_close(out, '}');
}

static void write_exceptions(struct api *a, struct bytes *out)
{
    unsigned n = runtime_exceptions(a->runtime, NULL, 0);
    struct runtime_exception *x = mem_array(n + 1, sizeof *x);
    unsigned got = runtime_exceptions(a->runtime, x, n);
    jsonw_key(out, "exceptions");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n && i < got; i++) {
        jsonw_open(out, '{');
        jsonw_ktime(out, "at", x[i].at);
        jsonw_ku64(out, "attempt", x[i].attempt);
        jsonw_ku64(out, "worker", x[i].worker);
        jsonw_kstr(out, "text", x[i].text);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    mem_free(x);
}

static void write_restart(struct api *a, struct bytes *out)
{
    struct runtime_restart r;
    runtime_restart(a->runtime, &r);
    jsonw_key(out, "restart");
    jsonw_open(out, '{');
    jsonw_kstr(out, "strategy", restart_strategy_name(r.strategy));
    jsonw_kbool(out, "given_up", r.given_up);
    jsonw_ku64(out, "failed", r.failed);
    jsonw_key(out, "next_ms");
    if (r.next_ms >= 0)
        jsonw_i64(out, r.next_ms);
    else
        jsonw_null(out);
    jsonw_kstr(out, "why", r.why[0] != '\0' ? r.why : NULL);
    jsonw_close(out, '}');
}

static void write_poison(struct api *a, struct bytes *out)
{
    unsigned n = runtime_poison(a->runtime, NULL, 0);
    struct runtime_poison *p = mem_array(n + 1, sizeof *p);
    unsigned got = runtime_poison(a->runtime, p, n);
    jsonw_key(out, "poison");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n && i < got; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "stream", p[i].stream);
        jsonw_ku64(out, "partition", p[i].partition);
        jsonw_ku64(out, "offset", p[i].offset);
        jsonw_ku64(out, "times", p[i].times);
        jsonw_kbool(out, "set_aside", p[i].set_aside);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    mem_free(p);
}

void api_workers_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct bytes *out = httpcall_out(c);
    unsigned n = runtime_workers(a->runtime, NULL, 0);
    struct runtime_worker *w = mem_array(n + 1, sizeof *w);
    unsigned got = runtime_workers(a->runtime, w, n);
    api_page_open(out);
    for (unsigned i = 0; i < n && i < got; i++)
        write_worker(out, &w[i]);
    jsonw_close(out, ']');
    write_channels(a, out);
    write_memory(a, out);
    write_exceptions(a, out);
    write_poison(a, out);
    write_restart(a, out);
    jsonw_close(out, '}');
    mem_free(w);
    httpcall_json_reply(c, 200);
}

void api_workers_restart(struct httpcall *c, void *app)
{
    struct api *a = app;
    const char *poison = httpcall_query(c, "poison");
    if (poison && strcmp(poison, "skip") != 0) {
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "poison is '%.40s'; it may be skip",
                         poison);
        return;
    }
    if (runtime_try_again(a->runtime, poison != NULL) != ERR_OK) {
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "the workers run, or are just starting");
        return;
    }
    httpcall_reply(c, 204, NULL);
}

static void rescaled(struct api *a, struct httpcall *c, const char *name)
{
    (void)name;
    api_workers_list(c, a);
}

void api_workers_rescale(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct diag d;
    json_t *body = httpcall_json(c, "workers");
    if (body == NULL)
        return;
    const json_t *n = json_object_get(body, "workers");
    if (!json_is_integer(n) || json_integer_value(n) < 1 || json_integer_value(n) > UINT16_MAX) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL,
                         "the field 'workers' is a whole number from 1");
        json_decref(body);
        return;
    }
    diag_init(&d, NULL, 0);
    struct api_change *ch = api_change_new(a, c, "", PROBLEM_BAD_FIELD, rescaled);
    enum err e =
        runtimesave_rescale(a->runtime, (unsigned)json_integer_value(n), &d, api_change_done, ch);
    api_change_started(ch, c, e, &d);
    diag_fini(&d);
    json_decref(body);
}
