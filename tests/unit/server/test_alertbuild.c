/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/alerts/alertbuild.h"
#include "tests/lib/check.h"

struct fixture {
    struct registry *streams;
    struct arena *arena;
    struct bytes key;
};

static int set_up(void **state)
{
    static const char sql[] = "CREATE STREAM pay (card STRING, shop BIGINT, amount DECIMAL(12,2), "
                              "ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)";
    struct diag d;
    struct fixture *f = mem_new(sizeof *f);
    diag_init(&d, NULL, 0);
    f->streams = registry_new();
    f->arena = arena_new(4096, 0);
    assert_ok(registry_add_stream(f->streams, 4, 0, sql, strlen(sql), &d));
    diag_fini(&d);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    registry_free(f->streams);
    arena_free(f->arena);
    bytes_fini(&f->key);
    mem_free(f);
    return 0;
}

static struct rule_plan *rule(struct fixture *f, const char *sql)
{
    struct diag d;
    struct rule_plan *plan = NULL;
    diag_init(&d, sql, strlen(sql));
    assert_ok(compile_rule(NULL, sql, strlen(sql), registry_scope(f->streams), &d, &plan));
    diag_fini(&d);
    return plan;
}

static const char *const pair_sql =
    "CREATE RULE pair WITH ('severity'='high', 'title'='{card} paid {total}') AS "
    "SELECT card, total FROM pay MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts "
    "MEASURES LAST(B.amount) AS total AFTER MATCH NO SKIP PATTERN (A -> B->+) WITHIN INTERVAL '1' "
    "HOUR "
    "DEFINE A AS amount > 1, B AS amount > 2)";

static struct value text(const char *s)
{
    return (struct value){.type = {.kind = TYPE_STRING}, .c.s = {s, (uint32_t)strlen(s), 0}};
}

static void a_match_becomes_an_alert_with_key_row_title_and_events(void **state)
{
    struct fixture *f = *state;
    struct rule_plan *plan = rule(f, pair_sql);
    struct value values[] = {text("c \"1\""), {.type = {TYPE_DECIMAL, 12, 2}, .c.i = 1250}};
    struct result_row rows[] = {{0, {4, 0, 7}, 100}, {1, {4, 1, 9}, 200}, {1, {4, 0, 12}, 300}};
    struct result r = {.rule = plan,
                       .rule_uid = 3,
                       .kind = RESULT_MATCH,
                       .time = 300,
                       .nvalues = 2,
                       .values = values,
                       .nrows = 3,
                       .rows = rows,
                       .window_start = EVTIME_MIN,
                       .window_end = EVTIME_MIN};
    value_key(&values[0], &f->key);
    r.key = f->key.p;
    r.key_len = (uint32_t)f->key.n;
    result_make_id(&r);
    struct catalog_alert a;
    struct catalog_alert_event *events = NULL;
    alertbuild_alert(&r, 2, f->streams, 5000, f->arena, &a, &events);
    assert_memory_equal(a.id, "alt_", 4);
    assert_int_equal(a.rule_version, 2);
    assert_string_equal(a.severity, "high");
    assert_string_equal(a.key_json, "{\"card\":\"c \\\"1\\\"\"}");
    assert_string_equal(a.row_json, "{\"card\":\"c \\\"1\\\"\",\"total\":12.50}");
    assert_string_equal(a.title, "c \"1\" paid 12.50");
    assert_string_equal(a.vars_json, "{\"A\":[{\"stream\":\"pay\",\"partition\":0,\"offset\":7}],"
                                     "\"B\":[{\"stream\":\"pay\",\"partition\":1,\"offset\":9},"
                                     "{\"stream\":\"pay\",\"partition\":0,\"offset\":12}]}");
    assert_int_equal(a.nevents, 3);
    assert_string_equal(events[2].var, "B");
    assert_int_equal(events[2].offset, 12);
    assert_null(events[2].json);
    assert_int_equal(a.created, 5000);
    assert_int_equal(a.count, 1);
    plan_unref(plan);
}

static void of_a_long_match_the_first_and_the_last_events_are_kept(void **state)
{
    struct fixture *f = *state;
    enum { LONG = 1000 };
    struct rule_plan *plan = rule(f, pair_sql);
    struct result_row *rows = mem_array(LONG, sizeof *rows);
    for (unsigned i = 0; i < LONG; i++)
        rows[i] = (struct result_row){i > 0, {4, 0, i}, (evtime)i};
    struct result r = {.rule = plan, .nrows = LONG, .rows = rows};
    struct catalog_alert a;
    struct catalog_alert_event *events = NULL;
    alertbuild_alert(&r, 1, f->streams, 0, f->arena, &a, &events);
    assert_int_equal(a.nevents, ALERTBUILD_EVENTS_MAX);
    assert_int_equal(events[0].offset, 0);
    assert_int_equal(events[ALERTBUILD_EVENTS_MAX / 2 - 1].offset, ALERTBUILD_EVENTS_MAX / 2 - 1);
    assert_int_equal(events[ALERTBUILD_EVENTS_MAX / 2].offset, LONG - ALERTBUILD_EVENTS_MAX / 2);
    assert_int_equal(events[ALERTBUILD_EVENTS_MAX - 1].offset, LONG - 1);
    mem_free(rows);
    plan_unref(plan);
}

static void a_filter_has_no_key_and_no_variables(void **state)
{
    struct fixture *f = *state;
    struct rule_plan *plan = rule(f, "CREATE RULE big AS SELECT card FROM pay WHERE amount > 3000");
    struct value values[] = {{.type = {.kind = TYPE_STRING}, .null = true}};
    struct result_row rows[] = {{-1, {4, 0, 7}, 100}};
    struct result r = {.rule = plan,
                       .kind = RESULT_MATCH,
                       .nvalues = 1,
                       .values = values,
                       .nrows = 1,
                       .rows = rows};
    struct catalog_alert a;
    struct catalog_alert_event *events = NULL;
    alertbuild_alert(&r, 1, f->streams, 0, f->arena, &a, &events);
    assert_string_equal(a.key_json, "{}");
    assert_string_equal(a.row_json, "{\"card\":null}");
    assert_null(a.vars_json);
    assert_null(events[0].var);
    assert_string_equal(a.severity, "medium");
    assert_null(a.title);
    plan_unref(plan);
}

static void late_rows_and_errors_of_a_rule_are_dead_letters(void **state)
{
    struct fixture *f = *state;
    struct rule_plan *plan = rule(f, pair_sql);
    struct result_row rows[] = {{-1, {4, 2, 7}, 100}};
    struct result r = {.rule = plan, .kind = RESULT_LATE, .nrows = 1, .rows = rows};
    struct catalog_dead_letter d;
    alertbuild_dead_letter(&r, 9, &d);
    assert_string_equal(d.kind, "late");
    assert_string_equal(d.rule, "pair");
    assert_int_equal(d.partition, 2);
    assert_int_equal(d.offset, 7);
    r = (struct result){.rule = plan, .kind = RESULT_ERROR, .reason = "SKIP TO: no such row"};
    alertbuild_dead_letter(&r, 9, &d);
    assert_string_equal(d.kind, "error");
    assert_string_equal(d.reason, "SKIP TO: no such row");
    assert_int_equal(d.stream, 4);
    assert_true(d.offset == UINT64_MAX);
    plan_unref(plan);
}

#define BUILD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(BUILD_TEST(a_match_becomes_an_alert_with_key_row_title_and_events),
              BUILD_TEST(of_a_long_match_the_first_and_the_last_events_are_kept),
              BUILD_TEST(a_filter_has_no_key_and_no_variables),
              BUILD_TEST(late_rows_and_errors_of_a_rule_are_dead_letters));
}
