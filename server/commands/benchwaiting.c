/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule, one key. Rows that begin partial matches come first, until 10, 1,000 or 100,000 of them wait; then rows of
 * which none, one or all of them can use are timed. What is fixed for a row (ordering, conditions, the key) is in the
 * figures; decoding is not, since batches are filled by hand. */
#include "server/commands/benchwaiting.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/task.h"
#include "rules/compile.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { KEY, KIND, V, TS, COLUMNS };
enum { SIZES = 3, PROBES_MOST = 200 * BATCH_ROWS };
static const unsigned sizes[SIZES] = {10, 1000, 100000};
static const int64_t enough_ns = 100000000;

static const char stream[] =
    "CREATE STREAM t (k STRING, kind STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL, "
    "WATERMARK FOR ts AS ts);\n";

struct shape {
    const char *name;
    const char *pattern, *skip, *define;
    const char *before; /* kinds of rows that come once, before those that wait */
    const char *filling; /* kinds of rows, again and again, until enough wait */
    int advances; /* how many of those waiting a probe moves: 0, 1, -1 all */
    char probe; /* kind of the rows that are timed */
    bool spread; /* each partial match has a key of its own */
};

#define BY_KIND "A AS kind = 'a', B AS kind = 'b', C AS kind = 'c'"
#define TWO_KINDS "A AS kind = 'a', B AS kind = 'b'"
static const struct shape shapes[] = {
    {"A -> B -> C", "A -> B -> C", "NO SKIP", BY_KIND, "", "a", 0, 'c', false},
    {"A -> B ->> C", "A -> B ->> C", "NO SKIP", BY_KIND, "ab", "a", 1, 'c', false},
    {"A -> B, past last row", "A -> B -> C", "SKIP PAST LAST ROW", BY_KIND, "", "a", 0, 'c', false},
    {"A -> B, to next row", "A -> B -> C", "SKIP TO NEXT ROW", BY_KIND, "", "a", 0, 'c', false},
    {"EACH STEP", "A -> B ->> C", "NO SKIP", BY_KIND, "ab", "a", 1, 'c', false},
    {"B.v > A.v", "A -> B", "NO SKIP", "A AS kind = 'a', B AS kind = 'b' AND v > A.v", "", "a", 0,
     'b', false},
    {"A ->> B", "A ->> B", "NO SKIP", TWO_KINDS, "", "a", -1, 'b', false},
    {"begins another", "A -> B ->> C", "NO SKIP", BY_KIND, "", "a", 1, 'a', false},
    {"A ->> B ->> C", "A ->> B ->> C", "NO SKIP", BY_KIND, "a", "b", 0, 'x', false},
    {"a key for each", "A -> B ->> C", "NO SKIP", BY_KIND, "ab", "a", 1, 'c', true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct rig {
    const struct shape *shape;
    struct script *script;
    struct job *job;
    struct task *task;
    const struct schema *schema;
    struct batch *b; /* being filled */
    evtime ts;
    uint64_t offset, results;
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
    r->results += task_effects(r->task)->nresults;
    task_effects_clear(r->task);
    batch_unref(r->b);
    r->b = NULL;
}

static void put_text(struct batch *b, unsigned column, const char *text, size_t n)
{
    if (b->columns[column].nulls != NULL)
        b->columns[column].s[b->n] = (struct str){arena_dup(b->arena, text, n), (uint32_t)n, 0};
}

static void put(struct rig *r, uint64_t key, char kind, int64_t v)
{
    char name[24];
    if (r->b == NULL)
        r->b = batch_new(r->schema, job_columns(r->job, r->schema->id));
    struct batch *b = r->b;
    int n = snprintf(name, sizeof name, "k%llu", (unsigned long long)key);
    put_text(b, KEY, name, (size_t)n);
    put_text(b, KIND, &kind, 1);
    if (b->columns[V].nulls != NULL)
        b->columns[V].i[b->n] = v;
    b->columns[TS].i[b->n] = b->ts[b->n] = r->ts++;
    b->offset[b->n++] = r->offset++;
    if (b->n == BATCH_ROWS)
        flush(r);
}

static void start(struct rig *r, const struct shape *s)
{
    char text[1024];
    struct diag d;
    *r = (struct rig){.shape = s, .ts = 1000};
    int n =
        snprintf(text, sizeof text,
                 "%sCREATE RULE r AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts "
                 "MEASURES FIRST(ts) AS at AFTER MATCH %s PATTERN (%s) WITHIN INTERVAL '1' DAY %s "
                 "DEFINE %s);",
                 stream, s->skip, s->pattern, strcmp(s->name, "EACH STEP") == 0 ? s->name : "",
                 s->define);
    diag_init(&d, text, (size_t)n);
    enum err e = compile_script(text, (size_t)n, NULL, &d, &r->script);
    BUG_IF(e != ERR_OK, "%s: %s", text, diag_text(&d));
    diag_fini(&d);
    r->schema = r->script->statements[0].schema;
    const struct job_rule rule = {.plan = r->script->statements[1].rule, .uid = 1, .version = 1};
    r->job = job_new(&r->schema, 1, &rule, 1);
    r->task = task_new(&(struct task_options){.workers = 1,
                                              .key_groups = 128,
                                              .max_ordering_rows = SIZE_MAX / 2,
                                              .max_partials_per_key = SIZE_MAX / 2});
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

static struct task_stats stats_of(const struct rig *r)
{
    struct task_stats s;
    task_stats(r->task, &s);
    return s;
}

struct cost {
    double ns; /* an event; of those that move all: a match */
    double bytes; /* a partial match, with the row that it keeps */
};

static void fill(struct rig *r, unsigned waiting)
{
    const struct shape *s = r->shape;
    for (uint64_t i = 0; i < waiting; i++) {
        for (const char *c = i == 0 || s->spread ? s->before : ""; *c != '\0'; c++)
            put(r, s->spread ? i : 0, *c, 100);
        for (const char *c = s->filling; *c != '\0'; c++)
            put(r, s->spread ? i : 0, *c, 100);
    }
    flush(r);
}

static struct cost measure(const struct shape *s, unsigned waiting)
{
    struct rig r;
    start(&r, s);
    put(&r, 0, 'x', 0);
    flush(&r);
    uint64_t empty = stats_of(&r).state_bytes;
    fill(&r, waiting);
    struct cost c = {.bytes = (double)(stats_of(&r).state_bytes - empty) /
                              (double)stats_of(&r).partials};
    uint64_t probes = 0, before = r.results;
    unsigned most = s->advances < 0 ? 1 + PROBES_MOST / waiting : PROBES_MOST;
    int64_t from = thread_ns(), ns = 0;
    for (unsigned turn = 1; probes < most && ns < enough_ns;
         turn = turn < BATCH_ROWS ? 2 * turn : turn) {
        for (unsigned i = 0; i < turn && probes < most; i++, probes++)
            put(&r, s->spread ? probes % waiting : 0, s->probe, 0);
        flush(&r);
        ns = thread_ns() - from;
    }
    c.ns = (double)ns / (double)(s->advances < 0 ? r.results - before : probes);
    stop(&r);
    return c;
}

json_t *benchwaiting_run(void)
{
    static const char *const moved[] = {"all, a match", "none", "one"};
    json_t *all = json_array();
    printf("\n%-24s %-14s %10s %10s %10s %9s\n", "partial matches wait", "of which move", "10",
           "1,000", "100,000", "B each");
    for (unsigned i = 0; i < SHAPES; i++) {
        const struct shape *s = &shapes[i];
        struct cost c[SIZES];
        for (unsigned n = 0; n < SIZES; n++)
            c[n] = measure(s, sizes[n]);
        printf("%-24s %-14s %7.0f ns %7.0f ns %7.0f ns %9.0f\n", s->name, moved[s->advances + 1],
               c[0].ns, c[1].ns, c[2].ns, c[2].bytes);
        fflush(stdout);
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:b, s:f, s:f, s:f, s:f}", "pattern",
                                             s->pattern, "skip", s->skip, "moves",
                                             moved[s->advances + 1], "compares",
                                             strstr(s->define, "A.v") != NULL, "ns_10", c[0].ns,
                                             "ns_1000", c[1].ns, "ns_100000", c[2].ns, "bytes",
                                             c[2].bytes));
    }
    return all;
}
