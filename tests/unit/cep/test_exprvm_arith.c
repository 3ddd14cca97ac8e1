/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exprtree.h"

static void arithmetic_is_exact_and_null_where_it_overflows(void **state)
{
    (void)state;
    const struct expr *most = num(INT64_MAX), *least = num(INT64_MIN);
    assert_string_equal(value_of(OP(ADD, BIGINT, num(2), num(3))), "5");
    assert_string_equal(value_of(OP(ADD, BIGINT, most, num(1))), "null");
    assert_string_equal(value_of(OP(SUB, BIGINT, least, num(1))), "null");
    assert_string_equal(value_of(OP(MUL, BIGINT, most, num(2))), "null");
    assert_string_equal(value_of(OP(NEG, BIGINT, least)), "null");
    assert_string_equal(value_of(OP(DIV, BIGINT, num(-7), num(2))), "-3");
    assert_string_equal(value_of(OP(MOD, BIGINT, num(-7), num(2))), "-1");
    assert_string_equal(value_of(OP(DIV, BIGINT, least, num(-1))), "null");
    assert_string_equal(value_of(OP(MOD, BIGINT, least, num(-1))), "0");
    assert_string_equal(value_of(OP(DIV, BIGINT, num(1), num(0))), "null");
    assert_string_equal(value_of(OP(MOD, BIGINT, num(1), num(0))), "null");
    assert_string_equal(value_of(OP(DIV, DOUBLE, real(1), real(0))), "null");
    assert_string_equal(value_of(OP(DIV, DOUBLE, real(1), real(4))), "0.25");
    assert_string_equal(value_of(OP(MUL, DOUBLE, real(1e300), real(1e300))), "null");
    assert_string_equal(value_of(OP(DIV, DOUBLE, num(1), num(4))), "0.25");
    assert_string_equal(value_of(OP(ADD, BIGINT, num(1), null_of(BIGINT))), "null");
}

static void decimals_are_rounded_half_up_to_the_scale_of_the_result(void **state)
{
    (void)state;
    assert_string_equal(value_of(OP(ADD, DECIMAL(13, 2), dec(1050, 2), dec(5, 2))), "10.55");
    assert_string_equal(value_of(OP(MUL, DECIMAL(18, 4), dec(150, 2), dec(-250, 2))), "-3.7500");
    assert_string_equal(value_of(OP(MUL, DECIMAL(18, 2), dec(15, 2), dec(50, 2))), "0.08");
    assert_string_equal(value_of(OP(MUL, DECIMAL(18, 2), dec(-15, 2), dec(50, 2))), "-0.08");
    assert_string_equal(value_of(OP(DIV, DECIMAL(18, 6), dec(200, 2), dec(300, 2))), "0.666667");
    assert_string_equal(value_of(OP(DIV, DECIMAL(18, 0), dec(-500, 2), dec(200, 2))), "-3");
    assert_string_equal(value_of(OP(DIV, DECIMAL(18, 6), dec(1, 18),
                                    dec(INT64_C(999999999999999999), 0))),
                        "0.000000");
    assert_string_equal(value_of(OP(DIV, DECIMAL(18, 6), dec(INT64_C(999999999999999999), 0),
                                    dec(1, 18))),
                        "null");
    assert_string_equal(value_of(OP(MOD, DECIMAL(18, 2), dec(1075, 2), dec(3, 0))), "1.75");
    assert_string_equal(value_of(OP(ADD, DECIMAL(4, 2), dec(9999, 2), dec(1, 2))), "null");
    assert_string_equal(value_of(OP(MUL, DECIMAL(18, 18), dec(INT64_C(999999999999999999), 18),
                                    dec(INT64_C(999999999999999999), 18))),
                        "0.999999999999999998");
    assert_string_equal(value_of(OP(MUL, DECIMAL(18, 2), dec(250, 2), num(3))), "7.50");
}

static void times_and_intervals_are_added_in_milliseconds(void **state)
{
    (void)state;
    const struct expr *t = literal(TIMESTAMP, (union cell){.i = 1700000000000});
    const struct expr *minute = literal(INTERVAL, (union cell){.i = 60000});
    assert_string_equal(value_of(OP(ADD, TIMESTAMP, t, minute)), "\"2023-11-14T22:14:20.000Z\"");
    assert_string_equal(value_of(OP(SUB, INTERVAL, t, OP(SUB, TIMESTAMP, t, minute))), "60000");
    assert_string_equal(value_of(OP(MUL, INTERVAL, minute, num(3))), "180000");
    assert_string_equal(value_of(OP(DIV, INTERVAL, minute, num(7))), "8571");
    assert_string_equal(value_of(OP(MUL, INTERVAL, minute, dec(15, 1))), "90000");
    const struct expr *end = literal(TIMESTAMP, (union cell){.i = EVTIME_LAST});
    assert_string_equal(value_of(OP(ADD, TIMESTAMP, end, minute)), "null");
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(arithmetic_is_exact_and_null_where_it_overflows),
              EXPRTREE_TEST(decimals_are_rounded_half_up_to_the_scale_of_the_result),
              EXPRTREE_TEST(times_and_intervals_are_added_in_milliseconds));
}
