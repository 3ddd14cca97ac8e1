/* SPDX-License-Identifier: Apache-2.0 */
/* Window rules: keys and aggregates become slots; what is no group is refused. */
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

static char *explained(const char *with, const char *select)
{
    char *sql = mem_printf("%sCREATE RULE r %s AS\n%s;", compiled_stream, with, select);
    char *text = compiled_script(sql, strlen(sql));
    mem_free(sql);
    return text;
}

static void says(const char *with, const char *select, const char *what)
{
    char *got = explained(with, select);
    if (strstr(got, what) == NULL)
        fail_msg("%s %s\n  became\n%s\n  without\n%s", with, select, got, what);
    mem_free(got);
}

#define TUMBLE "FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE))"
#define GROUPED " GROUP BY s, window_start, window_end"

static void keys_windows_and_aggregates_have_their_slots(void **state)
{
    (void)state;
    says("WITH ('allowed-lateness'='5 min')",
         "SELECT s, o, window_end, COUNT(*) AS n, SUM(m) AS total, AVG(b) AS a, SUM(m) / COUNT(*) "
         "AS e\n"
         "FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' MINUTE, "
         "INTERVAL '-5' SECOND))\n"
         "WHERE b > 1 GROUP BY o, s, window_start, window_end, window_time\n"
         "HAVING COUNT(*) >= 10 AND SUM(m) > 3000.5 AND window_start > TIMESTAMP '2026-01-01'",
         "  reads      s, b, m, o\n"
         "  where      b > 1\n"
         "  group by   s, o\n"
         "  window     HOP of 1 min every 10 s, offset -5 s, late rows taken for 5 min\n"
         "  fires      when the watermark passes its end; again, as an update, for each late row\n"
         "  slots      #0 to #4: key, window_start, window_end, window_time\n"
         "  slot #5    COUNT(*)\n"
         "  slot #6    SUM(m)\n"
         "  slot #7    AVG(b)\n"
         "  having     #5 >= 10 AND #6 > 3000.50 AND #2 > TIMESTAMP '2026-01-01T00:00:00.000Z'\n"
         "  output     s STRING = #0\n"
         "  output     o BOOLEAN = #1\n"
         "  output     window_end TIMESTAMP(3) = #3\n"
         "  output     n BIGINT = #5\n"
         "  output     total DECIMAL(18,2) = #6\n"
         "  output     a DOUBLE = #7\n"
         "  output     e DECIMAL(18,6) = #6 / CAST(#5 AS DECIMAL(18,0))\n");
}

static void what_is_computed_from_a_row_or_a_window_may_be_a_group(void **state)
{
    (void)state;
    says("",
         "SELECT UPPER(s) AS u, LENGTH(UPPER(s)) AS l, o, HOUR(window_start) + LENGTH(UPPER(s)) AS "
         "h\n" TUMBLE
         " GROUP BY UPPER(s), window_start, HOUR(window_start), LENGTH(UPPER(s)), o, UPPER(s)",
         "  group by   o, UPPER(s), LENGTH(UPPER(s))\n"
         "  window     TUMBLE of 10 min\n"
         "  fires      when the watermark passes its end\n"
         "  slots      #0 to #5: key, window_start, window_end, window_time\n"
         "  output     u STRING = #1\n"
         "  output     l BIGINT = #2\n"
         "  output     o BOOLEAN = #0\n"
         "  output     h BIGINT = HOUR(#3) + #2\n");
    says("",
         "SELECT who, COUNT(*) AS n FROM TABLE(TUMBLE((SELECT UPPER(s) AS who, ts FROM t), "
         "DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY who, window_end HAVING who LIKE 'A%'",
         "  group by   who\n");
}

static void equal_aggregates_share_a_slot(void **state)
{
    (void)state;
    says("",
         "SELECT MAX(m) - MIN(m) AS spread, MAX(m) AS top, COUNT(1) AS n, COUNT(*) AS k,\n"
         " SUM(b) FILTER (WHERE o) AS f, UPPER(s) AS u " TUMBLE GROUPED,
         "  window     TUMBLE of 10 min\n"
         "  fires      when the watermark passes its end\n"
         "  slots      #0 to #3: key, window_start, window_end, window_time\n"
         "  slot #4    MAX(m)\n"
         "  slot #5    MIN(m)\n"
         "  slot #6    COUNT(*)\n"
         "  slot #7    SUM(b) FILTER (WHERE o)\n"
         "  output     spread DECIMAL(13,2) = #4 - #5\n"
         "  output     top DECIMAL(12,2) = #4\n"
         "  output     n BIGINT = #6\n"
         "  output     k BIGINT = #6\n"
         "  output     f BIGINT = #7\n"
         "  output     u STRING = UPPER(#0)\n");
}

static void aggregates_take_constants_after_their_argument(void **state)
{
    (void)state;
    says("",
         "SELECT APPROX_PERCENTILE(b, 0.95) AS p, LIST_AGG(s, ',') AS l, TOP(s, 3) AS t,\n"
         " APPROX_COUNT_DISTINCT(s) AS d, FIRST(o) AS f, COUNT(t.*) AS n, SUM(NULL) AS z " TUMBLE
             GROUPED,
         "  slot #4    APPROX_PERCENTILE(b, 0.95)\n"
         "  slot #5    LIST_AGG(s, ',')\n"
         "  slot #6    TOP(s, 3)\n"
         "  slot #7    APPROX_COUNT_DISTINCT(s)\n"
         "  slot #8    FIRST(o)\n"
         "  slot #9    COUNT(*)\n"
         "  slot #10   SUM(NULL)\n");
    says("", "SELECT LIST_AGG(s, s) AS l " TUMBLE GROUPED,
         "the second argument of LIST_AGG is a constant");
    says("", "SELECT TOP(s) AS l " TUMBLE GROUPED, "TOP takes two arguments, not 1");
    says("", "SELECT COUNT(DISTINCT *) AS l " TUMBLE GROUPED,
         "DISTINCT takes a value, not a whole row");
    says("", "SELECT COUNT(x.*) AS l " TUMBLE GROUPED, "no stream or alias x here");
    says("", "SELECT SUM(b) FILTER (WHERE b) AS l " TUMBLE GROUPED,
         "FILTER (WHERE ...) needs a BOOLEAN, and b is BIGINT");
}

static void a_select_may_stand_for_the_table(void **state)
{
    (void)state;
    says("",
         "SELECT who, COUNT(*) AS n FROM TABLE(TUMBLE((SELECT s AS who, ts, b + 1 AS c FROM t "
         "WHERE o), DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE c > 5 GROUP BY who, window_end",
         "  where      o AND b + 1 > 5\n"
         "  group by   s\n");
}

static void what_is_no_group_is_refused(void **state)
{
    (void)state;
    says("", "SELECT b, COUNT(*) AS n " TUMBLE GROUPED,
         "line 3, column 8: column b is neither in GROUP BY nor in an aggregate");
    says("", "SELECT * " TUMBLE GROUPED, "* cannot stand in a SELECT with GROUP BY");
    says("", "SELECT s, COUNT(*) AS n " TUMBLE " GROUP BY s",
         "GROUP BY must name window_start or window_end");
    says("", "SELECT s, b " TUMBLE " HAVING b > 1", "HAVING needs GROUP BY");
    says("", "SELECT COUNT(*) AS n " TUMBLE " GROUP BY s + 1, window_start",
         "s + 1: STRING + BIGINT does not work");
    says("", "SELECT COUNT(*) AS n " TUMBLE " GROUP BY COUNT(*), window_start",
         "COUNT cannot be used in GROUP BY");
    says("", "SELECT COUNT(*) AS n " TUMBLE " GROUP BY HOUR(window_start) + COUNT(*), window_start",
         "an aggregate cannot stand in GROUP BY");
    says("", "SELECT UPPER(s) AS n " TUMBLE " GROUP BY LOWER(s), window_start",
         "column s is neither in GROUP BY nor in an aggregate");
    says("", "SELECT COUNT(*) AS n " TUMBLE " GROUP BY window_start, HOUR(window_start) + b",
         "column b is neither in GROUP BY nor in an aggregate");
    says("", "SELECT SUM(COUNT(*)) AS n " TUMBLE GROUPED, "COUNT cannot be used in an aggregate");
    says("", "SELECT COUNT(*) AS n FROM t GROUP BY s", "GROUP BY needs a window");
    says("", "SELECT s FROM t HAVING o", "HAVING needs a window");
    says("", "SELECT COUNT(b, m) AS n " TUMBLE GROUPED, "COUNT takes one argument, not 2");
    says("", "SELECT SUM(*) AS n " TUMBLE GROUPED, "SUM takes a value, not a whole row");
    says("", "SELECT SUM(s) AS n " TUMBLE GROUPED, "SUM needs numbers, and s is STRING");
    says("", "SELECT MAX(o) AS n " TUMBLE GROUPED,
         "MAX needs what can be ordered, and o is BOOLEAN");
    says("", "SELECT FINAL SUM(b) AS n " TUMBLE GROUPED,
         "RUNNING and FINAL belong to MATCH_RECOGNIZE");
    says("", "SELECT s, window_start, COUNT(*) AS S " TUMBLE GROUPED,
         "the result has two columns S");
}

#define OF(window) "SELECT COUNT(*) AS n FROM TABLE(" window ") GROUP BY window_start"

static void windows_have_a_size_and_the_stream_s_time(void **state)
{
    (void)state;
    says("", OF("TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '0' SECOND)"), "the sizes of TUMBLE");
    says("", OF("HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)"),
         "HOP takes 2 to 3 more arguments, not 1");
    says("", OF("TUMBLE(TABLE t, DESCRIPTOR(b), INTERVAL '1' SECOND)"),
         "column 60: b is not the time of stream t; that is ts");
    says("", OF("TUMBLE(TABLE t, DESCRIPTOR(tz), INTERVAL '1' SECOND)"),
         "no column tz in stream t, whose time is ts");
    says("", OF("TUMBLE(TABLE t, INTERVAL '1' SECOND)"),
         "the second argument of TUMBLE is DESCRIPTOR(ts)");
    says("", OF("TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '1' SECOND)"), "no stream u");
    says("", OF("TUMBLE(TABLE t, DESCRIPTOR(ts), 10)"), "TUMBLE takes a constant INTERVAL here");
    says("", OF("TUMBLE(t, DESCRIPTOR(ts), INTERVAL '1' SECOND)"),
         "the first argument of TUMBLE is TABLE and a stream's name");
    says("", OF("HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '0.001' SECOND, INTERVAL '1' DAY)"),
         "LIMIT line 3, column 33: a row would be in 86400000 windows at once");
    says("", OF("TUMBL(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)"), "(did you mean TUMBLE?)");
}

static void windows_of_every_kind_have_their_words(void **state)
{
    (void)state;
    says("", OF("CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '5' SECOND)"),
         "window     CUMULATE of 5 s every 1 s\n  fires      when the watermark passes its end\n");
    says("", OF("SESSION(TABLE t PARTITION BY s, DESCRIPTOR(ts), INTERVAL '1' SECOND)"),
         "SESSION until a gap of 1 s");
    says("", OF("SESSION(TABLE t PARTITION BY (s, b), DESCRIPTOR(ts), b)"),
         "SESSION until as long a gap as each row says");
    says("", OF("SESSION(TABLE t PARTITION BY s, b, DESCRIPTOR(ts), INTERVAL '1' SECOND)"),
         "group by   s, b");
    says("",
         "SELECT s, COUNT(*) AS n FROM TABLE(COUNT_TUMBLE(TABLE t PARTITION BY s, 5)) GROUP BY s",
         "COUNT_TUMBLE of 5 rows\n  fires      after each 5 rows, in order of arrival\n");
    says("", "SELECT COUNT(*) AS n FROM TABLE(COUNT_HOP(TABLE t PARTITION BY s, 2, 4)) GROUP BY s",
         "COUNT_HOP of 4 rows every 2");
    says("WITH ('trigger'='continuous 3 s')",
         "SELECT s, COUNT(*) AS n FROM TABLE(GLOBAL(TABLE t)) GROUP BY s",
         "GLOBAL\n  fires      at multiples of 3 s\n");
    says("",
         "SELECT s, window_end FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))",
         "filter over stream t");
}

static void groups_finer_than_the_partition_divide_a_window(void **state)
{
    (void)state;
    says("",
         "SELECT s, o, COUNT(*) AS n FROM TABLE(COUNT_TUMBLE(TABLE t PARTITION BY s, 3)) GROUP BY "
         "s, o, s",
         "  group by   s, o\n"
         "  window     COUNT_TUMBLE of 3 rows\n"
         "  fires      after each 3 rows, in order of arrival\n"
         "  slots      #0 to #3: key, window_start, window_end, window_time\n"
         "  slot #4    FIRST(o)\n"
         "  slot #5    COUNT(*)\n"
         "  output     s STRING = #0\n"
         "  output     o BOOLEAN = #4\n"
         "  output     n BIGINT = #5\n");
}

static void options_say_when_windows_fire_and_of_what(void **state)
{
    (void)state;
    says("WITH ('trigger'='count 4')", "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "fires      after each 4 rows, in order of arrival\n");
    says("WITH ('trigger'='event-time', 'purge'='false')", "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "slot #4    COUNT(*)");
    says("WITH ('evictor'='count 4 after', 'purge'='true')", "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "; of its last 4 rows, the others dropped afterwards; then it is empty");
    says("WITH ('evictor'='time 2 s', 'allowed-lateness'='5 s')",
         "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "; again, as an update, for each late row; of rows less than 2 s older than its newest");
    says("WITH ('trigger'='processing-time')", "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "when the clock passes its end");
    says("WITH ('trigger'='punctuated')", "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "whenever the watermark rises, if rows have come");
    says("WITH ('evictor'='count none')", "SELECT COUNT(*) AS n " TUMBLE GROUPED,
         "INVALID line 2, column 31: 'evictor' is count N or time 10 s, either with `after`");
}

static void what_has_no_meaning_is_refused(void **state)
{
    (void)state;
    says("", OF("SESSION(TABLE t PARTITION BY s, DESCRIPTOR(ts), INTERVAL '0' SECOND)"),
         "the gap of SESSION must be an INTERVAL longer than nothing");
    says("", OF("SESSION(TABLE t, DESCRIPTOR(ts), s)"), "the gap of SESSION is an INTERVAL");
    says("", OF("TUMBLE(TABLE t PARTITION BY s, DESCRIPTOR(ts), INTERVAL '1' SECOND)"),
         "TUMBLE takes no PARTITION BY");
    says("", OF("COUNT_TUMBLE(TABLE t PARTITION BY s, 0)"), "takes a number of rows here, from 1");
    says("", "SELECT s FROM TABLE(COUNT_TUMBLE(TABLE t PARTITION BY s, 3))",
         "windows of counted rows have no bounds");
    says("WITH ('trigger'='punctuated')",
         OF("SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)") ", s",
         "finer than the PARTITION BY of SESSION, with a 'trigger'");
    says("WITH ('allowed-lateness'='4 s')",
         OF("SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)") ", s",
         "finer than the PARTITION BY of SESSION, with 'allowed-lateness'");
    says("WITH ('trigger'='count 4')",
         "SELECT COUNT(*) AS n FROM TABLE(COUNT_TUMBLE(TABLE t PARTITION BY s, 3)) GROUP BY s",
         "'trigger' has no meaning for this window");
    says("WITH ('allowed-lateness'='4 s')", "SELECT s, b " TUMBLE,
         "'allowed-lateness' has no meaning for this window");
    says("WITH ('trigger'='processing-time')",
         "SELECT COUNT(*) AS n FROM TABLE(GLOBAL(TABLE t)) GROUP BY s", "has no meaning");
}

static void warns(const char *select, const char *what)
{
    char *sql = mem_printf("%sCREATE RULE r AS\n%s;", compiled_stream, select);
    char *got = compiled_said(sql, strlen(sql), NULL);
    if (strstr(got, what) == NULL)
        fail_msg("%s\n  said\n%s\n  without\n%s", select, got, what);
    mem_free(got);
    mem_free(sql);
}

static void state_without_bound_is_warned_of(void **state)
{
    (void)state;
    warns("SELECT COUNT(*) AS n FROM TABLE(GLOBAL(TABLE t)) GROUP BY s",
          "GLOBAL without a trigger gives a result only when the input ends");
    warns("SELECT COUNT(*) AS n FROM TABLE(COUNT_TUMBLE(TABLE t PARTITION BY s, 3)) GROUP BY s",
          "every key that ever came is kept");
    warns(OF("SESSION(TABLE t PARTITION BY s, DESCRIPTOR(ts), b)"),
          "the state has no bound but what the rows say");
}

int main(void)
{
    CHECK_RUN(TEST(keys_windows_and_aggregates_have_their_slots),
              TEST(what_is_computed_from_a_row_or_a_window_may_be_a_group),
              TEST(equal_aggregates_share_a_slot),
              TEST(aggregates_take_constants_after_their_argument),
              TEST(a_select_may_stand_for_the_table), TEST(what_is_no_group_is_refused),
              TEST(windows_have_a_size_and_the_stream_s_time),
              TEST(windows_of_every_kind_have_their_words),
              TEST(groups_finer_than_the_partition_divide_a_window),
              TEST(options_say_when_windows_fire_and_of_what), TEST(what_has_no_meaning_is_refused),
              TEST(state_without_bound_is_warned_of));
}
