/* SPDX-License-Identifier: Apache-2.0
 *
 * The table is an SQLite file of the test's own. While the test holds an exclusive lock on it, nothing can be read; the
 * threads try again and again. */
#include "base/mem.h"
#include "cep/job.h"
#include "cep/table.h"
#include "rules/compile.h"
#include "server/worker/lookups.h"
#include "tests/lib/check.h"
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

struct rig {
    char path[64];
    sqlite3 *db;
    struct script *script;
    struct job *job;
    struct task *task;
    struct lookups *lookups;
    uint64_t offset;
    char found[4096]; /* keys of the filter's results, in order */
    char failed[1024];
};

static void sql(struct rig *r, const char *text)
{
    assert_int_equal(sqlite3_exec(r->db, text, NULL, NULL, NULL), SQLITE_OK);
}

static void failed(void *ctx, const struct place *at, const char *reason)
{
    struct rig *r = ctx;
    size_t n = strlen(r->failed);
    snprintf(r->failed + n, sizeof r->failed - n, "%llu: %s\n", (unsigned long long)at->offset,
             reason);
}

static void start(struct rig *r, const char *options)
{
    *r = (struct rig){.path = "/tmp/weir-lookups-XXXXXX"};
    int fd = mkstemp(r->path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sqlite3_open(r->path, &r->db), SQLITE_OK);
    sql(r, "CREATE TABLE t (k TEXT PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL "
           "SELECT i + 1 FROM n WHERE i < 99) INSERT INTO t SELECT 'k' || i, i FROM n");
    char *text = mem_printf(
        "CREATE STREAM s (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);"
        "CREATE TABLE t (k STRING PRIMARY KEY, v BIGINT) WITH ('connector'='sqlite', 'path'='%s', "
        "'retries'='100000', 'retry-delay'='1 ms', 'timeout'='1 min'%s%s);"
        "CREATE RULE f AS SELECT s.k, t.v FROM s JOIN t FOR SYSTEM_TIME AS OF s.ts ON t.k = s.k;"
        "CREATE RULE g AS SELECT UPPER(s.k) AS k, t.v FROM s LEFT JOIN t FOR SYSTEM_TIME AS OF "
        "s.ts "
        "ON t.k = s.k WHERE t.v IS NULL;",
        r->path, options[0] != '\0' ? ", " : "", options);
    struct diag d;
    diag_init(&d, text, strlen(text));
    assert_ok(compile_script(text, strlen(text), NULL, &d, &r->script));
    diag_fini(&d);
    mem_free(text);
    const struct job_rule rules[] = {{.plan = r->script->statements[2].rule, .uid = 1},
                                     {.plan = r->script->statements[3].rule, .uid = 2}};
    r->job = job_new(&r->script->statements[0].schema, 1, rules, 2);
    r->task = task_new(&(struct task_options){
        .workers = 1, .key_groups = 16, .max_ordering_rows = 1000, .max_partials_per_key = 1000});
    task_set_job(r->task, r->job);
    task_source_open(r->task, r->script->statements[0].schema->id, 0, EVTIME_MIN);
    r->lookups = lookups_new(false, failed, r);
}

static void stop(struct rig *r)
{
    lookups_free(r->lookups);
    task_free(r->task);
    job_unref(r->job);
    compile_script_free(r->script);
    sqlite3_close(r->db);
    unlink(r->path);
}

static void collect(struct rig *r)
{
    task_step(r->task);
    const struct task_effects *fx = task_effects(r->task);
    for (unsigned i = 0; i < fx->nresults; i++) {
        const struct value *k = &fx->results[i].values[0];
        size_t n = strlen(r->found);
        snprintf(r->found + n, sizeof r->found - n, "%.*s ", (int)k->c.s.n, k->c.s.p);
    }
    lookups_take(r->lookups, fx);
    task_effects_clear(r->task);
}

/* A batch of these keys, a second apart, and what can be said of it at once. */
static void rows(struct rig *r, unsigned n, const char *const *keys)
{
    const struct schema *s = r->script->statements[0].schema;
    struct batch *b = batch_new(s, job_columns(r->job, s->id));
    for (unsigned i = 0; i < n; i++) {
        struct value k = {.type = s->columns[0].type, .null = keys[i] == NULL};
        if (keys[i] != NULL)
            k.c.s = (struct str){keys[i], (uint32_t)strlen(keys[i]), 0};
        batch_put(b, 0, i, &k);
        b->offset[i] = r->offset++;
        b->n++;
        batch_set_time(b, i, (evtime)(1000 * (b->offset[i] + 1)));
    }
    assert_ok(task_source_rows(r->task, b));
    batch_unref(b);
    collect(r);
    lookups_answer(r->lookups, r->task);
    collect(r);
}
#define ROWS(r, ...)                                                                               \
    rows(r, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void wait_until_idle(struct rig *r)
{
    while (!lookups_idle(r->lookups)) {
        struct pollfd fd = {.fd = lookups_fd(r->lookups), .events = POLLIN};
        poll(&fd, 1, 100);
        lookups_answer(r->lookups, r->task);
        collect(r);
    }
}

static evtime time_of(const struct rig *r)
{
    return task_stream_watermark(r->task, r->script->statements[2].rule->input->id);
}

static void rows_are_answered_and_keys_asked_for_once(void **state)
{
    (void)state;
    struct rig r;
    start(&r, "");
    ROWS(&r, "k1", "k2", "k1", NULL, "none", "k1");
    wait_until_idle(&r);
    assert_string_equal(r.found, "k1 k2 k1  NONE k1 ");
    ROWS(&r, "k2", "none");
    wait_until_idle(&r);
    assert_string_equal(r.found, "k1 k2 k1  NONE k1 k2 NONE ");
    struct lookups_stats s = lookups_stats(r.lookups, 0);
    assert_int_equal(s.rows, 8);
    assert_int_equal(s.asked, 3);
    assert_int_equal(s.hits, 2);
    assert_int_equal(s.missing, 3);
    assert_int_equal(s.in_flight + s.waiting, 0);
    stop(&r);
}

static void in_order_rows_wait_for_those_before_them(void **state)
{
    (void)state;
    struct rig r;
    start(&r, "");
    ROWS(&r, "k1");
    wait_until_idle(&r);
    sql(&r, "BEGIN EXCLUSIVE");
    ROWS(&r, "k2", "k1");
    ROWS(&r, "k1", "none");
    assert_string_equal(r.found, "k1 ");
    sql(&r, "COMMIT");
    wait_until_idle(&r);
    assert_string_equal(r.found, "k1 k2 k1 k1 NONE ");
    stop(&r);
}

static void out_of_order_rows_go_on_as_they_are_answered_but_time_waits(void **state)
{
    (void)state;
    struct rig r;
    start(&r, "'output'='unordered'");
    ROWS(&r, "k1");
    wait_until_idle(&r);
    assert_int_equal(time_of(&r), 1000);
    sql(&r, "BEGIN EXCLUSIVE");
    ROWS(&r, "k2", "k1");
    ROWS(&r, "k1", NULL, "k3");
    assert_string_equal(r.found, "k1 k1 k1  ");
    assert_int_equal(time_of(&r), 1000); /* of before the first that waits */
    assert_int_equal(tasklookup_unanswered(r.task), 2);
    sql(&r, "COMMIT");
    wait_until_idle(&r);
    assert_int_equal(strlen(r.found), strlen("k1 k1 k1  k2 k3 "));
    assert_int_equal(time_of(&r), 6000);
    stop(&r);
}

static void no_more_keys_are_asked_for_than_the_capacity(void **state)
{
    (void)state;
    struct rig r;
    start(&r, "'capacity'='4', 'batch'='1'");
    sql(&r, "BEGIN EXCLUSIVE");
    ROWS(&r, "k1", "k2", "k3");
    assert_false(lookups_full(r.lookups));
    ROWS(&r, "k4", "k5", "k6", "k1");
    assert_true(lookups_full(r.lookups));
    assert_int_equal(lookups_stats(r.lookups, 0).in_flight, 4);
    assert_int_equal(lookups_stats(r.lookups, 0).waiting, 7);
    sql(&r, "COMMIT");
    wait_until_idle(&r);
    assert_false(lookups_full(r.lookups));
    assert_string_equal(r.found, "k1 k2 k3 k4 k5 k6 k1 ");
    assert_int_equal(lookups_stats(r.lookups, 0).asked, 6);
    stop(&r);
}

static void what_is_not_answered_in_time_is_told_and_asked_for_again_later(void **state)
{
    (void)state;
    struct rig r;
    start(&r, "'capacity'='4'");
    ((struct table *)(uintptr_t)r.script->statements[1].table)->timeout_ms = 50;
    sql(&r, "BEGIN EXCLUSIVE");
    ROWS(&r, "k1", "k2", "k1");
    assert_true(lookups_due(r.lookups) < INT64_MAX);
    wait_until_idle(&r);
    assert_string_equal(r.found, "");
    assert_string_equal(r.failed, "0: table t did not answer within 50 ms\n"
                                  "2: table t did not answer within 50 ms\n"
                                  "1: table t did not answer within 50 ms\n");
    assert_int_equal(lookups_stats(r.lookups, 0).timeouts, 2);
    assert_int_equal(lookups_due(r.lookups), INT64_MAX);
    sql(&r, "COMMIT");
    ((struct table *)(uintptr_t)r.script->statements[1].table)->timeout_ms = 60000;
    ROWS(&r, "k2");
    wait_until_idle(&r);
    assert_string_equal(r.found, "k2 ");
    stop(&r);
}

static void rows_that_wait_are_forgotten_with_it(void **state)
{
    (void)state;
    struct rig r;
    start(&r, "'capacity'='2'");
    sql(&r, "BEGIN EXCLUSIVE");
    ROWS(&r, "k1", "k2", "k3", "k1");
    stop(&r);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(rows_are_answered_and_keys_asked_for_once),
              cmocka_unit_test(in_order_rows_wait_for_those_before_them),
              cmocka_unit_test(out_of_order_rows_go_on_as_they_are_answered_but_time_waits),
              cmocka_unit_test(no_more_keys_are_asked_for_than_the_capacity),
              cmocka_unit_test(what_is_not_answered_in_time_is_told_and_asked_for_again_later),
              cmocka_unit_test(rows_that_wait_are_forgotten_with_it));
}
