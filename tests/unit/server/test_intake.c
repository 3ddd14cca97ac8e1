/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cep/derived.h"
#include "rules/compile.h"
#include "server/intake/intake.h"
#include "tests/lib/check.h"
#include <stdlib.h>

enum { AHEAD_MAX = 100, PADDING = 64 };

struct fixture {
    char path[64];
    struct intakelog *log;
    struct intake *intake;
    struct script *script;
    const struct schema *schema;
    unsigned refused, appended;
    uint64_t last_logged;
    char last_code[32], last_raw[64];
};

static void on_refused(void *ctx, const struct catalog_dead_letter *d)
{
    struct fixture *f = ctx;
    f->refused++;
    f->last_logged = d->logged;
    snprintf(f->last_code, sizeof f->last_code, "%s", d->code);
    snprintf(f->last_raw, sizeof f->last_raw, "%.*s", (int)d->raw_len, d->raw);
}

static void on_appended(void *ctx)
{
    ((struct fixture *)ctx)->appended++;
}

static void open_all(struct fixture *f)
{
    struct diag d;
    struct intake_events events = {on_refused, on_appended, f};
    diag_init(&d, NULL, 0);
    assert_ok(intakelog_open(f->path, &d, &f->log));
    diag_fini(&d);
    f->intake = intake_new(f->log, &events, AHEAD_MAX);
}

static void close_all(struct fixture *f)
{
    intake_free(f->intake);
    intakelog_close(f->log);
}

static void use_schema(struct fixture *f, const char *sql)
{
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    compile_script_free(f->script);
    assert_ok(compile_script(sql, strlen(sql), NULL, &d, &f->script));
    diag_fini(&d);
    f->schema = f->script->statements[0].schema;
    ((struct schema *)(uintptr_t)f->schema)->id = 1;
    ((struct schema *)(uintptr_t)f->schema->errors)->id = derived_errors_id(1);
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(sizeof *f);
    strcpy(f->path, "/tmp/weir-intake-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    use_schema(f, "CREATE STREAM s (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, "
                  "WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions'='2');");
    open_all(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_all(f);
    compile_script_free(f->script);
    char *command = mem_printf("rm -rf '%s'", f->path);
    int rc = system(command);
    mem_free(command);
    mem_free(f);
    return rc;
}

static enum err post(struct fixture *f, unsigned partition, const char *text,
                     struct runtime_row_answer *answer)
{
    char padded[256 + PADDING] = {0};
    snprintf(padded, sizeof padded - PADDING, "%s", text);
    struct runtime_row row = {padded, strlen(padded)};
    return intake_rows(f->intake, f->schema, partition, &row, 1, false, answer);
}

static void good_rows_get_their_offset_and_move_the_watermark(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct job_mark marks[2];
    assert_ok(post(f, 1, "{\"id\":1,\"ts\":10000}", &a));
    assert_true(a.accepted);
    assert_int_equal(a.offset, 0);
    assert_ok(post(f, 1, "{\"id\":2,\"ts\":9000}", &a));
    assert_int_equal(a.offset, 1);
    intake_marks(f->intake, f->schema, marks);
    assert_int_equal(marks[1].offset, 2);
    assert_int_equal(marks[1].w, 8000);
    assert_int_equal(marks[0].offset, 0);
    assert_true(marks[0].w == EVTIME_MIN);
    assert_int_equal(f->appended, 2);
    /* The watermark of the end is known after a restart, without reading the log. */
    close_all(f);
    open_all(f);
    intake_marks(f->intake, f->schema, marks);
    assert_int_equal(marks[1].offset, 2);
    assert_int_equal(marks[1].w, 8000);
}

static void a_bad_row_costs_the_others_nothing(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "{\"id\":1,\"ts\":1}\n{\"id\":\"x\",\"ts\":1}\n{\"id\":3,\"ts\":3}\n"
                               "                                                                ";
    struct runtime_row rows[3] = {{text, 15}, {text + 16, 17}, {text + 34, 15}};
    struct runtime_row_answer a[3];
    assert_ok(intake_rows(f->intake, f->schema, 0, rows, 3, true, a));
    assert_true(a[0].accepted && !a[1].accepted && a[2].accepted);
    assert_int_equal(a[2].offset, 1);
    assert_string_equal(a[1].code, "wrong-type");
    assert_true(strlen(a[1].error) > 0);
    assert_int_equal(f->refused, 1);
    assert_string_equal(f->last_raw, "{\"id\":\"x\",\"ts\":1}");
    struct intake_counts n;
    intake_count(f->intake, &n);
    assert_int_equal(n.accepted, 2);
    assert_int_equal(n.refused, 1);
}

static void expect_error_row(struct fixture *f, uint64_t at, const char *part)
{
    char *text = NULL;
    size_t n = 0;
    assert_ok(intakelog_event(f->log, f->schema->errors->id, 0, at, &text, &n));
    char *found = memmem(text, n, part, strlen(part));
    assert_non_null(found);
    mem_free(text);
}

static void what_is_refused_is_a_row_of_errors_before_it_is_answered(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a[3];
    enum { LONG = 200 << 10 };
    char *big = mem_new(LONG + PADDING);
    memset(big, 1, LONG);
    struct runtime_row rows[3] = {{"{\"id\":\0}                                                ",
                                   8},
                                  {"\xff\xfe{                                                   ",
                                   3},
                                  {big, LONG}};
    assert_ok(intake_rows(f->intake, f->schema, 1, rows, 3, false, a));
    assert_true(!a[0].accepted && !a[1].accepted && !a[2].accepted);
    assert_int_equal(f->refused, 3);
    assert_int_equal(f->last_logged, 3);
    assert_int_equal(intakelog_end(f->log, f->schema->errors->id, 0), 3);
    expect_error_row(f, 0, "\"source_partition\":1");
    expect_error_row(f, 1, "\"hex\":\"fffe7b\"");
    expect_error_row(f, 2, "\"size\":204800");
    struct intake_counts n;
    intake_count(f->intake, &n);
    assert_int_equal(n.accepted, 0);
    assert_int_equal(n.refused, 3);
    assert_ok(intake_finish(f->intake, f->schema, 0));
    assert_false(intakelog_finished(f->log, f->schema->errors->id, 0));
    assert_ok(intake_finish(f->intake, f->schema, 1)); /* a stream that has ended refuses no more */
    assert_true(intakelog_finished(f->log, f->schema->errors->id, 0));
    mem_free(big);
}

static void bad_rows_of_a_file_are_taken_once(void **state)
{
    struct fixture *f = *state;
    struct catalog_dead_letter d = {.kind = "error",
                                    .stream = f->schema->id,
                                    .code = "not-json",
                                    .reason = "no",
                                    .raw = "{",
                                    .raw_len = 1};
    for (unsigned replay = 0; replay < 3; replay++) {
        for (d.offset = 10; d.offset <= 50; d.offset += 10)
            assert_ok(intakeerrors_file(f->intake, f->schema, &d));
        close_all(f);
        open_all(f);
    }
    assert_int_equal(f->refused, 5);
    d.offset = 10;
    d.partition = 1; /* each has its own */
    assert_ok(intakeerrors_file(f->intake, f->schema, &d));
    assert_int_equal(intakelog_end(f->log, f->schema->errors->id, 0), 6);
    d.partition = 2;
    assert_err(intakeerrors_file(f->intake, f->schema, &d), ERR_NOT_FOUND);
}

static void a_letter_is_sent_once(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "{\"id\":1,\"ts\":1}\n{\"id\":\"x\",\"ts\":1}\n{\"id\":3,\"ts\":3}\n"
                               "                                                                ";
    const struct runtime_row rows[3] = {{text, 15}, {text + 16, 17}, {text + 34, 15}};
    const uint64_t letters[3] = {41, 42, 43};
    struct runtime_row_answer a[3];
    assert_ok(intake_again(f->intake, f->schema, 1, rows, letters, 2, a));
    assert_true(a[0].accepted && !a[1].accepted);
    assert_string_equal(a[1].code, "wrong-type");
    assert_int_equal(f->refused, 0); /* it is a letter already */
    close_all(f);
    open_all(f);
    assert_ok(intake_again(f->intake, f->schema, 1, rows, letters, 3, a));
    assert_true(a[0].accepted && !a[1].accepted && a[2].accepted);
    assert_int_equal(a[0].offset, 0);
    assert_int_equal(a[2].offset, 1);
    assert_int_equal(intakelog_end(f->log, f->schema->id, 1), 2);
    assert_ok(intake_finish(f->intake, f->schema, 1));
    assert_ok(intake_again(f->intake, f->schema, 1, rows, letters, 1, a)); /* it was before */
    assert_err(intake_again(f->intake, f->schema, 1, rows, letters, 2, a), ERR_CONFLICT);
}

static void an_input_that_has_ended_takes_no_more(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct job_mark marks[2];
    assert_ok(intake_finish(f->intake, f->schema, 0));
    assert_err(intake_finish(f->intake, f->schema, 0), ERR_CONFLICT);
    assert_err(post(f, 0, "{\"id\":1,\"ts\":1}", &a), ERR_CONFLICT);
    assert_ok(post(f, 1, "{\"id\":1,\"ts\":1}", &a));
    assert_err(post(f, 2, "{\"id\":1,\"ts\":1}", &a), ERR_NOT_FOUND);
    assert_err(intake_finish(f->intake, f->schema, 2), ERR_NOT_FOUND);
    intake_marks(f->intake, f->schema, marks);
    assert_true(marks[0].w == EVTIME_MAX);
}

static void a_backlog_past_its_bound_is_refused_whole(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct job_mark marks[2];
    intake_marks(f->intake, f->schema, marks);
    for (unsigned i = 0; i < AHEAD_MAX + 50;
         i++) /* nobody reads the stream: nothing is waited for */
        assert_ok(post(f, 0, "{\"id\":1,\"ts\":1}", &a));
    intake_taken(f->intake, 1, 0, AHEAD_MAX + 50);
    for (unsigned i = 0; i < AHEAD_MAX + 1; i++)
        assert_ok(post(f, 0, "{\"id\":1,\"ts\":1}", &a));
    assert_err(post(f, 0, "{\"id\":1,\"ts\":1}", &a), ERR_AGAIN);
    intake_taken(f->intake, 1, 0, AHEAD_MAX); /* a replay is further behind; that is no reason */
    assert_err(post(f, 0, "{\"id\":1,\"ts\":1}", &a), ERR_AGAIN);
    intake_taken(f->intake, 1, 0, AHEAD_MAX + 51);
    assert_ok(post(f, 0, "{\"id\":1,\"ts\":1}", &a));
    intake_marks(f->intake, f->schema, marks);
    assert_int_equal(marks[0].offset, 2 * AHEAD_MAX + 52);
}

static void the_partition_that_others_wait_for_is_never_refused(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct job_mark marks[2];
    intake_marks(f->intake, f->schema, marks);
    intake_taken(f->intake, 1, 0, 0);
    intake_taken(f->intake, 1, 1, 0);
    for (unsigned i = 0; i < AHEAD_MAX + 1; i++)
        assert_ok(post(f, 0, "{\"id\":1,\"ts\":1}", &a));
    assert_err(post(f, 0, "{\"id\":1,\"ts\":1}", &a), ERR_AGAIN);
    assert_ok(post(f, 1, "{\"id\":1,\"ts\":1}", &a)); /* all that it has brought was taken */
    assert_err(post(f, 1, "{\"id\":1,\"ts\":1}", &a), ERR_AGAIN);
    intake_taken(f->intake, 1, 1, 1);
    assert_ok(post(f, 1, "{\"id\":1,\"ts\":1}", &a));
}

static void an_event_from_the_future_does_not_move_time(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct job_mark marks[1];
    char text[128];
    use_schema(f, "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
                  "WITH ('max-ahead'='1 h');");
    evtime now = timebase_now_ms();
    snprintf(text, sizeof text, "{\"ts\":%lld}", (long long)now + 2 * 3600000);
    assert_ok(post(f, 0, text, &a));
    assert_false(a.accepted);
    assert_string_equal(a.code, "time-out-of-range");
    snprintf(text, sizeof text, "{\"id\":4,\"ts\":%lld}", (long long)now + 1800000);
    assert_ok(post(f, 0, text, &a));
    assert_true(a.accepted);
    intake_marks(f->intake, f->schema, marks);
    assert_int_equal(marks[0].offset, 1);
    assert_true(marks[0].w == now + 1800000);
}

static void a_punctuated_stream_has_its_watermark_too(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct job_mark marks[1];
    use_schema(f, "CREATE STREAM s (kind STRING, ts TIMESTAMP(3) NOT NULL, is_end AS kind = 'end', "
                  "WATERMARK FOR ts PUNCTUATED WHEN is_end);");
    assert_ok(post(f, 0, "{\"kind\":\"x\",\"ts\":500}", &a));
    intake_marks(f->intake, f->schema, marks);
    assert_true(marks[0].w == EVTIME_MIN);
    assert_ok(post(f, 0, "{\"kind\":\"end\",\"ts\":600}", &a));
    assert_ok(post(f, 0, "{\"kind\":\"x\",\"ts\":900}", &a));
    intake_marks(f->intake, f->schema, marks);
    assert_int_equal(marks[0].w, 600);
}

static evtime mark_of(struct fixture *f, unsigned partition)
{
    struct job_mark marks[SCHEMA_PARTITIONS_MAX];
    intake_marks(f->intake, f->schema, marks);
    return marks[partition].w;
}

static void use_idle_schema(struct fixture *f)
{
    use_schema(
        f, "CREATE STREAM s (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
           "WITH ('partitions'='3', 'idle-timeout'='10 s');");
    mark_of(f, 0);
    for (unsigned p = 0; p < 3; p++)
        intake_taken(f->intake, 1, p, 0); /* a rule reads it */
}

static void a_partition_without_events_goes_along_with_the_others(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    use_idle_schema(f);
    evtime now = timebase_now_ms();
    assert_ok(post(f, 0, "{\"id\":1,\"ts\":5000}", &a));
    assert_ok(post(f, 1, "{\"id\":1,\"ts\":6000}", &a));
    assert_true(intake_tick(f->intake, now + 9000, EVTIME_MIN));
    assert_true(mark_of(f, 2) == EVTIME_MIN); /* it may still come */
    /* All of them silent, and nothing waits for a time that far on: nothing is written. */
    assert_true(intake_tick(f->intake, now + 60000, 6000 + 120000));
    assert_int_equal(mark_of(f, 0), 5000);
    assert_true(intake_tick(f->intake, now + 60000, 6000 + 30000));
    for (unsigned p = 0; p < 3; p++)
        assert_in_range(mark_of(f, p), 6000 + 59000, 6000 + 60100);
    assert_int_equal(intakelog_end(f->log, 1, 2), 0);
}

static void
a_row_for_an_idle_partition_is_late_by_the_watermark_that_the_clock_gave_it(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct intakelog_block *b = mem_new(sizeof *b);
    use_idle_schema(f);
    evtime now = timebase_now_ms();
    assert_ok(post(f, 0, "{\"id\":1,\"ts\":5000}", &a));
    assert_true(intake_tick(f->intake, now + 60000, EVTIME_MIN));
    evtime w = mark_of(f, 1);
    assert_in_range(w, 64000, 65100);
    assert_ok(post(f, 1, "{\"id\":1,\"ts\":7000}", &a)); /* late */
    assert_int_equal(mark_of(f, 1), w);
    assert_int_equal(a.offset, 0);
    assert_ok(intakelog_read(f->log, 1, 1, 0, b));
    assert_int_equal(b->n, 1);
    assert_int_equal(b->before, w);
    assert_int_equal(b->w, w);
    intakelog_block_fini(b);
    /* Of a restart nobody can tell by the log's end, and silence begins anew. */
    close_all(f);
    open_all(f);
    assert_int_equal(mark_of(f, 1), w);
    struct intake_look look;
    intake_look(f->intake, f->schema, 0, now + 1000, &look);
    assert_false(look.idle);
    assert_int_equal(look.w, w);
    assert_true(look.arrival >= now && look.arrival < now + 10000);
    mem_free(b);
}

static void a_client_that_is_told_to_wait_is_not_silent(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct intake_look look;
    use_schema(
        f, "CREATE STREAM s (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
           "WITH ('idle-timeout'='1 ms');");
    mark_of(f, 0);
    intake_taken(f->intake, 1, 0, 0);
    for (unsigned i = 0; i < AHEAD_MAX + 1; i++)
        assert_ok(post(f, 0, "{\"id\":1,\"ts\":5000}", &a));
    intake_look(f->intake, f->schema, 0, intake_clock(f->intake), &look);
    evtime before = look.since;
    while (intake_clock(f->intake) <= before)
        ;
    assert_err(post(f, 0, "{\"id\":1,\"ts\":5000}", &a), ERR_AGAIN);
    intake_look(f->intake, f->schema, 0, before, &look);
    assert_true(look.since > before);
}

static void a_stream_that_no_rule_reads_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    use_idle_schema(f);
    for (unsigned p = 0; p < 3; p++)
        intake_taken(f->intake, 1, p, UINT64_MAX);
    assert_ok(post(f, 0, "{\"id\":1,\"ts\":5000}", &a));
    assert_true(intake_tick(f->intake, timebase_now_ms() + 60000, EVTIME_MIN));
    assert_int_equal(mark_of(f, 0), 5000);
}

static void with_ingestion_time_an_event_has_the_time_of_its_arrival(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    struct intakelog_block *b = mem_new(sizeof *b);
    use_schema(f, "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
                  "WITH ('time'='ingestion');");
    evtime before = timebase_now_ms();
    assert_ok(post(f, 0, "{\"id\":1}", &a)); /* the column need not be there */
    assert_true(a.accepted);
    assert_ok(post(f, 0, "{\"id\":2,\"ts\":\"nonsense\"}", &a));
    assert_true(a.accepted);
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->n, 2);
    assert_true(b->arrivals[0] >= before && b->arrivals[1] >= b->arrivals[0]);
    assert_int_equal(mark_of(f, 0), b->arrivals[1]);
    assert_false(intake_tick(f->intake, before + 60000, EVTIME_MIN)); /* no idle-timeout */
    intakelog_block_fini(b);
    mem_free(b);
}

static void with_processing_time_the_clock_goes_on_when_something_waits(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    use_schema(f, "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "
                  "WITH ('time'='processing', 'partitions'='2');");
    mark_of(f, 0);
    intake_taken(f->intake, 1, 0, 0);
    intake_taken(f->intake, 1, 1, 0);
    evtime now = timebase_now_ms();
    assert_ok(post(f, 0, "{\"id\":1}", &a));
    assert_true(intake_tick(f->intake, now + 500, now + 1000));
    assert_true(mark_of(f, 1) == EVTIME_MIN);
    assert_true(intake_tick(f->intake, now + 60000, now + 1000));
    evtime w = mark_of(f, 0);
    assert_in_range(w, now + 59000, now + 70000);
    assert_int_equal(mark_of(f, 1), w);
    /* The wall clock is behind that now, as if it had been set back: times of arrival go on. */
    struct intakelog_block *b = mem_new(sizeof *b);
    assert_ok(post(f, 0, "{\"id\":2}", &a));
    assert_ok(intakelog_read(f->log, 1, 0, 1, b));
    assert_int_equal(b->arrivals[0], w);
    intakelog_block_fini(b);
    mem_free(b);
}

static void an_event_a_day_ahead_is_refused_unless_the_stream_says_otherwise(void **state)
{
    struct fixture *f = *state;
    struct runtime_row_answer a;
    char text[128];
    snprintf(text, sizeof text, "{\"id\":4,\"ts\":%lld}",
             (long long)timebase_now_ms() + 25 * 3600000);
    assert_ok(post(f, 0, text, &a));
    assert_false(a.accepted);
    use_schema(f, "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
                  "WITH ('max-ahead'='0 s');");
    close_all(f);
    open_all(f);
    assert_ok(post(f, 0, text, &a));
    assert_true(a.accepted);
}

#define INTAKE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(INTAKE_TEST(good_rows_get_their_offset_and_move_the_watermark),
              INTAKE_TEST(a_bad_row_costs_the_others_nothing),
              INTAKE_TEST(what_is_refused_is_a_row_of_errors_before_it_is_answered),
              INTAKE_TEST(bad_rows_of_a_file_are_taken_once), INTAKE_TEST(a_letter_is_sent_once),
              INTAKE_TEST(an_input_that_has_ended_takes_no_more),
              INTAKE_TEST(a_backlog_past_its_bound_is_refused_whole),
              INTAKE_TEST(the_partition_that_others_wait_for_is_never_refused),
              INTAKE_TEST(an_event_from_the_future_does_not_move_time),
              INTAKE_TEST(a_punctuated_stream_has_its_watermark_too),
              INTAKE_TEST(a_partition_without_events_goes_along_with_the_others),
              INTAKE_TEST(
                  a_row_for_an_idle_partition_is_late_by_the_watermark_that_the_clock_gave_it),
              INTAKE_TEST(a_client_that_is_told_to_wait_is_not_silent),
              INTAKE_TEST(a_stream_that_no_rule_reads_is_left_alone),
              INTAKE_TEST(with_ingestion_time_an_event_has_the_time_of_its_arrival),
              INTAKE_TEST(with_processing_time_the_clock_goes_on_when_something_waits),
              INTAKE_TEST(an_event_a_day_ahead_is_refused_unless_the_stream_says_otherwise));
}
