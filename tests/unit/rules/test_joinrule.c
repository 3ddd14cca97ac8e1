/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"
#include <string.h>

/* Both streams of the rules here, and what stands around ON. */
static const char *const around =
    "CREATE STREAM l (k STRING, n BIGINT, d DECIMAL(8,2), b BOOLEAN, ts TIMESTAMP(3) NOT NULL, "
    "WATERMARK FOR ts AS ts);\n"
    "CREATE STREAM r (k STRING, n BIGINT, e DECIMAL(9,3), u STRING NOT NULL, ts TIMESTAMP(3), "
    "WATERMARK FOR ts AS ts);\n"
    "CREATE RULE j AS SELECT a.k, b.n FROM l AS a %sJOIN r AS b ON %s;";

static char *explained(const char *kind, const char *on)
{
    char *sql = mem_printf(around, kind, on);
    char *got = compiled_script(sql, strlen(sql));
    mem_free(sql);
    return got;
}

static void expect(const char *kind, const char *on, const char *part)
{
    char *got = explained(kind, on);
    if (strstr(got, part) == NULL)
        fail_msg("ON %s\n  wanted %s\n  in %s", on, part, got);
    mem_free(got);
}

static void bounds_are_found_however_they_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *on, *time;
    } list[] = {
        {"b.ts BETWEEN a.ts - INTERVAL '5' SECOND AND a.ts + INTERVAL '6' SECOND",
         "b.ts from 5 s before a.ts to 6 s after a.ts"},
        {"a.ts BETWEEN b.ts - INTERVAL '5' SECOND AND b.ts + INTERVAL '6' SECOND",
         "b.ts from 6 s before a.ts to 5 s after a.ts"},
        {"b.ts > a.ts AND b.ts < a.ts + INTERVAL '1' SECOND",
         "b.ts from 1 ms after a.ts to 999 ms after a.ts"},
        {"a.ts + INTERVAL '1' HOUR > b.ts AND INTERVAL '1' DAY + b.ts >= a.ts",
         "b.ts from 1 d before a.ts to 3599999 ms after a.ts"},
        {"b.ts - a.ts <= INTERVAL '5' SECOND AND a.ts - b.ts <= INTERVAL '0.5' SECOND",
         "b.ts from 500 ms before a.ts to 5 s after a.ts"},
        {"a.ts = b.ts", "b.ts = a.ts"},
        {"a.ts + INTERVAL '2' SECOND = b.ts", "b.ts = 2 s after a.ts"},
        {"a.ts IS NOT DISTINCT FROM b.ts", "b.ts = a.ts"},
        {"b.ts >= a.ts AND b.ts >= a.ts + INTERVAL '1' SECOND AND b.ts <= a.ts + INTERVAL '1' "
         "MINUTE AND b.ts < a.ts + INTERVAL '2' MINUTE",
         "b.ts from 1 s after a.ts to 1 min after a.ts"},
        {"b.ts > a.ts AND b.ts < a.ts", "b.ts in no time: the bounds exclude each other"},
        {"-(a.ts - b.ts) BETWEEN INTERVAL '0' SECOND AND INTERVAL '9' SECOND",
         "b.ts from a.ts to 9 s after a.ts"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *on = mem_printf("a.k = b.k AND %s", list[i].on);
        char *time = mem_printf("time       %s\n", list[i].time);
        expect("", on, time);
        mem_free(on);
        mem_free(time);
    }
}

static void what_bounds_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"a.k = b.k", "JOIN needs bounds of time: ON must say how long before and after a.ts b.ts"},
        {"a.k = b.k AND b.ts > a.ts", "JOIN needs an upper bound of time"},
        {"a.k = b.k AND b.ts <= a.ts", "JOIN needs a lower bound of time"},
        {"a.k = b.k AND (b.ts = a.ts OR a.n = 1)", "JOIN needs bounds of time"},
        {"a.k = b.k AND a.ts + (b.ts - a.ts) = a.ts + (b.ts - a.ts)", "JOIN needs bounds of time"},
        {"a.k = b.k AND b.ts NOT BETWEEN a.ts AND a.ts", "JOIN needs bounds of time"},
        {"a.k = b.n AND a.ts = b.ts", "a.k cannot be compared with b.n"},
        {"a.k = b.k AND a.ts = c.ts", "no stream or alias c here"},
        {"a.k = b.k AND n = 1 AND a.ts = b.ts", "column n is in more than one stream"},
        {"a.k", "ON needs a BOOLEAN"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        expect("", list[i][0], list[i][1]);
    expect("", "a.k = b.k AND b.ts > a.ts",
           "BETWEEN a.ts - INTERVAL '1' HOUR AND a.ts + INTERVAL '1' HOUR");
}

static void equalities_are_keys(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"b.k = a.k AND a.ts = b.ts", "key        a.k = b.k\n"},
        {"a.k = b.k AND b.n = a.n AND a.ts = b.ts", "key        a.k = b.k, a.n = b.n\n"},
        {"a.d = b.e AND a.ts = b.ts", "key        a.d = b.e\n"},
        {"a.n = b.e AND a.ts = b.ts", "key        a.n = b.e\n"},
        {"UPPER(a.k) = b.k || 'x' AND a.ts = b.ts", "key        UPPER(a.k) = b.k || 'x'\n"},
        {"a.k IS NOT DISTINCT FROM b.k AND a.ts = b.ts", "key        a.k = b.k\n"},
        {"(a.k IS NULL AND b.k IS NULL OR b.k = a.k) AND a.ts = b.ts", "key        a.k = b.k\n"},
        {"(a.k IS NULL AND b.u IS NULL OR b.k = a.k) AND a.ts = b.ts",
         "key        none: on one worker\n"},
        {"a.n + b.n = 3 AND a.ts = b.ts", "key        none: on one worker\n"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        expect("", list[i][0], list[i][1]);
}

static void what_one_side_decides_is_asked_where_its_rows_come_from(void **state)
{
    (void)state;
    const char *on = "a.k = b.u AND a.ts = b.ts AND a.n > 1 AND b.n > 2 AND a.n < b.n";
    expect("", on, "    rows     a.k IS NOT NULL AND a.n > 1\n");
    expect("", on, "    rows     b.n > 2\n");
    expect("", on, "  on         a.n < b.n\n");
    expect("LEFT ", on, "    partner  a.k IS NOT NULL AND a.n > 1\n");
    expect("LEFT ", on, "    rows     b.n > 2\n");
    on = "a.k = b.u AND a.ts = b.ts WHERE a.n > 1 AND b.n IS NULL AND a.n < b.n";
    expect("", on, "    rows     a.k IS NOT NULL AND a.n > 1\n");
    expect("", on, "    rows     b.n IS NULL\n");
    expect("LEFT ", on, "    rows     a.n > 1\n");
    expect("LEFT ", on, "  where      b.n IS NULL AND a.n < b.n\n");
    expect("", "a.ts = b.ts WHERE a.k = b.k", "key        a.k = b.k\n");
    expect("LEFT ", "a.ts = b.ts WHERE a.k = b.k", "key        none: on one worker\n");
}

static void joins_of_other_forms_are_refused_with_a_way_out(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"SELECT a.k FROM l a RIGHT JOIN r b ON a.k = b.k AND a.ts = b.ts", "write LEFT JOIN"},
        {"SELECT a.k FROM l a FULL JOIN r b ON a.k = b.k AND a.ts = b.ts", "as two rules"},
        {"SELECT l.k FROM l JOIN l ON l.k = l.k", "both sides of the join are called l"},
        {"SELECT a.k FROM l a JOIN r b ON a.ts = b.ts JOIN r c ON a.ts = c.ts",
         "a join is of two streams"},
        {"SELECT a.k FROM l a JOIN r b ON a.k = b.k AND a.ts = b.ts GROUP BY a.k",
         "GROUP BY needs a window"},
        {"SELECT a.k, b.k FROM l a JOIN r b ON a.k = b.k AND a.ts = b.ts",
         "the result has two columns k"},
        {"SELECT * FROM l a JOIN r b ON a.k = b.k AND a.ts = b.ts", "the result has two columns k"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *sql = mem_printf(around, "", "a.ts = b.ts; CREATE RULE x AS ");
        sql[strlen(sql) - 1] = '\0';
        char *whole = mem_printf("%s %s;", sql, list[i][0]);
        enum err e;
        char *got = compiled_said(whole, strlen(whole), &e);
        if (e == ERR_OK || strstr(got, list[i][1]) == NULL)
            fail_msg("%s\n  said %s", list[i][0], got);
        mem_free(got);
        mem_free(whole);
        mem_free(sql);
    }
}

static void an_odd_join_is_told_as_a_warning(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"a.ts = b.ts", "JOIN without an equality: all rows of both streams meet on one worker"},
        {"a.k = b.k AND b.ts > a.ts AND b.ts < a.ts", "the join finds no pair"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *sql = mem_printf(around, "", list[i][0]);
        enum err e;
        char *got = compiled_said(sql, strlen(sql), &e);
        assert_ok(e);
        if (strstr(got, list[i][1]) == NULL)
            fail_msg("%s\n  said %s", list[i][0], got);
        mem_free(got);
        mem_free(sql);
    }
}

static const char *const with_list =
    "CREATE STREAM l (k STRING, n BIGINT, d DECIMAL(8,2), ts TIMESTAMP(3) NOT NULL, WATERMARK FOR "
    "ts AS ts);\n"
    "CREATE LIST c (k STRING PRIMARY KEY, level BIGINT, vip BOOLEAN);\n"
    "CREATE RULE x AS SELECT %s;";

static void columns_of_a_list_are_looked_up_by_its_key(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"a.n, c.level FROM l AS a JOIN c FOR SYSTEM_TIME AS OF a.ts ON c.k = a.k",
         "  where      k IN LIST c\n  output     n BIGINT = n\n"
         "  output     level BIGINT = c[k].level\n"},
        {"n, z.level FROM l LEFT JOIN c FOR SYSTEM_TIME AS OF ts AS z ON UPPER(l.k) = z.k",
         "rule x: filter over stream l\n  mode       active, severity medium\n"
         "  reads      k, n\n  output     n BIGINT = n\n"
         "  output     level BIGINT = c[UPPER(k)].level\n"},
        {"level FROM l JOIN c FOR SYSTEM_TIME AS OF ts ON c.k = l.k AND level > n AND vip",
         "where      k IN LIST c AND c[k].level > n AND c[k].vip\n"},
        {"level FROM l LEFT JOIN c FOR SYSTEM_TIME AS OF ts ON c.k = l.k AND n > 1",
         "output     level BIGINT = CASE WHEN n > 1 THEN c[k].level ELSE NULL END\n"},
        {"level FROM l JOIN c FOR SYSTEM_TIME AS OF ts ON level = 1",
         "ON needs an equality with c.k"},
        {"level FROM l JOIN c FOR SYSTEM_TIME AS OF ts ON c.k = l.k OR n = 1",
         "ON needs an equality with c.k"},
        {"level FROM l JOIN c FOR SYSTEM_TIME AS OF ts ON c.k = l.n",
         "the keys of list c are STRING, and l.n is BIGINT"},
        {"level FROM l JOIN c FOR SYSTEM_TIME AS OF n ON c.k = l.k", "takes the stream's time, ts"},
        {"level FROM l JOIN d FOR SYSTEM_TIME AS OF ts ON d.k = l.k", "no list or table d"},
        {"l.k FROM l JOIN l FOR SYSTEM_TIME AS OF ts AS m ON m.k = l.k",
         "l is a stream: it is joined by its times, and not looked up"},
        {"l.k FROM l RIGHT JOIN c FOR SYSTEM_TIME AS OF ts ON c.k = l.k",
         "RIGHT JOIN with a list cannot be done"},
        {"l.*, c.level FROM l JOIN c FOR SYSTEM_TIME AS OF ts ON c.k = l.k",
         "output     ts TIMESTAMP(3) = ts\n  output     level BIGINT = c[k].level\n"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *sql = mem_printf(with_list, list[i][0]);
        char *got = compiled_script(sql, strlen(sql));
        if (strstr(got, list[i][1]) == NULL)
            fail_msg("%s\n  became %s", list[i][0], got);
        mem_free(got);
        mem_free(sql);
    }
}

#define TUMBLED(t, size) "TABLE(TUMBLE(TABLE " t ", DESCRIPTOR(ts), INTERVAL '" size "' SECOND))"

static void windows_are_joined_when_both_are_the_same(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"SELECT a.k, b.window_start FROM " TUMBLED("l", "5") " AS a JOIN " TUMBLED(
             "r", "5") " AS b ON a.k = b.k AND a.window_start = b.window_start AND a.n > 1",
         "    rows     a.k IS NOT NULL AND a.n > 1\n  right      r AS b: reads k\n"
         "    rows     b.k IS NOT NULL\n  key        a.k = b.k\n"
         "  time       in the same window, TUMBLE of 5 s\n"
         "  output     k STRING = a.k\n  output     window_start TIMESTAMP(3) = b.window_start\n"},
        {"SELECT a.k, a.w FROM (SELECT k, window_end AS w, window_start FROM " TUMBLED(
             "l", "5") " WHERE window_end > TIMESTAMP '2026-01-01 00:00:00') AS a LEFT "
                       "JOIN " TUMBLED("r", "5") " AS b "
                                                 "ON a.k = b.k AND a.window_start = b.window_start "
                                                 "AND b.window_time > b.ts",
         "  on         b.window_time > b.ts\n"
         "  outer      a row of a without partner is given by itself\n"
         "  where      a.window_end > TIMESTAMP '2026-01-01T00:00:00.000Z'\n"},
        {"SELECT a.k FROM " TUMBLED("l", "5") " AS a JOIN " TUMBLED("r", "5") " AS b ON a.k = b.k",
         "JOIN of windows: ON must say that both rows are in the same window"},
        {"SELECT a.k FROM " TUMBLED("l", "5") " AS a JOIN " TUMBLED(
             "r", "6") " AS b ON a.k = b.k AND a.window_start = b.window_start",
         "the windows of a and b are not the same"},
        {"SELECT a.k FROM " TUMBLED("l", "5") " AS a JOIN r AS b ON a.k = b.k AND a.ts = b.ts",
         "rows of windows are joined with rows of windows"},
        {"SELECT a.k FROM TABLE(SESSION(TABLE l PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' "
         "SECOND)) AS a JOIN " TUMBLED("r", "5") " AS b ON a.window_start = b.window_start",
         "SESSION in a join: its windows are of each key's own"},
        {"SELECT a.k FROM (SELECT k, window_start, COUNT(*) AS c FROM " TUMBLED(
             "l", "5") " GROUP BY k, window_start) AS a JOIN " TUMBLED("r", "5") " AS b "
                                                                                 "ON a.k = b.k",
         "rows of windows are joined, not their sums"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *streams = mem_printf(around, "", "a.ts = b.ts");
        *strstr(streams, "CREATE RULE") = '\0';
        char *sql = mem_printf("%sCREATE RULE w AS %s;", streams, list[i][0]);
        char *got = compiled_script(sql, strlen(sql));
        if (strstr(got, list[i][1]) == NULL)
            fail_msg("%s\n  became %s", list[i][0], got);
        mem_free(got);
        mem_free(sql);
        mem_free(streams);
    }
}

int main(void)
{
    CHECK_RUN(TEST(bounds_are_found_however_they_are_written), TEST(what_bounds_nothing_is_refused),
              TEST(equalities_are_keys),
              TEST(what_one_side_decides_is_asked_where_its_rows_come_from),
              TEST(joins_of_other_forms_are_refused_with_a_way_out),
              TEST(an_odd_join_is_told_as_a_warning),
              TEST(columns_of_a_list_are_looked_up_by_its_key),
              TEST(windows_are_joined_when_both_are_the_same));
}
