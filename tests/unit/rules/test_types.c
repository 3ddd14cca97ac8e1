/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions as they are typed, cast and folded: each with what it becomes. */
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

struct example {
    const char *text, *becomes;
};

static void hold(const struct example *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *got = compiled_expression(e[i].text);
        if (strcmp(got, e[i].becomes) != 0)
            fail_msg("%s\n  became  %s\n  and not %s", e[i].text, got, e[i].becomes);
        mem_free(got);
    }
}
#define HOLD(list) hold(list, sizeof(list) / sizeof *(list))

static void numbers_have_the_type_they_are_written_with(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"12", "BIGINT 12"},
        {"1.50", "DECIMAL(3,2) 1.50"},
        {".5", "DECIMAL(1,1) 0.5"},
        {"007.10", "DECIMAL(3,2) 7.10"},
        {"1e3", "DOUBLE 1000"},
        {"0.1234567890123456789", "DOUBLE 0.12345678901234568"},
        {"-9223372036854775808", "BIGINT -9223372036854775808"},
        {"9223372036854775808",
         "INVALID line 2, column 25: 9223372036854775808 is too large for BIGINT (a number that "
         "need not be exact can be written as 1e20)"},
        {"1e400", "INVALID line 2, column 25: 1e400 is not a number that a DOUBLE can hold"},
        {"12abc", "INVALID line 2, column 25: 12abc is neither a number nor a name"},
    };
    HOLD(list);
}

static void arithmetic_widens_without_losing_digits(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"b + 1", "BIGINT b + 1"},
        {"b + 1.5", "DECIMAL(18,1) CAST(b AS DECIMAL(18,1)) + 1.5"},
        {"m + 1", "DECIMAL(13,2) m + 1.00"},
        {"m + k", "DECIMAL(15,4) CAST(m AS DECIMAL(18,4)) + k"},
        {"m * m", "DECIMAL(18,4) m * m"},
        {"m / 2", "DECIMAL(16,6) m / 2"},
        {"b / 2", "BIGINT b / 2"},
        {"d + m", "DOUBLE d + CAST(m AS DOUBLE)"},
        {"b % 3", "BIGINT b % 3"},
        {"MOD(b, 3)", "BIGINT b % 3"},
        {"-m", "DECIMAL(12,2) -m"},
        {"s + 1", "INVALID line 2, column 25: s + 1: STRING + BIGINT does not work"},
        {"-s", "INVALID line 2, column 25: - needs a number or an interval, and s is STRING"},
        {"o * 2", "INVALID line 2, column 25: o * 2: BOOLEAN * BIGINT does not work"},
    };
    HOLD(list);
}

static void constants_are_computed(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"1 + 2 * 3", "BIGINT 7"},
        {"1.5 * 2", "DECIMAL(3,1) 3.0"},
        {"7 / 2", "BIGINT 3"},
        {"7 / 0", "BIGINT NULL"},
        {"- -5", "BIGINT 5"},
        {"'a' || 'b'", "STRING 'ab'"},
        {"UPPER('abc')", "STRING 'ABC'"},
        {"CAST('12' AS BIGINT)", "BIGINT 12"},
        {"TRY_CAST('x' AS BIGINT)", "BIGINT NULL"},
        {"CAST('x' AS BIGINT)",
         "INVALID line 2, column 25: 'x' cannot be cast to BIGINT (TRY_CAST gives NULL instead)"},
        {"NULL + 1", "BIGINT NULL"},
        {"b = NULL", "BOOLEAN NULL"},
        {"NULL IS NULL", "BOOLEAN TRUE"},
        {"CASE WHEN TRUE THEN b ELSE 2 END", "BIGINT b"},
        {"CASE WHEN FALSE THEN 1 END", "BIGINT NULL"},
        {"COALESCE(NULL, 1, b)", "BIGINT 1"},
    };
    HOLD(list);
}

static void times_and_spans_of_time_compute(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"ts - INTERVAL '1' DAY", "TIMESTAMP(3) ts - INTERVAL '86400' SECOND"},
        {"INTERVAL '1' DAY + ts", "TIMESTAMP(3) ts + INTERVAL '86400' SECOND"},
        {"ts - ts", "INTERVAL ts - ts"},
        {"2 * INTERVAL '1' HOUR", "INTERVAL INTERVAL '7200' SECOND"},
        {"INTERVAL '1' DAY / 2", "INTERVAL INTERVAL '43200' SECOND"},
        {"INTERVAL '1 06:30:00.5' DAY TO SECOND", "INTERVAL INTERVAL '109800.500' SECOND"},
        {"INTERVAL '25:00' HOUR TO MINUTE", "INTERVAL INTERVAL '90000' SECOND"},
        {"INTERVAL '-8' HOURS", "INTERVAL INTERVAL '-28800' SECOND"},
        {"INTERVAL '0.004' SECOND", "INTERVAL INTERVAL '0.004' SECOND"},
        {"TIMESTAMP '2026-01-31 12:00:00'", "TIMESTAMP(3) TIMESTAMP '2026-01-31T12:00:00.000Z'"},
        {"TIMESTAMP 'noon'", "INVALID line 2, column 25: 'noon' is not a time (like TIMESTAMP "
                             "'2026-01-31 12:00:00.000')"},
        {"INTERVAL '1:70' HOUR TO MINUTE",
         "INVALID line 2, column 34: '1:70' is not an interval of this kind (like INTERVAL '1 "
         "06:30:00' DAY TO SECOND)"},
        {"INTERVAL '1' MINUT",
         "INVALID line 2, column 38: no unit of time MINUT (did you mean MINUTE?)"},
        {"INTERVAL '1' MONTH",
         "INVALID line 2, column 38: an interval in YEAR or MONTH has no fixed length (count in "
         "DAYs)"},
        {"INTERVAL '1' SECOND TO HOUR",
         "INVALID line 2, column 25: an interval goes from a unit to a smaller one"},
        {"ts + ts",
         "INVALID line 2, column 25: ts + ts: TIMESTAMP(3) + TIMESTAMP(3) does not work"},
    };
    HOLD(list);
}

static void choices_have_one_type(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"CASE WHEN b > 1 THEN 1 WHEN o THEN 2.5 END",
         "DECIMAL(2,1) CASE WHEN b > 1 THEN 1.0 WHEN o THEN 2.5 ELSE NULL END"},
        {"CASE b WHEN 1 THEN 'one' ELSE s END", "STRING CASE WHEN b = 1 THEN 'one' ELSE s END"},
        {"COALESCE(b, m, 0)", "DECIMAL(18,2) COALESCE(CAST(b AS DECIMAL(18,2)), m, 0.00)"},
        {"NULLIF(b, 0)", "BIGINT CASE WHEN b = 0 THEN NULL ELSE b END"},
        {"IF(o, 1, 2)", "BIGINT CASE WHEN o THEN 1 ELSE 2 END"},
        {"IFNULL(s, '')", "STRING COALESCE(s, '')"},
        {"GREATEST(b, m, 1.555)", "DECIMAL(18,3) GREATEST(CAST(b AS DECIMAL(18,3)), CAST(m AS "
                                  "DECIMAL(18,3)), 1.555)"},
        {"CASE WHEN o THEN 1 ELSE 'x' END",
         "INVALID line 2, column 25: CASE: 1 is BIGINT, but 'x' is STRING"},
        {"CASE WHEN b THEN 1 END",
         "INVALID line 2, column 35: WHEN needs a BOOLEAN, and b is BIGINT"},
    };
    HOLD(list);
}

static void functions_check_their_arguments(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"SUBSTRING(s FROM 1 FOR 2)", "STRING SUBSTRING(s, 1, 2)"},
        {"SUBSTR(s, 2)", "STRING SUBSTRING(s, 2)"},
        {"CONCAT(s, 'x', s)", "STRING s || 'x' || s"},
        {"SQRT(m)", "DOUBLE SQRT(CAST(m AS DOUBLE))"},
        {"ROUND(m, 1)", "DECIMAL(12,2) ROUND(m, 1)"},
        {"EXTRACT(HOUR FROM ts)", "BIGINT HOUR(ts)"},
        {"char_length(s)", "BIGINT LENGTH(s)"},
        {"UPPER(b)", "INVALID line 2, column 31: UPPER needs a text, and b is BIGINT"},
        {"LENGTH(s, 1)", "INVALID line 2, column 25: LENGTH takes 1 argument, not 2"},
        {"SUBSTRING(s)", "INVALID line 2, column 25: SUBSTRING takes from 2 to 3 arguments, not 1"},
        {"LOWERR(s)", "INVALID line 2, column 25: no function LOWERR (did you mean LOWER?)"},
        {"LOWER(DISTINCT s)",
         "INVALID line 2, column 25: DISTINCT belongs to aggregates, and LOWER is none"},
        {"LAG(b)", "INVALID line 2, column 25: LAG needs OVER (PARTITION BY ... ORDER BY ...)"},
        {"COALESCE()", "INVALID line 2, column 25: COALESCE needs an argument"},
        {"NULLIF(b)", "INVALID line 2, column 25: NULLIF takes 2 arguments, not 1"},
        {"CONCAT('a')", "STRING 'a'"},
        {"ENDS_WITH(s, 'x') AND STARTS_WITH(s, NULL)",
         "BOOLEAN ENDS_WITH(s, 'x') AND STARTS_WITH(s, NULL)"},
        {"POWER(b, 2)", "DOUBLE POWER(CAST(b AS DOUBLE), 2)"},
        {"HOUR(b)", "INVALID line 2, column 30: HOUR needs a TIMESTAMP, and b is BIGINT"},
        {"LOWER(s FROM 1)", "INVALID line 2, column 25: LOWER does not take FROM"},
        {"GREATEST(b, s)", "INVALID line 2, column 25: GREATEST: b is BIGINT, but s is STRING"},
        {"CAST(ts AS BIGINT)", "BIGINT CAST(ts AS BIGINT)"},
        {"CAST(b AS TIMESTAMP)", "TIMESTAMP(3) CAST(b AS TIMESTAMP(3))"},
        {"CAST(m AS DECIMAL(10,2))", "DECIMAL(10,2) CAST(m AS DECIMAL(10,2))"},
        {"CAST(NULL AS STRING)", "STRING NULL"},
        {"LOWER(*)", "INVALID line 2, column 31: LOWER takes values, not a whole row"},
        {"s || b", "INVALID line 2, column 30: || joins texts, and b is BIGINT (CAST(... AS "
                   "STRING) makes a text of it)"},
        {"SUM(b)", "INVALID line 2, column 25: SUM cannot be used in SELECT (aggregates need a "
                   "window: FROM TABLE(TUMBLE(TABLE ...)) and GROUP BY)"},
        {"CAST(o AS DOUBLE)",
         "INVALID line 2, column 25: o is BOOLEAN, which cannot be cast to DOUBLE"},
        {"CAST(b AS DECIMAL(19,2))",
         "INVALID line 2, column 43: a DECIMAL has 1 to 18 digits, not 19"},
        {"CAST(b AS DECIMAL(4,5))",
         "INVALID line 2, column 45: the scale of a DECIMAL is at most its 4 digits, not 5"},
        {"CAST(b AS BIGNIT)", "INVALID line 2, column 35: no type BIGNIT (did you mean BIGINT?)"},
    };
    HOLD(list);
}

int main(void)
{
    CHECK_RUN(TEST(numbers_have_the_type_they_are_written_with),
              TEST(arithmetic_widens_without_losing_digits), TEST(constants_are_computed),
              TEST(times_and_spans_of_time_compute), TEST(choices_have_one_type),
              TEST(functions_check_their_arguments));
}
