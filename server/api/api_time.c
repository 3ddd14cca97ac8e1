/* SPDX-License-Identifier: Apache-2.0 */
/* Time: how far each partition is, which one holds its stream back and why, which are idle or wait for another. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"

enum { SILENT_MS = 2000 }; /* a partition without an event for so long is called silent */

struct partitions {
    const struct runtime_partition *all;
    unsigned n;
    evtime now;
};

static bool all_idle(const struct partitions *s, uint32_t stream)
{
    bool any = false;
    for (unsigned i = 0; i < s->n; i++) {
        const struct runtime_partition *p = &s->all[i];
        if (p->stream_id != stream || p->finished)
            continue;
        if (!p->idle)
            return false;
        any = true;
    }
    return any;
}

/* The partition that holds time back: the one of a stream whose watermark is least, if another is further. One that is
 * idle goes along with the others and holds nothing. */
static bool holds_back(const struct partitions *s, unsigned i)
{
    const struct runtime_partition *p = &s->all[i];
    bool another_is_further = false;
    if (p->finished || p->idle)
        return false;
    for (unsigned k = 0; k < s->n; k++) {
        const struct runtime_partition *q = &s->all[k];
        if (q->stream_id != p->stream_id || k == i)
            continue;
        if (!q->finished && !q->idle && q->watermark < p->watermark)
            return false;
        another_is_further |= q->finished || q->watermark > p->watermark;
    }
    return another_is_further;
}

static const char *why(const struct partitions *s, unsigned i)
{
    const struct runtime_partition *p = &s->all[i];
    if (!holds_back(s, i))
        return NULL;
    if (p->read && p->taken < p->end)
        return "backlog";
    if (p->arrival == EVTIME_MIN)
        return p->watermark == EVTIME_MIN ? "no-event" : "behind";
    return s->now - p->arrival >= SILENT_MS ? "silent" : "behind";
}

static void write_lag(struct bytes *out, evtime w, evtime now)
{
    jsonw_ktime(out, "watermark", w);
    jsonw_key(out, "lag_ms");
    if (w == EVTIME_MIN || w == EVTIME_MAX)
        jsonw_null(out);
    else
        jsonw_i64(out, now - w);
}

static void write_partition(struct bytes *out, const struct partitions *s, unsigned i)
{
    const struct runtime_partition *p = &s->all[i];
    const char *reason = why(s, i);
    jsonw_open(out, '{');
    jsonw_kstr(out, "stream", p->stream);
    jsonw_ku64(out, "partition", p->partition);
    jsonw_ku64(out, "worker", p->worker);
    write_lag(out, p->watermark, s->now);
    jsonw_ku64(out, "end", p->end);
    jsonw_ku64(out, "taken", p->taken);
    jsonw_kbool(out, "finished", p->finished);
    jsonw_ku64(out, "late", p->late);
    jsonw_kbool(out, "read", p->read);
    jsonw_ktime(out, "last_event", p->arrival);
    jsonw_kbool(out, "idle", p->idle);
    jsonw_ktime(out, "idle_since", p->idle ? p->silent_since : EVTIME_MIN);
    jsonw_ktime(out, "paused_since", p->paused_since);
    jsonw_kbool(out, "holds_back", reason != NULL);
    jsonw_kstr(out, "holds_why", reason);
    jsonw_ktime(out, "holds_since", reason != NULL ? p->holds_since : EVTIME_MIN);
    jsonw_close(out, '}');
}

static void write_stream(struct bytes *out, const struct partitions *s, const struct schema *schema)
{
    static const char *const times[] = {"event", "ingestion", "processing"};
    evtime w = EVTIME_MAX;
    for (unsigned i = 0; i < s->n; i++)
        if (s->all[i].stream_id == schema->id && s->all[i].watermark < w)
            w = s->all[i].watermark;
    jsonw_open(out, '{');
    jsonw_kstr(out, "stream", schema->name);
    jsonw_kstr(out, "time", times[schema->time]);
    jsonw_ki64(out, "delay_ms", schema->delay_ms);
    jsonw_ki64(out, "idle_timeout_ms", schema->idle_timeout_ms);
    jsonw_ki64(out, "alignment_ms", schema->alignment_ms);
    jsonw_ki64(out, "max_ahead_ms", schema->max_ahead_ms);
    write_lag(out, w, s->now);
    jsonw_kbool(out, "finished", w == EVTIME_MAX);
    jsonw_kbool(out, "idle", all_idle(s, schema->id));
    jsonw_close(out, '}');
}

static void write_workers(struct api *a, struct bytes *out, evtime now)
{
    unsigned n = runtime_workers(a->runtime, NULL, 0);
    struct runtime_worker *w = mem_array(n + 1, sizeof *w);
    unsigned got = runtime_workers(a->runtime, w, n);
    jsonw_key(out, "workers");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n && i < got; i++) {
        jsonw_open(out, '{');
        jsonw_ku64(out, "worker", w[i].index);
        write_lag(out, w[i].watermark, now);
        jsonw_ku64(out, "rows_waiting", w[i].rows_waiting);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    mem_free(w);
}

void api_time_watermarks(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct bytes *out = httpcall_out(c);
    unsigned n = runtime_partitions(a->runtime, NULL, 0);
    struct runtime_partition *p = mem_array(n + 1, sizeof *p);
    unsigned got = runtime_partitions(a->runtime, p, n);
    struct partitions s = {p, got < n ? got : n, timebase_now_ms()};
    jsonw_open(out, '{');
    jsonw_ktime(out, "now", s.now);
    jsonw_key(out, "streams");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < s.n; i++) {
        const struct schema *schema = i > 0 && p[i].stream_id == p[i - 1].stream_id
                                          ? NULL
                                          : runtime_stream(a->runtime, p[i].stream);
        if (schema != NULL)
            write_stream(out, &s, schema);
    }
    jsonw_close(out, ']');
    write_workers(a, out, s.now);
    jsonw_key(out, "data");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < s.n; i++)
        write_partition(out, &s, i);
    api_page_close(out, false, 0);
    mem_free(p);
    httpcall_json_reply(c, 200);
}
