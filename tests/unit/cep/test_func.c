/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exprtree.h"

static const char *call(enum func_id id, struct expr *e)
{
    return value_of(func(id, e));
}
#define CALL(id, type, ...) call(FUNC_##id, OP(FUNC, type, __VA_ARGS__))
#define MS(v) literal(TIMESTAMP, (union cell){.i = (v)})

static void texts_are_measured_in_code_points(void **state)
{
    (void)state;
    assert_string_equal(CALL(LENGTH, BIGINT, str("")), "0");
    assert_string_equal(CALL(LENGTH, BIGINT, str("a\xc3\xa9\xf0\x9f\x90\x9f")), "3");
    assert_string_equal(CALL(SUBSTRING, STRING, str("a\xc3\xa9yz"), num(2), num(2)),
                        "\"\xc3\xa9y\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(2)), "\"bc\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(0), num(2)), "\"ab\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(-2)), "\"bc\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(-9)), "\"\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(4)), "\"\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(2), num(INT64_MAX)), "\"bc\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(INT64_MIN), num(2)), "\"\"");
    assert_string_equal(CALL(SUBSTRING, STRING, str("abc"), num(1), num(-1)), "null");
    assert_string_equal(CALL(POSITION, BIGINT, str("y"), str("\xc3\xa9yz")), "2");
    assert_string_equal(CALL(POSITION, BIGINT, str("q"), str("yz")), "0");
    assert_string_equal(CALL(POSITION, BIGINT, str(""), str("yz")), "1");
}

static void texts_are_changed(void **state)
{
    (void)state;
    assert_string_equal(CALL(UPPER, STRING, str("a\xc3\xa9\xc3\xbf\xd1\x8f\xcf\x83\xc5\x82z1")),
                        "\"A\xc3\x89\xc3\xbf\xd0\xaf\xce\xa3\xc5\x81Z1\"");
    assert_string_equal(CALL(LOWER, STRING, str("A\xc3\x89\xd0\x81\xc5\x81\xc3\x97Z")),
                        "\"a\xc3\xa9\xd1\x91\xc5\x82\xc3\x97z\"");
    assert_string_equal(CALL(TRIM, STRING, str("  a b ")), "\"a b\"");
    assert_string_equal(CALL(LTRIM, STRING, str("  a ")), "\"a \"");
    assert_string_equal(CALL(RTRIM, STRING, str("  a ")), "\"  a\"");
    assert_string_equal(CALL(TRIM, STRING, str("   ")), "\"\"");
    assert_string_equal(CALL(REPLACE, STRING, str("a.b.c"), str("."), str("--")), "\"a--b--c\"");
    assert_string_equal(CALL(REPLACE, STRING, str("aaa"), str("aa"), str("")), "\"a\"");
    assert_string_equal(CALL(REPLACE, STRING, str("aaa"), str(""), str("x")), "\"aaa\"");
    assert_string_equal(CALL(REVERSE, STRING, str("a\xc3\xa9z")), "\"z\xc3\xa9"
                                                                  "a\"");
    assert_string_equal(CALL(STARTS_WITH, BOOLEAN, str("abc"), str("ab")), "true");
    assert_string_equal(CALL(STARTS_WITH, BOOLEAN, str("abc"), str("b")), "false");
    assert_string_equal(CALL(ENDS_WITH, BOOLEAN, str("abc"), str("")), "true");
    assert_string_equal(CALL(ENDS_WITH, BOOLEAN, str("c"), str("abc")), "false");
}

static void texts_that_would_be_too_long_are_null(void **state)
{
    (void)state;
    assert_string_equal(CALL(LPAD, STRING, str("x"), num(INT64_MAX), str("y")), "null");
    assert_string_equal(CALL(RPAD, STRING, str("x"), num(INT64_MAX - 1), str("y")), "null");
    assert_string_equal(CALL(LPAD, STRING, str("x"), num(INT64_MIN), str("y")), "null");
    assert_string_equal(CALL(REPEAT, STRING, str("x"), num(INT64_MAX)), "null");
    assert_string_equal(CALL(LPAD, STRING, str("x"), num(3), str("y")), "\"yyx\"");
}

static void numbers_keep_their_type(void **state)
{
    (void)state;
    assert_string_equal(CALL(ABS, BIGINT, num(-3)), "3");
    assert_string_equal(CALL(ABS, BIGINT, num(INT64_MIN)), "null");
    assert_string_equal(CALL(ABS, DECIMAL(12, 2), dec(-305, 2)), "3.05");
    assert_string_equal(CALL(SIGN, DECIMAL(12, 2), dec(-305, 2)), "-1.00");
    assert_string_equal(CALL(SIGN, DOUBLE, real(0)), "0");
    assert_string_equal(CALL(FLOOR, DECIMAL(12, 2), dec(-305, 2)), "-4.00");
    assert_string_equal(CALL(CEIL, DECIMAL(12, 2), dec(-305, 2)), "-3.00");
    assert_string_equal(CALL(CEIL, DECIMAL(12, 2), dec(301, 2)), "4.00");
    assert_string_equal(CALL(FLOOR, DOUBLE, real(-3.05)), "-4");
    assert_string_equal(CALL(CEIL, BIGINT, num(5)), "5");
    assert_string_equal(CALL(CEIL, DECIMAL(3, 2), dec(999, 2)), "null");
}

static void halves_are_rounded_away_from_zero(void **state)
{
    (void)state;
    assert_string_equal(CALL(ROUND, DECIMAL(12, 2), dec(-250, 2)), "-3.00");
    assert_string_equal(CALL(ROUND, DECIMAL(12, 2), dec(125, 2), num(1)), "1.30");
    assert_string_equal(CALL(ROUND, DECIMAL(12, 2), dec(125, 2), num(5)), "1.25");
    assert_string_equal(CALL(ROUND, BIGINT, num(1250), num(-2)), "1300");
    assert_string_equal(CALL(ROUND, BIGINT, num(1250), num(-40)), "0");
    assert_string_equal(CALL(ROUND, BIGINT, num(INT64_MAX), num(-1)), "null");
    assert_string_equal(CALL(ROUND, DOUBLE, real(2.675), num(2)), "2.68");
    assert_string_equal(CALL(ROUND, DOUBLE, real(-0.5)), "-1");
    assert_string_equal(CALL(ROUND, DOUBLE, real(1234.5), num(-2)), "1200");
    assert_string_equal(CALL(ROUND, DOUBLE, real(1e300), num(2)), "1e+300");
}

static void what_has_no_real_result_is_null(void **state)
{
    (void)state;
    assert_string_equal(CALL(SQRT, DOUBLE, real(-1)), "null");
    assert_string_equal(CALL(SQRT, DOUBLE, real(4)), "2");
    assert_string_equal(CALL(LN, DOUBLE, real(0)), "null");
    assert_string_equal(CALL(LOG10, DOUBLE, real(1000)), "3");
    assert_string_equal(CALL(EXP, DOUBLE, real(1000)), "null");
    assert_string_equal(CALL(POWER, DOUBLE, real(2), real(10)), "1024");
    assert_string_equal(CALL(SQRT, DOUBLE, null_of(DOUBLE)), "null");
}

static void greatest_and_least_compare_any_type(void **state)
{
    (void)state;
    assert_string_equal(CALL(GREATEST, BIGINT, num(1), num(3), num(2)), "3");
    assert_string_equal(CALL(LEAST, STRING, str("b"), str("a")), "\"a\"");
    assert_string_equal(CALL(LEAST, DECIMAL(18, 2), dec(1, 2)), "0.01");
    assert_string_equal(CALL(GREATEST, BIGINT, num(1), null_of(BIGINT)), "null");
}

static void the_calendar_is_gregorian_and_in_utc(void **state)
{
    (void)state;
    const struct expr *leap = MS(951782399999); /* 2000-02-28T23:59:59.999Z, a Monday */
    assert_string_equal(CALL(YEAR, BIGINT, leap), "2000");
    assert_string_equal(CALL(MONTH, BIGINT, leap), "2");
    assert_string_equal(CALL(DAYOFMONTH, BIGINT, leap), "28");
    assert_string_equal(CALL(DAYOFWEEK, BIGINT, leap), "2");
    assert_string_equal(CALL(DAYOFYEAR, BIGINT, leap), "59");
    assert_string_equal(CALL(HOUR, BIGINT, leap), "23");
    assert_string_equal(CALL(MINUTE, BIGINT, leap), "59");
    assert_string_equal(CALL(SECOND, BIGINT, leap), "59");
    assert_string_equal(CALL(MILLISECOND, BIGINT, leap), "999");
    assert_string_equal(CALL(DAYOFMONTH, BIGINT, MS(951782400000)), "29");
    assert_string_equal(CALL(DAYOFYEAR, BIGINT, MS(978220800000)), "366");
    assert_string_equal(CALL(QUARTER, BIGINT, MS(978220800000)), "4");
    assert_string_equal(CALL(DAYOFYEAR, BIGINT, MS(951868800000)), "61");
    assert_string_equal(CALL(YEAR, BIGINT, MS(EVTIME_FIRST)), "1");
    assert_string_equal(CALL(DAYOFYEAR, BIGINT, MS(EVTIME_FIRST)), "1");
    assert_string_equal(CALL(DAYOFWEEK, BIGINT, MS(EVTIME_FIRST)), "2");
    assert_string_equal(CALL(YEAR, BIGINT, MS(EVTIME_LAST)), "9999");
    assert_string_equal(CALL(DAYOFYEAR, BIGINT, MS(EVTIME_LAST)), "365");
    assert_string_equal(CALL(EPOCH, BIGINT, MS(-1)), "-1");
    assert_string_equal(CALL(SECOND, BIGINT, MS(-1)), "59");
    assert_string_equal(CALL(DAYOFWEEK, BIGINT, MS(0)), "5");
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(texts_are_measured_in_code_points), EXPRTREE_TEST(texts_are_changed),
              EXPRTREE_TEST(texts_that_would_be_too_long_are_null),
              EXPRTREE_TEST(numbers_keep_their_type),
              EXPRTREE_TEST(halves_are_rounded_away_from_zero),
              EXPRTREE_TEST(what_has_no_real_result_is_null),
              EXPRTREE_TEST(greatest_and_least_compare_any_type),
              EXPRTREE_TEST(the_calendar_is_gregorian_and_in_utc));
}
