/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: a number takes the type of the column it is compared with, and nothing that is known is asked again. */
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

static void a_number_takes_the_scale_of_the_column(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"m > 3000", "BOOLEAN m > 3000.00"},
        {"3000 < m", "BOOLEAN m > 3000.00"},
        {"m > 1e3", "BOOLEAN m > 1000.00"},
        {"m > 1.5e0", "BOOLEAN m > 1.50"},
        {"b = 2.0", "BOOLEAN b = 2"},
        {"b = 9223372036854775807", "BOOLEAN b = 9223372036854775807"},
        {"d > 1.1", "BOOLEAN d > 1.1"},
        {"m > b", "BOOLEAN m > b"},
        {"m > k", "BOOLEAN m > k"},
        {"m = m", "BOOLEAN m = m"},
    };
    HOLD(list);
}

static void a_number_with_too_many_digits_becomes_the_next_one_below(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"m > 2.005", "BOOLEAN m > 2.00"},
        {"m >= 2.005", "BOOLEAN m > 2.00"},
        {"m < 2.005", "BOOLEAN m <= 2.00"},
        {"m <= -2.005", "BOOLEAN m <= -2.01"},
        {"m = 2.005", "BOOLEAN CASE WHEN m IS NOT NULL THEN FALSE ELSE NULL END"},
        {"m <> 2.005", "BOOLEAN CASE WHEN m IS NOT NULL THEN TRUE ELSE NULL END"},
        {"m IS DISTINCT FROM 2.005", "BOOLEAN TRUE"},
        {"b > 2.5", "BOOLEAN b > 2"},
        {"m < 99999999999999999", "BOOLEAN m <= 9999999999999999.99"},
        {"m > -99999999999999999", "BOOLEAN m > -10000000000000000.00"},
        {"m > 1.1e0", "BOOLEAN CAST(m AS DOUBLE) > 1.1"},
    };
    HOLD(list);
}

static void sets_keep_what_can_be_in_them(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"b IN (1, 2.5, 3)", "BOOLEAN b IN (1, 3)"},
        {"b IN (2.5)", "BOOLEAN CASE WHEN b IS NOT NULL THEN FALSE ELSE NULL END"},
        {"b IN (7)", "BOOLEAN b = 7"},
        {"b NOT IN (1, 2)", "BOOLEAN b NOT IN (1, 2)"},
        {"b IN (1, NULL)", "BOOLEAN NULL OR b = 1"},
        {"s IN ('x', LOWER(s))", "BOOLEAN s = LOWER(s) OR s = 'x'"},
        {"b IN (1, 'x')",
         "INVALID line 2, column 34: b cannot be compared with 'x': BIGINT and STRING"},
    };
    HOLD(list);
}

static void conditions_become_flat(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"(o AND b > 1) AND b > 1", "BOOLEAN o AND b > 1"},
        {"o OR (b > 1 OR m > 1)", "BOOLEAN o OR b > 1 OR m > 1.00"},
        {"TRUE AND o", "BOOLEAN o"},
        {"FALSE AND o", "BOOLEAN FALSE"},
        {"o OR TRUE", "BOOLEAN TRUE"},
        {"NULL AND o", "BOOLEAN NULL AND o"},
        {"NOT NOT o", "BOOLEAN o"},
        {"NOT b > 1", "BOOLEAN b <= 1"},
        {"NOT (b > 1 AND o)", "BOOLEAN NOT (b > 1 AND o)"},
        {"o OR b > 1 AND m > 1", "BOOLEAN o OR b > 1 AND m > 1.00"},
        {"(o OR b > 1) AND m > 1", "BOOLEAN (o OR b > 1) AND m > 1.00"},
        {"m BETWEEN 1 AND 2 AND o", "BOOLEAN m >= 1.00 AND m <= 2.00 AND o"},
        {"m NOT BETWEEN 1 AND 2", "BOOLEAN NOT (m >= 1.00 AND m <= 2.00)"},
        {"b AND o", "INVALID line 2, column 25: AND needs a BOOLEAN, and b is BIGINT"},
    };
    HOLD(list);
}

static void texts_and_truth_are_tested(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"s LIKE 'a%'", "BOOLEAN s LIKE 'a%'"},
        {"s LIKE 'abc'", "BOOLEAN s = 'abc'"},
        {"s NOT LIKE '%x_'", "BOOLEAN s NOT LIKE '%x_'"},
        {"s LIKE 'a!%' ESCAPE '!'", "BOOLEAN s LIKE 'a!%' ESCAPE '!'"},
        {"s LIKE 'a' ESCAPE '!!'",
         "INVALID line 2, column 43: ESCAPE needs a text of one character"},
        {"s = 'it''s'", "BOOLEAN s = 'it''s'"},
        {"o IS NOT TRUE", "BOOLEAN o IS NOT TRUE"},
        {"o IS UNKNOWN", "BOOLEAN o IS NULL"},
        {"b IS NOT NULL", "BOOLEAN b IS NOT NULL"},
        {"b IS NOT DISTINCT FROM NULL", "BOOLEAN b IS NULL"},
        {"b LIKE 'x'", "INVALID line 2, column 25: LIKE compares texts, and b is BIGINT"},
        {"b = s", "INVALID line 2, column 25: b cannot be compared with s: BIGINT and STRING"},
        {"ts > '2026-01-01'",
         "INVALID line 2, column 25: ts cannot be compared with '2026-01-01': TIMESTAMP(3) and "
         "STRING (a time is written TIMESTAMP '2026-01-31 12:00:00')"},
    };
    HOLD(list);
}

static void names_are_found_as_they_are_quoted(void **state)
{
    (void)state;
    static const struct example list[] = {
        {"B", "BIGINT b"},
        {"\"b\"", "BIGINT b"},
        {"`b`", "BIGINT b"},
        {"T.B", "BIGINT b"},
        {"\"B\"", "INVALID line 2, column 25: no column B in stream t (did you mean b?)"},
        {"x.b", "INVALID line 2, column 25: no stream or alias x here"},
        {"t.zz", "INVALID line 2, column 27: no column zz in stream t"},
        {"PREV(b)", "INVALID line 2, column 25: PREV can be used in MATCH_RECOGNIZE only, in "
                    "DEFINE and MEASURES"},
        {"*", "INVALID line 2, column 27: unexpected AS after *; expected one of ',', FROM"},
    };
    HOLD(list);
}

int main(void)
{
    CHECK_RUN(TEST(a_number_takes_the_scale_of_the_column),
              TEST(a_number_with_too_many_digits_becomes_the_next_one_below),
              TEST(sets_keep_what_can_be_in_them), TEST(conditions_become_flat),
              TEST(texts_and_truth_are_tested), TEST(names_are_found_as_they_are_quoted));
}
