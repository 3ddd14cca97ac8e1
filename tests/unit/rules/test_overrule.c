/* SPDX-License-Identifier: Apache-2.0 */
/* Rules with OVER: calls become slots; what cannot be said is refused at its place. */
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

static void says(const char *select, const char *what)
{
    char *sql = mem_printf("%sCREATE RULE r AS\n%s;", compiled_stream, select);
    char *got = compiled_script(sql, strlen(sql));
    if (strstr(got, what) == NULL)
        fail_msg("%s\n  became\n%s\n  without\n%s", select, got, what);
    mem_free(got);
    mem_free(sql);
}

#define BY "OVER (PARTITION BY s ORDER BY ts"
#define HOUR " RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)"

static void calls_have_slots_and_equal_ones_share(void **state)
{
    (void)state;
    says("SELECT b, COUNT(*) " BY HOUR " AS n, SUM(m) FILTER (WHERE o) " BY
         " ROWS 3 PRECEDING) AS t,\n"
         "COUNT(*) " BY " RANGE INTERVAL '60' MINUTE PRECEDING) * 2 AS n2, ROW_NUMBER() " BY
         ") AS i,\n"
         "LAG(b, 2, 0) " BY ") AS l, MAX(DISTINCT k) " BY " ROWS UNBOUNDED PRECEDING) AS x\n"
         "FROM t WHERE d > 1 QUALIFY n > 3 AND AVG(b) " BY ") < b",
         "  key        s\n"
         "  slot #0    COUNT(*) OVER RANGE 1 h PRECEDING\n"
         "  slot #1    SUM(m) FILTER (WHERE o) OVER ROWS 3 PRECEDING\n"
         "  slot #2    ROW_NUMBER()\n"
         "  slot #3    LAG(b, 2, 0)\n"
         "  slot #4    MAX(DISTINCT k) OVER ROWS UNBOUNDED PRECEDING\n"
         "  slot #5    AVG(b) OVER RANGE UNBOUNDED PRECEDING\n"
         "  having     #0 > 3 AND #5 < CAST(b AS DOUBLE)\n"
         "  output     b BIGINT = b\n"
         "  output     n BIGINT = #0\n"
         "  output     t DECIMAL(18,2) = #1\n"
         "  output     n2 BIGINT = #0 * 2\n");
}

static void a_query_around_chooses_among_results(void **state)
{
    (void)state;
    says("SELECT x, n + 1 AS m FROM (SELECT b AS x, COUNT(*) " BY HOUR " AS n FROM t WHERE b > 1)\n"
         "WHERE n > 3 AND x < 9",
         "  where      b > 1\n"
         "  key        s\n"
         "  slot #0    COUNT(*) OVER RANGE 1 h PRECEDING\n"
         "  having     #0 > 3 AND b < 9\n"
         "  output     x BIGINT = b\n"
         "  output     m BIGINT = #0 + 1\n");
    says("SELECT * FROM (SELECT s AS who, ts AS at, b FROM t WHERE o)\n"
         "QUALIFY COUNT(*) OVER (PARTITION BY who ORDER BY at ROWS CURRENT ROW) > 0",
         "  where      o\n  key        s\n  slot #0    COUNT(*) OVER ROWS 0 PRECEDING\n");
}

static void what_over_cannot_say_is_refused(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"SELECT COUNT(*) OVER (PARTITION BY s) AS n FROM t", "OVER needs ORDER BY ts"},
        {"SELECT COUNT(*) OVER (ORDER BY b) AS n FROM t", "in order of time: ORDER BY ts"},
        {"SELECT COUNT(*) OVER (ORDER BY ts DESC) AS n FROM t", "ascending: no DESC"},
        {"SELECT COUNT(*) OVER (ORDER BY zs) AS n FROM t", "no column zs in stream t"},
        {"SELECT COUNT(*) " BY ") AS n, COUNT(*) OVER (ORDER BY ts) AS k FROM t",
         "all OVERs of a rule have the same PARTITION BY, and this one has another (make it two "
         "rules)"},
        {"SELECT COUNT(*) " BY " ROWS UNBOUNDED FOLLOWING) AS n FROM t",
         "FOLLOWING: the frame of OVER"},
        {"SELECT COUNT(*) " BY " ROWS BETWEEN 5 PRECEDING AND 2 PRECEDING) AS n FROM t",
         "the frame of OVER ends with the current row"},
        {"SELECT COUNT(*) " BY " ROWS INTERVAL '1' HOUR PRECEDING) AS n FROM t",
         "ROWS takes a whole number of rows here"},
        {"SELECT COUNT(*) " BY " RANGE 5 PRECEDING) AS n FROM t",
         "RANGE takes a constant INTERVAL, not negative here"},
        {"SELECT COUNT(*) " BY " ROWS 2000000 PRECEDING) AS n FROM t", "at most 1000000 rows"},
        {"SELECT LAG(b) " BY " ROWS 2 PRECEDING) AS n FROM t", "LAG takes no frame"},
        {"SELECT LAG(b, b) " BY ") AS n FROM t", "the second argument of LAG is a constant"},
        {"SELECT LAG(b, 1, 'x') " BY ") AS n FROM t", "LAG"},
        {"SELECT ROW_NUMBER(b) " BY ") AS n FROM t", "ROW_NUMBER takes no arguments"},
        {"SELECT UPPER(s) " BY ") AS n FROM t", "UPPER does not go with OVER"},
        {"SELECT SUM(s) " BY ") AS n FROM t", "SUM needs numbers"},
        {"SELECT SUM(COUNT(*) " BY ")) " BY ") AS n FROM t", "OVER cannot stand in"},
        {"SELECT b FROM t WHERE COUNT(*) " BY ") > 1",
         "OVER cannot stand in WHERE, which chooses the rows that it is about (use QUALIFY"},
        {"SELECT b FROM t QUALIFY b > 1", "QUALIFY is about calls with OVER, and there is none"},
        {"SELECT SUM(n) " BY ") AS x FROM (SELECT *, COUNT(*) " BY ") AS n FROM t)",
         "OVER cannot stand in a SELECT from one with OVER"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        says(list[i][0], list[i][1]);
}

int main(void)
{
    CHECK_RUN(TEST(calls_have_slots_and_equal_ones_share),
              TEST(a_query_around_chooses_among_results), TEST(what_over_cannot_say_is_refused));
}
