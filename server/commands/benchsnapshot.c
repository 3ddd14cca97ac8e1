/* SPDX-License-Identifier: Apache-2.0
 *
 * A pattern and a window over many keys, until the state is as large as asked for. Then a snapshot begins, and is given out
 * in slices between batches, as a worker does; what is given out is counted, not kept. The same rows are timed before. */
#include "server/commands/benchsnapshot.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/task.h"
#include "rules/compile.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { KEY, KIND, V, TS };
enum { SLICE_ENTRIES = 64, BATCHES_PLAIN = 1000, CHANGED_SHARE = 100 };
static const int64_t slice_ns = 1000000;

static const char text[] = "CREATE STREAM t (k STRING, kind STRING, v BIGINT, ts TIMESTAMP(3) NOT "
                           "NULL, WATERMARK FOR ts AS ts);\n"
                           "CREATE RULE p AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER "
                           "BY ts MEASURES FIRST(ts) AS at "
                           "AFTER MATCH NO SKIP PATTERN (A -> B ->> C) WITHIN INTERVAL '10' DAY "
                           "DEFINE A AS kind = 'a', B AS kind = 'b', C AS kind = 'c');\n"
                           "CREATE RULE w AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM "
                           "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
                           "INTERVAL '10' DAY)) GROUP BY k, window_start, window_end;\n";

struct rig {
    struct script *script;
    struct job *job;
    struct task *task;
    const struct schema *schema;
    struct batch *b;
    evtime ts;
    uint64_t offset, keys, random;
    uint64_t entries, bytes; /* given out */
};

static int64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void flush(struct rig *r)
{
    if (r->b == NULL)
        return;
    enum err e = task_source_rows(r->task, r->b);
    BUG_IF(e != ERR_OK, "rows are refused: %s", err_name(e));
    task_step(r->task);
    task_effects_clear(r->task);
    batch_unref(r->b);
    r->b = NULL;
}

static void put_text(struct batch *b, unsigned column, const char *s, size_t n)
{
    b->columns[column].s[b->n] = (struct str){arena_dup(b->arena, s, n), (uint32_t)n, 0};
}

static void put(struct rig *r, uint64_t key, char kind)
{
    char name[24];
    if (r->b == NULL)
        r->b = batch_new(r->schema, job_columns(r->job, r->schema->id));
    struct batch *b = r->b;
    int n = snprintf(name, sizeof name, "k%llu", (unsigned long long)key);
    put_text(b, KEY, name, (size_t)n);
    put_text(b, KIND, &kind, 1);
    b->columns[V].i[b->n] = 100;
    r->ts += r->offset % 16 == 0;
    b->columns[TS].i[b->n] = b->ts[b->n] = r->ts;
    b->offset[b->n++] = r->offset++;
    if (b->n == BATCH_ROWS)
        flush(r);
}

static struct task_stats stats_of(const struct rig *r)
{
    struct task_stats s;
    task_stats(r->task, &s);
    return s;
}

static void start(struct rig *r)
{
    struct diag d;
    *r = (struct rig){.ts = 1000, .random = 1};
    diag_init(&d, text, sizeof text - 1);
    enum err e = compile_script(text, sizeof text - 1, NULL, &d, &r->script);
    BUG_IF(e != ERR_OK, "%s", diag_text(&d));
    diag_fini(&d);
    r->schema = r->script->statements[0].schema;
    const struct job_rule rules[] = {{.plan = r->script->statements[1].rule, .uid = 1},
                                     {.plan = r->script->statements[2].rule, .uid = 2}};
    r->job = job_new(&r->schema, 1, rules, 2);
    r->task = task_new(&(struct task_options){.workers = 1,
                                              .key_groups = 128,
                                              .max_ordering_rows = SIZE_MAX / 2,
                                              .max_partials_per_key = 100000});
    tasksnap_track(r->task);
    task_set_job(r->task, r->job);
    task_source_open(r->task, r->schema->id, 0, EVTIME_MIN);
}

static void stop(struct rig *r)
{
    flush(r);
    task_free(r->task);
    job_unref(r->job);
    compile_script_free(r->script);
}

/* Keys with four partial matches each. */
static void fill(struct rig *r, uint64_t bytes)
{
    do {
        for (unsigned i = 0; i < BATCH_ROWS; i++, r->keys++)
            for (const char *c = "aaba"; *c != '\0'; c++)
                put(r, r->keys, *c);
        flush(r);
    } while (stats_of(r).state_bytes < bytes);
}

/* A batch of rows of any keys; every other changes partial matches, all change a window. */
static void some_rows(struct rig *r, uint64_t below)
{
    for (unsigned i = 0; i < BATCH_ROWS; i++) {
        r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        put(r, (r->random >> 33) % below, i % 2 == 0 ? 'b' : 'x');
    }
}

static void take_entry(void *ctx, const char *op, unsigned group, const void *key, size_t key_n,
                       const void *value, size_t value_n)
{
    struct rig *r = ctx;
    (void)op, (void)group, (void)key, (void)value;
    r->entries++;
    r->bytes += key_n + value_n;
}

static void take_flow(void *ctx, const void *p, size_t n)
{
    (void)ctx, (void)p, (void)n;
}

struct cost {
    int64_t begin_ns, slices_ns, longest_ns, rows_ns;
    uint64_t rows, entries, bytes;
};

/* What has changed until now is given out. */
static void finish(struct rig *r)
{
    const struct tasksnap_out out = {take_entry, take_flow, r};
    tasksnap_begin(r->task, &out);
    while (tasksnap_slice(r->task, SLICE_ENTRIES))
        ;
}

/* One slice between two batches, as a worker does. */
static struct cost snapshot(struct rig *r)
{
    const struct tasksnap_out out = {take_entry, take_flow, r};
    struct cost c = {0};
    r->entries = r->bytes = 0;
    int64_t from = thread_ns();
    tasksnap_begin(r->task, &out);
    c.begin_ns = thread_ns() - from;
    for (bool more = true; more; c.rows += BATCH_ROWS) {
        from = thread_ns();
        int64_t until = from + slice_ns;
        while (more && thread_ns() < until)
            more = tasksnap_slice(r->task, SLICE_ENTRIES);
        int64_t took = thread_ns() - from;
        c.slices_ns += took;
        c.longest_ns = took > c.longest_ns ? took : c.longest_ns;
        from = thread_ns();
        some_rows(r, r->keys);
        c.rows_ns += thread_ns() - from;
    }
    c.entries = r->entries;
    c.bytes = r->bytes;
    return c;
}

static double plain_ns(struct rig *r)
{
    int64_t from = thread_ns();
    for (unsigned i = 0; i < BATCHES_PLAIN; i++)
        some_rows(r, r->keys);
    return (double)(thread_ns() - from) / (BATCHES_PLAIN * BATCH_ROWS);
}

static json_t *told(const char *what, const struct cost *c, double partials)
{
    double n = c->entries > 0 ? (double)c->entries : 1, each = (double)c->slices_ns / n;
    printf("%-12s %10.3f %12llu %10.1f %10.0f %10.0f %12.3f %10.0f\n", what,
           (double)c->begin_ns / 1e6, (unsigned long long)c->entries, (double)c->bytes / 1e6,
           (double)c->bytes / n, each, (double)c->longest_ns / 1e6,
           (double)c->rows_ns / (double)c->rows);
    return json_pack("{s:s, s:f, s:I, s:I, s:f, s:f, s:f, s:f}", "of", what, "begin_ms",
                     (double)c->begin_ns / 1e6, "entries", (json_int_t)c->entries, "bytes",
                     (json_int_t)c->bytes, "entry_ns", each, "partial_ns", each / partials,
                     "longest_slice_ms", (double)c->longest_ns / 1e6, "row_ns",
                     (double)c->rows_ns / (double)c->rows);
}

json_t *benchsnapshot_run(uint64_t state_mb)
{
    struct rig r;
    json_t *all = json_array();
    start(&r);
    fill(&r, state_mb << 20);
    struct task_stats s = stats_of(&r);
    double partials = (double)s.partials / (double)r.keys;
    printf(
        "\nsnapshot of %.0f MB: %llu keys of a pattern (%.1f partial matches each) and a window\n",
        (double)s.state_bytes / 1e6, (unsigned long long)r.keys, partials);
    printf("%-12s %10s %12s %10s %10s %10s %12s %10s\n", "of", "begin ms", "entries", "MB",
           "B an entry", "ns an entry", "longest ms", "ns a row");
    struct cost c = snapshot(&r);
    json_array_append_new(all, told("all", &c, partials));
    double before = plain_ns(&r);
    finish(&r);
    for (uint64_t i = 0; i < r.keys / CHANGED_SHARE; i += BATCH_ROWS)
        some_rows(&r, r.keys / CHANGED_SHARE);
    c = snapshot(&r);
    json_array_append_new(all, told("changes", &c, partials));
    printf("%-12s %10s %12s %10s %10s %10s %12s %10.0f\n", "none open", "", "", "", "", "", "",
           before);
    json_array_append_new(all, json_pack("{s:s, s:f}", "of", "none", "row_ns", before));
    stop(&r);
    return all;
}
