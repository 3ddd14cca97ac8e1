/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/metrics.h"
#include "base/mem.h"
#include "server/backtest/backtests.h"
#include "server/config.h"
#include "server/deploy/runtimeversion.h"
#include "server/http/http.h"
#include "server/run/runtimelane.h"
#include "server/run/runtimememory.h"
#include "server/run/runtimesave.h"
#include "server/run/runtimesink.h"
#include "server/run/runtimetrial.h"
#include "server/version.h"
#include "state/catalog_lists.h"
#include <inttypes.h>

static void family(struct bytes *out, const char *name, const char *type, const char *help)
{
    bytes_printf(out, "# HELP weir_%s %s\n# TYPE weir_%s %s\n", name, help, name, type);
}

static void single(struct bytes *out, const char *name, const char *type, const char *help,
                   double v)
{
    family(out, name, type, help);
    bytes_printf(out, "weir_%s %.15g\n", name, v);
}

/* A label's value: \ " and newline are escaped. */
static void label(struct bytes *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            bytes_put(out, "\\n", 2);
            continue;
        }
        if (*text == '"' || *text == '\\')
            bytes_u8(out, '\\');
        bytes_u8(out, (uint8_t)*text);
    }
}

static void write_totals(struct api *a, struct bytes *out)
{
    struct runtime_totals t = {0};
    struct catalog_counts n = {0};
    runtime_totals(a->runtime, &t);
    single(out, "events_accepted_total", "counter", "Events taken since the start.",
           (double)t.events_accepted);
    single(out, "events_refused_total", "counter", "Events refused since the start.",
           (double)t.events_refused);
    single(out, "events_processed_total", "counter", "Events that workers have taken.",
           (double)t.events_processed);
    single(out, "events_late_total", "counter", "Events that came behind the watermark.",
           (double)t.late);
    single(out, "events_per_second", "gauge", "Events processed, of the last seconds.",
           t.events_per_second);
    single(out, "poison_events", "gauge", "Events that are set aside: they killed workers.",
           (double)t.poison_skipped);
    single(out, "results_waiting_bytes", "gauge", "Results of the workers that are not stored yet.",
           (double)t.results_waiting_bytes);
    single(out, "dead_letters_sent_total", "counter", "Dead letters sent again since the start.",
           (double)t.letters_sent);
    single(out, "timeouts_total", "counter", "Partial matches whose time was over.",
           (double)t.timeouts);
    single(out, "timeouts_dropped_total", "counter",
           "Timeouts that were not stored since the rule had more than are kept.",
           (double)t.timeouts_dropped);
    single(out, "alerts_total", "counter", "Alerts stored since the start.", (double)t.alerts);
    if (t.watermark > EVTIME_MIN && t.watermark < EVTIME_MAX)
        single(out, "watermark_lag_seconds", "gauge", "Wall clock less the least watermark.",
               (double)(timebase_now_ms() - t.watermark) / 1000);
    single(out, "ready", "gauge", "1: the workers run the present rules.",
           runtime_ready(a->runtime));
    if (catalog_alerts_count(a->reader, timebase_now_ms(), &n) == ERR_OK) {
        single(out, "alerts_stored", "gauge", "Alerts in the catalogue, shadow results apart.",
               (double)n.alerts);
        single(out, "dead_letters", "gauge", "Refused and late events that wait.",
               (double)n.dead_letters);
        single(out, "dead_letters_kept", "gauge", "Those that wait and those that were sent again.",
               (double)n.dead_kept);
        single(out, "timeouts_kept", "gauge", "Timeouts that are kept.", (double)n.timeouts);
    }
}

struct worker_metric {
    const char *name, *type, *help;
    double v;
};

static void write_workers(struct api *a, struct bytes *out)
{
    unsigned n = runtime_workers(a->runtime, NULL, 0);
    struct runtime_worker *w = mem_array(n + 1, sizeof *w);
    unsigned got = runtime_workers(a->runtime, w, n);
    n = got < n ? got : n;
    for (size_t m = 0, metrics = 1; m < metrics; m++)
        for (unsigned i = 0; i < n; i++) {
            const struct worker_metric all[] = {
                {"worker_up", "gauge", "1: it runs.", w[i].state == WORKER_RUNNING},
                {"worker_busy_ratio", "gauge", "Share of the last second spent working.",
                 w[i].busy},
                {"worker_busy_permille", "gauge", "Of the last second: it worked.",
                 w[i].busy_permille},
                {"worker_idle_permille", "gauge", "Of the last second: it had nothing to do.",
                 w[i].idle_permille},
                {"worker_backpressured_permille", "gauge",
                 "Of the last second: it had rows and waited for what comes after it.",
                 w[i].backpressured_permille},
                {"worker_busy_ms_total", "counter", "As busy_permille, since its start.",
                 (double)w[i].busy_ms},
                {"worker_idle_ms_total", "counter", "As idle_permille, since its start.",
                 (double)w[i].idle_ms},
                {"worker_backpressured_ms_total", "counter",
                 "As backpressured_permille, since its start.", (double)w[i].backpressured_ms},
                {"worker_intake_bytes", "gauge", "Rows from the log that it has not taken yet.",
                 (double)w[i].intake_bytes},
                {"worker_ordering_bytes", "gauge", "Memory of rows that wait for the watermark.",
                 (double)w[i].ordering_bytes},
                {"worker_rows_total", "counter", "Rows taken in.", (double)w[i].rows_in},
                {"worker_rows_late_total", "counter", "Late rows.", (double)w[i].rows_late},
                {"worker_rows_waiting", "gauge", "Rows that wait for the watermark.",
                 (double)w[i].rows_waiting},
                {"worker_keys", "gauge", "Keys that it knows.", (double)w[i].keys},
                {"worker_partial_matches", "gauge", "Partial matches.", (double)w[i].partials},
                {"worker_windows_open", "gauge", "Open windows.", (double)w[i].windows_open},
                {"worker_join_rows", "gauge", "Rows that joins keep.", (double)w[i].rows_kept},
                {"worker_join_rows_dropped_total", "counter",
                 "Rows that a join dropped because a key had too many.", (double)w[i].rows_dropped},
                {"worker_states_expired_total", "counter",
                 "States of keys that 'state-ttl' dropped.", (double)w[i].expired},
                {"worker_state_bytes", "gauge", "Memory of its state.", (double)w[i].state_bytes},
                {"worker_keys_out", "gauge", "Keys whose state is not in memory, about.",
                 (double)w[i].keys_out},
                {"worker_keys_left_total", "counter", "Keys whose state has left memory.",
                 (double)w[i].keys_left},
                {"worker_keys_asked_total", "counter", "Keys that the store was asked for.",
                 (double)w[i].keys_asked},
                {"worker_keys_loaded_total", "counter", "Keys whose state has come back.",
                 (double)w[i].keys_loaded},
                {"worker_resident_bytes", "gauge", "Resident memory.", (double)w[i].rss_bytes},
                {"worker_results_total", "counter", "Results given.", (double)w[i].results},
                {"worker_attempt", "gauge", "How often the job was started.",
                 (double)w[i].attempt}};
            metrics = sizeof all / sizeof *all;
            if (i == 0)
                family(out, all[m].name, all[m].type, all[m].help);
            bytes_printf(out, "weir_%s{worker=\"%u\"} %.15g\n", all[m].name, w[i].index, all[m].v);
        }
    mem_free(w);
}

static void channel_end(struct bytes *out, const char *name, int worker)
{
    if (worker < 0)
        bytes_printf(out, "%s=\"coordinator\"", name);
    else
        bytes_printf(out, "%s=\"%d\"", name, worker);
}

static void write_channels(struct api *a, struct bytes *out)
{
    static const struct {
        const char *name, *type, *help;
    } all[] = {
        {"channel_window_bytes", "gauge", "Credit that a channel's sender has at most."},
        {"channel_credit_bytes", "gauge", "Credit that is left; below zero: overdrawn by a step."},
        {"channel_queued_bytes", "gauge", "What waits for the socket."},
        {"channel_sent_bytes_total", "counter", "Sent in this attempt."},
        {"channel_blocked_ms_total", "counter", "Time that sources stood still because of it."},
    };
    unsigned n = runtime_channels(a->runtime, NULL, 0);
    struct runtime_channel *c = mem_array(n + 1, sizeof *c);
    unsigned got = runtime_channels(a->runtime, c, n);
    n = got < n ? got : n;
    for (size_t m = 0; n > 0 && m < sizeof all / sizeof *all; m++) {
        family(out, all[m].name, all[m].type, all[m].help);
        for (unsigned i = 0; i < n; i++) {
            const double v[] = {(double)c[i].window, (double)c[i].credit, (double)c[i].queued,
                                (double)c[i].sent, (double)c[i].blocked_ms};
            bytes_printf(out, "weir_%s{", all[m].name);
            channel_end(out, "from", c[i].from);
            channel_end(out, ",to", c[i].to);
            bytes_printf(out, "} %.15g\n", v[m]);
        }
    }
    mem_free(c);
}

static void write_lookups(struct api *a, struct bytes *out)
{
    static const struct {
        const char *name, *type, *help;
    } all[] = {
        {"lookup_rows_total", "counter", "Rows that were looked up in a table."},
        {"lookup_cache_hits_total", "counter", "Rows whose key was in the cache."},
        {"lookup_missing_total", "counter", "Rows whose key the table does not have."},
        {"lookup_keys_total", "counter", "Keys that the database was asked for."},
        {"lookup_requests_total", "counter", "Requests to the database, of many keys each."},
        {"lookup_retries_total", "counter", "Requests made again."},
        {"lookup_timeouts_total", "counter", "Keys that were not answered in time."},
        {"lookup_errors_total", "counter", "Keys whose answer was an error."},
        {"lookup_key_seconds_total", "counter", "From asking for a key to its answer, summed up."},
        {"lookup_keys_in_flight", "gauge", "Keys that the database is being asked for."},
        {"lookup_rows_waiting", "gauge", "Rows that wait for an answer."},
        {"lookup_cache_rows", "gauge", "Keys in the cache."},
        {"lookup_cache_bytes", "gauge", "Memory of the cache."},
    };
    unsigned n = runtime_lookups(a->runtime, NULL, 0);
    struct runtime_lookups *l = mem_array(n + 1, sizeof *l);
    unsigned got = runtime_lookups(a->runtime, l, n);
    n = got < n ? got : n;
    for (size_t m = 0; n > 0 && m < sizeof all / sizeof *all; m++) {
        family(out, all[m].name, all[m].type, all[m].help);
        for (unsigned i = 0; i < n; i++) {
            const struct lookups_stats *s = &l[i].stats;
            const double v[] = {
                (double)s->rows,        (double)s->hits,     (double)s->missing,
                (double)s->asked,       (double)s->requests, (double)s->retries,
                (double)s->timeouts,    (double)s->errors,   (double)s->latency_us / 1e6,
                (double)s->in_flight,   (double)s->waiting,  (double)s->cached,
                (double)s->cached_bytes};
            bytes_printf(out, "weir_%s{table=\"", all[m].name);
            label(out, l[i].table);
            bytes_printf(out, "\",worker=\"%u\"} %.15g\n", l[i].worker, v[m]);
        }
    }
    mem_free(l);
}

static void write_memory(struct api *a, struct bytes *out)
{
    struct runtimememory now;
    runtimememory_get(a->runtime, &now);
    for (unsigned m = 0; m < 2; m++) {
        const char *name = m == 0 ? "memory_limit_bytes" : "memory_used_bytes";
        family(out, name, "gauge",
               m == 0 ? "Budget of a part, all processes together." : "What a part takes.");
        for (unsigned i = 0; i < BUDGET_PARTS; i++)
            bytes_printf(out, "weir_%s{part=\"%s\"} %" PRIu64 "\n", name, now.parts[i].name,
                         m == 0 ? now.parts[i].limit : now.parts[i].used);
    }
    if (now.total > 0)
        single(out, "memory_total_bytes", "gauge", "The option memory-total.", (double)now.total);
    single(out, "memory_resident_bytes", "gauge", "Resident memory of all processes.",
           (double)now.resident);
    single(out, "memory_level", "gauge",
           "Beside memory-total: 0 below, 1 near (backtests wait), 2 full (intake refuses), 3 over"
           " (workers are given nothing).",
           now.level);
    single(out, "memory_refusing_seconds_total", "counter",
           "For so long intake has refused because memory was nearly at memory-total.",
           (double)now.refusing_ms / 1000);
}

static void write_rules(struct api *a, struct bytes *out)
{
    unsigned n = runtime_rules(a->runtime, NULL, 0);
    struct runtime_rule_stats *r = mem_array(n + 1, sizeof *r);
    unsigned got = runtime_rules(a->runtime, r, n);
    n = got < n ? got : n;
    for (unsigned m = 0; n > 0 && m < 2; m++) {
        const char *name = m == 0 ? "rule_partial_matches" : "rule_dropped_total";
        family(out, name, m == 0 ? "gauge" : "counter",
               m == 0 ? "Partial matches of a rule."
                      : "Partial matches or rows that a rule dropped because a key had too many.");
        for (unsigned i = 0; i < n; i++) {
            struct rule_plan *plan = runtime_plan(a->runtime, r[i].uid);
            if (plan == NULL)
                continue; /* deleted since */
            bytes_printf(out, "weir_%s{rule=\"", name);
            label(out, plan->name);
            bytes_printf(out, "\"} %" PRIu64 "\n", m == 0 ? r[i].partials : r[i].dropped);
            plan_unref(plan);
        }
    }
    mem_free(r);
}

struct trial_metric {
    const char *name, *type, *help, *labels;
    uint64_t v;
};

/* Versions that run beside the active one of their rule. */
static void write_trials(struct api *a, struct bytes *out)
{
    unsigned n = runtimetrial_list(a->runtime, NULL, 0);
    struct trials_one *t = mem_array(n + 1, sizeof *t);
    unsigned got = runtimetrial_list(a->runtime, t, n);
    n = got < n ? got : n;
    for (size_t m = 0, metrics = 1; n > 0 && m < metrics; m++)
        for (unsigned i = 0; i < n; i++) {
            struct rule_plan *plan = runtime_plan(a->runtime, t[i].rule);
            if (plan == NULL)
                continue; /* deleted since */
            const struct runtime_rule_stats now = runtimeversion_stats(a->runtime, t[i].uid);
            const struct catalog_trial_sums *s = &t[i].sums;
            const char *found = "Results of a version beside the active one, and of that one: who "
                                "has found them; fewer when one is found by the other too.";
            const char *told = "Alerts while two versions run side by side, by version.";
            const struct trial_metric all[] = {
                {"trial_results", "gauge", found, ",found_by=\"old\"", s->only_old},
                {"trial_results", NULL, NULL, ",found_by=\"both\"", s->both},
                {"trial_results", NULL, NULL, ",found_by=\"new\"", s->only_new},
                {"trial_told_total", "counter", told, ",told_by=\"old\"", s->told_old},
                {"trial_told_total", NULL, NULL, ",told_by=\"new\"", s->told_new},
                {"trial_rollout_percent", "gauge", "Of the keys, whose alerts it tells.", "",
                 t[i].percent},
                {"trial_partial_matches", "gauge", "Partial matches of it.", "", now.partials},
                {"trial_windows_open", "gauge", "Open windows of it.", "", now.windows_open},
                {"trial_keys", "gauge", "Keys of which it has state.", "", now.keys},
            };
            metrics = sizeof all / sizeof *all;
            if (i == 0 && all[m].type != NULL)
                family(out, all[m].name, all[m].type, all[m].help);
            bytes_printf(out, "weir_%s{rule=\"", all[m].name);
            label(out, plan->name);
            bytes_printf(out, "\",version=\"%u\"%s} %" PRIu64 "\n", t[i].version, all[m].labels,
                         all[m].v);
            plan_unref(plan);
        }
    mem_free(t);
}

static void write_partitions(struct api *a, struct bytes *out)
{
    static const char *const names[] = {"partition_end_offset", "partition_taken_offset",
                                        "partition_late_total"};
    unsigned n = runtime_partitions(a->runtime, NULL, 0);
    struct runtime_partition *p = mem_array(n + 1, sizeof *p);
    unsigned got = runtime_partitions(a->runtime, p, n);
    n = got < n ? got : n;
    for (size_t m = 0; n > 0 && m < sizeof names / sizeof *names; m++) {
        family(out, names[m], m == 2 ? "counter" : "gauge",
               m == 0   ? "The next offset of the log."
               : m == 1 ? "The next offset that its worker will take."
                        : "Late rows.");
        for (unsigned i = 0; i < n; i++) {
            const uint64_t v[] = {p[i].end, p[i].taken, p[i].late};
            bytes_printf(out, "weir_%s{stream=\"", names[m]);
            label(out, p[i].stream);
            bytes_printf(out, "\",partition=\"%u\"} %" PRIu64 "\n", p[i].partition, v[m]);
        }
    }
    mem_free(p);
}

/* What partitions' time is: a watermark that nobody has yet, or an ended one, is left out. */
static void write_time(struct api *a, struct bytes *out)
{
    static const struct {
        const char *name, *help;
    } all[] = {
        {"partition_watermark_lag_seconds", "How far the watermark is behind the clock."},
        {"partition_idle", "1: nothing has arrived for the stream's idle-timeout."},
        {"partition_paused", "1: it waits for a partition that is further behind."},
        {"partition_holds_time_seconds", "For how long it has held back its stream's time."},
    };
    evtime now = timebase_now_ms();
    unsigned n = runtime_partitions(a->runtime, NULL, 0);
    struct runtime_partition *p = mem_array(n + 1, sizeof *p);
    unsigned got = runtime_partitions(a->runtime, p, n);
    n = got < n ? got : n;
    for (size_t m = 0; n > 0 && m < sizeof all / sizeof *all; m++) {
        family(out, all[m].name, "gauge", all[m].help);
        for (unsigned i = 0; i < n; i++) {
            bool no_time = p[i].watermark == EVTIME_MIN || p[i].watermark == EVTIME_MAX;
            if (m == 0 && no_time)
                continue;
            const double v[] = {no_time ? 0 : (double)(now - p[i].watermark) / 1e3, p[i].idle,
                                p[i].paused_since != EVTIME_MIN,
                                p[i].holds_since == EVTIME_MIN
                                    ? 0
                                    : (double)(now - p[i].holds_since) / 1e3};
            bytes_printf(out, "weir_%s{stream=\"", all[m].name);
            label(out, p[i].stream);
            bytes_printf(out, "\",partition=\"%u\"} %.15g\n", p[i].partition, v[m]);
        }
    }
    mem_free(p);
}

struct list_sizes {
    struct bytes *out;
    bool edits;
};

static void write_list(void *ctx, const struct catalog_list *l)
{
    struct list_sizes *s = ctx;
    bytes_printf(s->out, "weir_%s{list=\"", s->edits ? "list_edits_kept" : "list_items");
    label(s->out, l->name);
    bytes_printf(s->out, "\"} %" PRIu64 "\n", s->edits ? l->edits : l->items);
}

static void write_lists(struct api *a, struct bytes *out)
{
    struct list_sizes s = {out, false};
    family(out, "list_items", "gauge", "Items of a list.");
    enum err e = catalog_lists(a->reader, write_list, &s);
    family(out, "list_edits_kept", "gauge", "Edits of a list that a replay needs.");
    s.edits = true;
    if (e == ERR_OK)
        e = catalog_lists(a->reader, write_list, &s);
    (void)e; /* the failure is in the log */
}

static void write_http(struct api *a, struct bytes *out)
{
    struct http_stats s;
    struct sse_stats live;
    uint64_t below = 0;
    double seconds = 0;
    http_stats(a->http, &s);
    sse_stats(a->sse, &live);
    single(out, "http_connections", "gauge", "Open connections.", (double)s.connections);
    single(out, "http_connections_total", "counter", "Connections taken.",
           (double)s.connections_total);
    single(out, "http_body_bytes_total", "counter", "Bytes of request bodies.",
           (double)s.body_bytes);
    single(out, "http_bodies_waiting_bytes", "gauge", "Bodies that are coming in.",
           (double)s.bodies_waiting_bytes);
    single(out, "http_bodies_refused_total", "counter",
           "Answered 429 because bodies that were coming in filled their memory.",
           (double)s.bodies_refused);
    single(out, "http_live_readers", "gauge", "Open server-sent event streams.",
           (double)live.clients);
    single(out, "http_live_readers_cut_total", "counter", "Streams cut off for not reading.",
           (double)live.cut);
    family(out, "http_requests_total", "counter", "Answers by route and status class.");
    for (size_t i = 0; i <= api_nroutes; i++) {
        seconds += (double)s.routes[i].ns / 1e9;
        for (int k = 1; k < HTTP_CLASSES; k++)
            if (s.routes[i].answers[k] > 0)
                bytes_printf(out,
                             "weir_http_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} "
                             "%" PRIu64 "\n",
                             i < api_nroutes ? api_routes[i].method : "any",
                             i < api_nroutes ? api_routes[i].path : "other", k,
                             s.routes[i].answers[k]);
    }
    family(out, "http_request_seconds", "histogram", "From a request's end to its answer's start.");
    for (int i = 0; i < HTTP_BUCKETS; i++) {
        below += s.buckets[i];
        bytes_printf(out, "weir_http_request_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                     http_bucket_seconds[i], below);
    }
    below += s.buckets[HTTP_BUCKETS];
    bytes_printf(out,
                 "weir_http_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
                 "weir_http_request_seconds_sum %.9g\nweir_http_request_seconds_count %" PRIu64
                 "\n",
                 below, seconds, below);
}

static void write_sinks(struct api *a, struct bytes *out)
{
    static const struct {
        const char *name, *kind, *help;
        size_t at;
    } rows[] = {
        {"sink_lines_total", "counter", "Lines given to a sink, again after a crash.",
         offsetof(struct io_sink_stats, lines)},
        {"sink_committed_lines_total", "counter", "Lines that readers of a sink can see.",
         offsetof(struct io_sink_stats, committed_lines)},
        {"sink_committed_parts_total", "counter", "Parts that readers of a sink can see.",
         offsetof(struct io_sink_stats, parts)},
        {"sink_pending_parts", "gauge", "Parts that wait for a checkpoint to be complete.",
         offsetof(struct io_sink_stats, pending_parts)},
        {"sink_waiting_bytes", "gauge", "Lines in memory, not written yet.",
         offsetof(struct io_sink_stats, waiting_bytes)},
    };
    const char *name = NULL;
    struct sinks_state x;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        family(out, rows[k].name, rows[k].kind, rows[k].help);
        for (unsigned i = 0; (name = runtimesink_name(a->runtime, i)) != NULL; i++)
            if (runtimesink_look(a->runtime, name, &x))
                bytes_printf(out, "weir_%s{sink=\"%s\"} %" PRIu64 "\n", rows[k].name, name,
                             *(const uint64_t *)((const char *)&x.stats + rows[k].at));
    }
    family(out, "sink_wrong", "gauge", "1: a sink cannot be written or committed.");
    for (unsigned i = 0; (name = runtimesink_name(a->runtime, i)) != NULL; i++)
        if (runtimesink_look(a->runtime, name, &x))
            bytes_printf(out, "weir_sink_wrong{sink=\"%s\"} %d\n", name, x.wrong[0] != '\0');
}

/* Of the newest that is complete. */
static void write_checkpoint(const struct runtime_checkpoint *x, struct bytes *out)
{
    uint64_t bytes = 0, new_bytes = 0, sync_us = 0;
    for (unsigned i = 0; i < x->workers; i++) {
        bytes += x->part[i].bytes;
        new_bytes += x->part[i].new_bytes;
        sync_us = x->part[i].sync_us > sync_us ? x->part[i].sync_us : sync_us;
    }
    single(out, "checkpoint_last_id", "gauge", "The last complete checkpoint.", (double)x->id);
    single(out, "checkpoint_last_age_seconds", "gauge", "Since it was begun.",
           (double)(timebase_now_ms() - x->started) / 1000);
    single(out, "checkpoint_last_duration_seconds", "gauge", "From its order to its completion.",
           (double)x->duration_ms / 1000);
    single(out, "checkpoint_last_stop_seconds", "gauge",
           "For which its slowest worker stood still.", (double)sync_us / 1e6);
    single(out, "checkpoint_last_bytes", "gauge", "All its files.", (double)bytes);
    single(out, "checkpoint_last_new_bytes", "gauge", "Written anew for it.", (double)new_bytes);
}

static void write_checkpoints(struct api *a, struct bytes *out)
{
    struct runtime_checkpoint_counts counts;
    unsigned n = runtime_checkpoints(a->runtime, NULL, 0), i = 0;
    struct runtime_checkpoint *x = mem_array(n + 1, sizeof *x);
    unsigned got = runtime_checkpoints(a->runtime, x, n);
    n = got < n ? got : n;
    runtime_checkpoint_counts(a->runtime, &counts);
    single(out, "checkpoints_completed_total", "counter", "Complete checkpoints since the start.",
           (double)counts.completed);
    single(out, "checkpoints_failed_total", "counter", "Failed checkpoints since the start.",
           (double)counts.failed);
    while (i < n && x[i].state != CHECKPOINT_COMPLETED)
        i++;
    if (i < n)
        write_checkpoint(&x[i], out);
    mem_free(x);
    struct savepoints *savepoints = runtimesave_all(a->runtime);
    uint64_t bytes = 0;
    if (savepoints == NULL)
        return;
    single(out, "savepoints", "gauge", "Savepoints that are kept.",
           (double)savepoints_usage(savepoints, &bytes));
    single(out, "savepoint_bytes", "gauge", "All their files.", (double)bytes);
}

static void write_operations(struct api *a, struct bytes *out)
{
    struct lanes_counts n;
    uint64_t bytes = 0;
    runtimelane_counts(a->runtime, &n, &bytes);
    single(out, "operations_open", "gauge", "Operations that have not ended.", (double)n.open);
    single(out, "operations_done_total", "counter", "Operations that came to their end.",
           (double)n.done);
    single(out, "operations_failed_total", "counter", "Operations that failed.", (double)n.failed);
    single(out, "operations_cancelled_total", "counter", "Operations that were ended.",
           (double)n.cancelled);
    single(out, "replayed_rows_total", "counter", "Events that operations have read again.",
           (double)n.rows);
    single(out, "replayed_bytes_total", "counter", "What workers were sent of them.",
           (double)bytes);
}

static void write_backtests(struct api *a, struct bytes *out)
{
    struct backtests_counts n = {0};
    if (a->backtests != NULL)
        backtests_counts(a->backtests, &n);
    single(out, "backtests_waiting", "gauge", "Backtests that wait.", (double)n.waiting);
    single(out, "backtests_running", "gauge", "Backtests that run.", (double)n.running);
    single(out, "backtests_completed_total", "counter", "Backtests with a result since the start.",
           (double)n.completed);
    single(out, "backtests_failed_total", "counter", "Backtests that failed since the start.",
           (double)n.failed);
    single(out, "backtests_cancelled_total", "counter", "Backtests cancelled since the start.",
           (double)n.cancelled);
    single(out, "backtest_events_total", "counter", "Events that backtests have read.",
           (double)n.events);
}

void metrics_write(struct api *a, struct bytes *out)
{
    family(out, "build_info", "gauge", "What runs.");
    bytes_printf(out, "weir_build_info{version=\"%s\",commit=\"%s\"} 1\n", VERSION_TEXT,
                 VERSION_COMMIT);
    single(out, "start_time_seconds", "gauge", "When the server was started.",
           (double)a->started / 1000);
    single(out, "coordinator_cpu_seconds_total", "counter", "Processor time of this process.",
           (double)timebase_cpu_ns() / 1e9);
    write_totals(a, out);
    write_workers(a, out);
    write_channels(a, out);
    write_lookups(a, out);
    write_memory(a, out);
    write_checkpoints(a, out);
    write_backtests(a, out);
    write_operations(a, out);
    write_rules(a, out);
    write_trials(a, out);
    write_partitions(a, out);
    write_time(a, out);
    write_lists(a, out);
    write_sinks(a, out);
    write_http(a, out);
    if (a->config != NULL)
        config_limits(a->config, out);
}
