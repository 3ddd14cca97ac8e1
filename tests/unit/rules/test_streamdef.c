/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE STREAM: columns, event time, options. */
#include "base/mem.h"
#include "rules/compile.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

static void says(const char *sql, const char *what)
{
    char *got = compiled_said(sql, strlen(sql), NULL);
    if (strstr(got, what) == NULL)
        fail_msg("%s\n  said %s\n  and not %s", sql, got, what);
    mem_free(got);
}

static struct script *compiled(const char *sql)
{
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    assert_ok(compile_script(sql, strlen(sql), NULL, &d, &s));
    diag_fini(&d);
    return s;
}

static void a_schema_has_what_was_written(void **state)
{
    (void)state;
    struct script *s = compiled(
        "CREATE STREAM pay (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL,\n"
        " City STRING FROM 'billing.address.city', amount DECIMAL(12,2), big AS amount > 1000,\n"
        " tag VARCHAR(20), n INT, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)\n"
        "WITH ('connector'='kafka', 'topic'='pay', 'partitions'='4', 'idle-timeout'='30 s',\n"
        " 'max-ahead'='1 d', 'time'='event', 'properties.x'='y');\n"
        "CREATE STREAM two (ts TIMESTAMP, WATERMARK FOR ts AS ts);");
    assert_int_equal(s->n, 2);
    const struct schema *p = s->statements[0].schema;
    assert_string_equal(p->name, "pay");
    assert_int_equal(p->ncolumns, 7);
    assert_true(p->columns[0].not_null);
    assert_string_equal(p->columns[2].path, "billing.address.city");
    assert_int_equal(schema_column(p, "CITY", 4), 2);
    assert_int_equal(schema_column(p, "cit", 3), -1);
    assert_non_null(p->columns[4].computed);
    assert_int_equal(p->columns[4].type.kind, TYPE_BOOLEAN);
    assert_int_equal(p->columns[5].type.kind, TYPE_STRING);
    assert_int_equal(p->columns[6].type.kind, TYPE_BIGINT);
    assert_int_equal(p->time_column, 1);
    assert_int_equal(p->watermark, WATERMARK_BOUNDED);
    assert_int_equal(p->delay_ms, 2000);
    assert_string_equal(p->connector, "kafka");
    assert_int_equal(p->partitions, 4);
    assert_int_equal(p->idle_timeout_ms, 30000);
    assert_int_equal(p->max_ahead_ms, 86400000);
    assert_false(p->poison_skip);
    assert_string_equal(schema_option(p, "topic"), "pay");
    assert_null(schema_option(p, "Topic"));
    assert_memory_equal(p->sql, "CREATE STREAM pay (", 19);
    assert_int_equal(p->sql[strlen(p->sql) - 1], ')');
    const struct schema *two = s->statements[1].schema;
    assert_int_equal(two->id, 1);
    assert_int_equal(two->delay_ms, 0);
    assert_string_equal(two->connector, "http");
    compile_script_free(s);
}

static void a_watermark_may_be_punctuated(void **state)
{
    (void)state;
    static const char *const forms[] = {"WATERMARK FOR ts AS PUNCTUATED WHEN kind = 'end'",
                                        "WATERMARK FOR ts PUNCTUATED WHEN kind = 'end'"};
    for (int i = 0; i < 2; i++) {
        char *sql = mem_printf("CREATE STREAM p (kind STRING, ts TIMESTAMP, %s)", forms[i]);
        struct script *s = compiled(sql);
        assert_int_equal(s->statements[0].schema->watermark, WATERMARK_PUNCTUATED);
        assert_non_null(s->statements[0].schema->punctuated);
        compile_script_free(s);
        mem_free(sql);
    }
}

#define STREAM(columns) "CREATE STREAM p (" columns ");"
#define WITH_TIME(column) STREAM(column ", ts TIMESTAMP, WATERMARK FOR ts AS ts")

static void wrong_columns_are_said_at_their_place(void **state)
{
    (void)state;
    says(WITH_TIME("a BIGINT, A STRING"), "line 1, column 28: column A is there twice");
    says(WITH_TIME("a BIGNIT"), "line 1, column 20: no type BIGNIT (did you mean BIGINT?)");
    says(WITH_TIME("a DECIMAL(19,2)"), "column 28: a DECIMAL has 1 to 18 digits, not 19");
    says(WITH_TIME("a TIMESTAMP(6)"), "TIMESTAMP does not take these parameters");
    says(WITH_TIME("a INTERVAL"), "INTERVAL is a type of expressions only");
    says(WITH_TIME("a STRING FROM 'x..y'"), "the path of a has an empty part");
    says(WITH_TIME("a STRING PRIMARY KEY"), "a stream has no PRIMARY KEY");
    says(WITH_TIME("a AS b + 1"), "no column b in stream p");
    says(WITH_TIME("a AS SUM(1)"), "SUM cannot be used in a computed column");
    says(WITH_TIME("a CHAR(3)"), "OK line 1, column 20: warning: the length is not enforced");
}

static void a_stream_has_one_time(void **state)
{
    (void)state;
    says(STREAM("a BIGINT"), "stream p does not say which column its time is");
    says(STREAM("ts TIMESTAMP, WATERMARK FOR t AS t"), "line 1, column 46: no column t");
    says(STREAM("ts BIGINT, WATERMARK FOR ts AS ts"), "the event time ts is BIGINT");
    says(STREAM("ts TIMESTAMP, WATERMARK FOR ts AS ts + INTERVAL '1' SECOND"),
         "a watermark is ts, ts - INTERVAL '2' SECOND, or PUNCTUATED WHEN a condition");
    says(STREAM("ts TIMESTAMP, WATERMARK FOR ts AS ts - INTERVAL '-1' SECOND"),
         "a watermark is ts");
    says(STREAM("a BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS a"), "a watermark is ts");
    says(STREAM("ts TIMESTAMP, WATERMARK FOR ts AS ts, WATERMARK FOR ts AS ts"),
         "a stream has one WATERMARK");
    says(STREAM("ts TIMESTAMP, WATERMARK FOR ts AS PUNCTUATED WHEN 1"),
         "PUNCTUATED WHEN needs a BOOLEAN, and 1 is BIGINT");
}

#define OPTIONS(list) "CREATE STREAM p (ts TIMESTAMP, WATERMARK FOR ts AS ts) WITH (" list ");"

static void options_are_checked(void **state)
{
    (void)state;
    says(OPTIONS("'partitions'='0'"), "'partitions' is a number from 1 to 128, not '0'");
    says(OPTIONS("'partitions'='four'"), "not 'four'");
    says(OPTIONS("'idle-timeout'='soon'"), "'idle-timeout' is a duration like 10 min");
    says(OPTIONS("'time'='wall'"), "'time' is event/ingestion/processing, not 'wall'");
    says(OPTIONS("'idle-timout'='1 s'"), "no option 'idle-timout' (did you mean idle-timeout?)");
    says(OPTIONS("'topic'='a', 'topic'='b'"), "option 'topic' is there twice");
    says(OPTIONS("'somebody-elses'='1'"),
         "OK line 1, column 62: warning: option 'somebody-elses' is not known");
}

static void computed_columns_see_those_before_them(void **state)
{
    (void)state;
    says(STREAM("a BIGINT, b AS a + 1, c AS b * 2, ts TIMESTAMP, WATERMARK FOR ts AS ts"), "OK");
    says(STREAM("b AS a + 1, a BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS ts"), "no column a");
    static const char sql[] = "CREATE STREAM p (a BIGINT, x BIGINT, b AS a + 1, c AS b * 2, "
                              "ts TIMESTAMP, WATERMARK FOR ts AS ts);"
                              "CREATE RULE r AS SELECT c FROM p;";
    char *got = compiled_script(sql, sizeof sql - 1);
    assert_non_null(strstr(got, "  reads      a, b, c\n"));
    mem_free(got);
}

int main(void)
{
    CHECK_RUN(TEST(a_schema_has_what_was_written), TEST(a_watermark_may_be_punctuated),
              TEST(wrong_columns_are_said_at_their_place), TEST(a_stream_has_one_time),
              TEST(options_are_checked), TEST(computed_columns_see_those_before_them));
}
