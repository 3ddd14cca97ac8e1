/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exprtree.h"

static const char *cast_of(const struct expr *e, struct type to)
{
    return value_of(OP(CAST, to, e));
}

static void texts_are_cast_to_every_type(void **state)
{
    (void)state;
    assert_string_equal(cast_of(str(" 42 "), BIGINT), "42");
    assert_string_equal(cast_of(str("4.5"), BIGINT), "null");
    assert_string_equal(cast_of(str("x"), BIGINT), "null");
    assert_string_equal(cast_of(str("12.345"), DECIMAL(12, 2)), "12.35");
    assert_string_equal(cast_of(str("1e3"), DOUBLE), "1000");
    assert_string_equal(cast_of(str("TRUE"), BOOLEAN), "true");
    assert_string_equal(cast_of(str("no"), BOOLEAN), "false");
    assert_string_equal(cast_of(str("maybe"), BOOLEAN), "null");
    assert_string_equal(cast_of(str("2023-11-14 22:13:20"), TIMESTAMP),
                        "\"2023-11-14T22:13:20.000Z\"");
    assert_string_equal(cast_of(str("yesterday"), TIMESTAMP), "null");
    assert_string_equal(cast_of(str("10 min"), INTERVAL), "600000");
    assert_string_equal(cast_of(null_of(STRING), BIGINT), "null");
}

static void every_type_is_cast_to_text(void **state)
{
    (void)state;
    assert_string_equal(cast_of(num(-5), STRING), "\"-5\"");
    assert_string_equal(cast_of(dec(-5, 2), STRING), "\"-0.05\"");
    assert_string_equal(cast_of(real(0.5), STRING), "\"0.5\"");
    assert_string_equal(cast_of(truth(true), STRING), "\"TRUE\"");
    assert_string_equal(cast_of(literal(TIMESTAMP, (union cell){.i = 1700000000010}), STRING),
                        "\"2023-11-14 22:13:20.010\"");
    assert_string_equal(cast_of(literal(INTERVAL, (union cell){.i = -93784005}), STRING),
                        "\"-1 02:03:04.005\"");
}

static void numbers_are_cast_between_types(void **state)
{
    (void)state;
    assert_string_equal(cast_of(real(-1.9), BIGINT), "-1");
    assert_string_equal(cast_of(real(1e19), BIGINT), "null");
    assert_string_equal(cast_of(dec(-199, 2), BIGINT), "-1");
    assert_string_equal(cast_of(real(0.285), DECIMAL(12, 2)), "0.29");
    assert_string_equal(cast_of(real(1e17), DECIMAL(12, 2)), "null");
    assert_string_equal(cast_of(num(7), DECIMAL(12, 2)), "7.00");
    assert_string_equal(cast_of(num(INT64_MAX), DECIMAL(18, 2)), "null");
    assert_string_equal(cast_of(dec(285, 3), DECIMAL(12, 2)), "0.29");
    assert_string_equal(cast_of(dec(1, 1), DOUBLE), "0.1");
    assert_string_equal(cast_of(dec(INT64_C(123456789012345678), 3), DOUBLE), "123456789012345.67");
    assert_string_equal(cast_of(num(2), BOOLEAN), "true");
    assert_string_equal(cast_of(truth(true), BIGINT), "1");
    assert_string_equal(cast_of(num(INT64_MAX), TIMESTAMP), "null");
    assert_string_equal(cast_of(literal(TIMESTAMP, (union cell){.i = 5}), BIGINT), "5");
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(texts_are_cast_to_every_type),
              EXPRTREE_TEST(every_type_is_cast_to_text),
              EXPRTREE_TEST(numbers_are_cast_between_types));
}
