/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/value.h"
#include "tests/lib/check.h"
#include <math.h>
#include <stdlib.h>

static struct value number(int64_t v)
{
    return (struct value){.type = {.kind = TYPE_BIGINT}, .c.i = v};
}

static struct value decimal(int64_t v, uint8_t scale)
{
    return (struct value){.type = {.kind = TYPE_DECIMAL, .precision = 18, .scale = scale},
                          .c.i = v};
}

static struct value real(double d)
{
    return (struct value){.type = {.kind = TYPE_DOUBLE}, .c.d = d};
}

static struct value text(const char *s)
{
    return (struct value){.type = {.kind = TYPE_STRING}, .c.s = {s, (uint32_t)strlen(s), 0}};
}

static int sign(int c)
{
    return (c > 0) - (c < 0);
}

static int compared(struct value a, struct value b)
{
    assert_int_equal(sign(value_compare(&a, &b)), -sign(value_compare(&b, &a)));
    return sign(value_compare(&a, &b));
}

static void decimals_of_different_scale_compare_as_numbers(void **state)
{
    (void)state;
    assert_int_equal(compared(decimal(150, 2), decimal(15, 1)), 0);
    assert_int_equal(compared(decimal(151, 2), decimal(15, 1)), 1);
    assert_int_equal(compared(decimal(-1, 18), decimal(0, 0)), -1);
    assert_int_equal(compared(decimal(INT64_C(999999999999999999), 0), decimal(1, 18)), 1);
}

static void nan_is_the_greatest_and_equal_to_itself(void **state)
{
    (void)state;
    assert_int_equal(compared(real(NAN), real(INFINITY)), 1);
    assert_int_equal(compared(real(NAN), real(NAN)), 0);
    assert_int_equal(compared(real(-0.0), real(0.0)), 0);
}

static void strings_compare_by_bytes(void **state)
{
    (void)state;
    assert_int_equal(compared(text("a"), text("ab")), -1);
    assert_int_equal(compared(text("b"), text("ab")), 1);
    assert_int_equal(compared(text("z"), text("\xc3\xa9")), -1);
    assert_int_equal(compared(text(""), text("")), 0);
}

static void a_value_comes_back_from_its_key(void **state)
{
    (void)state;
    struct value values[] = {
        number(0),
        number(INT64_MIN),
        number(INT64_MAX),
        decimal(-1234, 2),
        real(-1.5),
        real(1e300),
        real(-INFINITY),
        text(""),
        text("salmon"),
        {.type = {.kind = TYPE_STRING}, .null = true},
        {.type = {.kind = TYPE_BOOLEAN}, .c.i = 1},
        {.type = {.kind = TYPE_TIMESTAMP}, .c.i = EVTIME_FIRST},
    };
    struct bytes key = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        value_key(&values[i], &key);
    struct bytes_reader r = bytes_read(key.p, key.n);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct value back;
        assert_true(value_from_key(&r, values[i].type, &back));
        assert_int_equal(back.null, values[i].null);
        if (!back.null)
            assert_int_equal(value_compare(&back, &values[i]), 0);
    }
    assert_ptr_equal(r.p, r.end);
    bytes_fini(&key);
}

static size_t key_of(struct value v, uint8_t out[64])
{
    struct bytes b = {0};
    value_key(&v, &b);
    size_t n = b.n;
    assert_true(n <= 64);
    memcpy(out, b.p, n);
    bytes_fini(&b);
    return n;
}

static void keys_are_the_same_bytes_for_values_that_are_equal(void **state)
{
    (void)state;
    uint8_t a[64], b[64];
    assert_int_equal(key_of(real(0.0), a), key_of(real(-0.0), b));
    assert_memory_equal(a, b, 9);
    key_of(real(NAN), a);
    key_of(real(-NAN), b);
    assert_memory_equal(a, b, 9);
    struct value null_text = {.type = {.kind = TYPE_STRING}, .null = true};
    struct value null_number = {.type = {.kind = TYPE_BIGINT}, .null = true};
    assert_int_equal(key_of(null_text, a), 1);
    assert_int_equal(key_of(null_number, b), 1);
    assert_int_equal(a[0], b[0]);
}

static void keys_of_numbers_sort_as_the_numbers(void **state)
{
    (void)state;
    double reals[] = {-INFINITY, -2, -1, -1e-300, 0, 1e-300, 1, 1.5, 1e300, INFINITY, NAN};
    int64_t numbers[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
    uint8_t a[64], b[64];
    for (size_t i = 1; i < sizeof reals / sizeof *reals; i++) {
        key_of(real(reals[i - 1]), a);
        key_of(real(reals[i]), b);
        assert_true(memcmp(a, b, 9) < 0);
    }
    for (size_t i = 1; i < sizeof numbers / sizeof *numbers; i++) {
        key_of(number(numbers[i - 1]), a);
        key_of(number(numbers[i]), b);
        assert_true(memcmp(a, b, 9) < 0);
    }
}

static void a_damaged_key_is_refused(void **state)
{
    (void)state;
    struct value v;
    const char *bad[] = {"", "\x02\x01",
                         "\x05\x05"
                         "abc",
                         "\x01\x07", "\x03\x00\x00\x00\x00\x00\x00\x00\x00"};
    size_t sizes[] = {0, 2, 5, 2, 9};
    uint8_t kinds[] = {TYPE_BIGINT, TYPE_BIGINT, TYPE_STRING, TYPE_BOOLEAN, TYPE_BIGINT};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes_reader r = bytes_read(bad[i], sizes[i]);
        assert_false(value_from_key(&r, (struct type){.kind = kinds[i]}, &v));
    }
}

static void assert_json(struct value v, const char *expected)
{
    struct bytes b = {0};
    value_json(&v, &b);
    bytes_u8(&b, 0);
    assert_string_equal((char *)b.p, expected);
    bytes_fini(&b);
}

static void values_are_written_as_json(void **state)
{
    (void)state;
    assert_json(number(INT64_MIN), "-9223372036854775808");
    assert_json(decimal(1250, 2), "12.50");
    assert_json(decimal(-5, 2), "-0.05");
    assert_json(decimal(0, 3), "0.000");
    assert_json(decimal(-999999999999999999, 18), "-0.999999999999999999");
    assert_json(real(0.1), "0.1");
    assert_json(real(3), "3");
    assert_json(real(-1e15), "-1e+15");
    assert_json(real(0.1 + 0.2), "0.30000000000000004");
    assert_json(real(NAN), "null");
    assert_json(real(-INFINITY), "null");
    assert_json((struct value){.type = {.kind = TYPE_BOOLEAN}, .c.i = 1}, "true");
    assert_json((struct value){.type = {.kind = TYPE_TIMESTAMP}, .c.i = 1700000000010},
                "\"2023-11-14T22:13:20.010Z\"");
    assert_json((struct value){.type = {.kind = TYPE_STRING}, .null = true}, "null");
    assert_json((struct value){.type = {.kind = TYPE_INTERVAL}, .c.i = -60000}, "-60000");
    assert_json(text("a\"b\\c\n\t\x01\x1f/\xc3\xa9"),
                "\"a\\\"b\\\\c\\n\\t\\u0001\\u001f/\xc3\xa9\"");
}

static void doubles_are_written_so_that_they_read_back_the_same(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
        double d, back;
        char out[VALUE_TEXT];
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d))
            continue;
        size_t n = value_format_double(d, out);
        assert_int_equal(n, strlen(out));
        assert_true(value_parse_double(out, n, &back));
        assert_memory_equal(&back, &d, sizeof d);
    }
}

static void assert_decimal(const char *s, unsigned precision, unsigned scale, int64_t expected)
{
    int64_t v = 0;
    if (!value_parse_decimal(s, strlen(s), precision, scale, &v))
        fail_msg("'%s' is not read as a DECIMAL(%u,%u)", s, precision, scale);
    assert_int_equal(v, expected);
}

static void decimals_are_read_from_their_text_and_round_half_up(void **state)
{
    (void)state;
    assert_decimal("12.5", 12, 2, 1250);
    assert_decimal("12.345", 12, 2, 1235);
    assert_decimal("-12.345", 12, 2, -1235);
    assert_decimal("12.344999999999999999999999", 12, 2, 1234);
    assert_decimal("0.005", 3, 2, 1);
    assert_decimal("0.0049", 3, 2, 0);
    assert_decimal("0.9999", 3, 2, 100);
    assert_decimal("1e3", 12, 2, 100000);
    assert_decimal("1.5E-1", 12, 2, 15);
    assert_decimal("123456e-8", 12, 4, 12);
    assert_decimal("5e-1", 12, 0, 1);
    assert_decimal("4e-1", 12, 0, 0);
    assert_decimal("5e-3", 12, 0, 0);
    assert_decimal("-0.00", 12, 2, 0);
    assert_decimal("0e999999999999", 12, 2, 0);
    assert_decimal("1e-999999999999", 12, 2, 0);
    assert_decimal("999999999999999999", 18, 0, 999999999999999999);
    assert_decimal("0.00000000000000000000000000000001e32", 3, 0, 1);
}

static void what_is_no_decimal_or_too_large_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {"",           "-",
                         ".",          "e5",
                         "1e",         "1e+",
                         "1..2",       "1 ",
                         "0x10",       "NaN",
                         "1,5",        "--1",
                         "1e5x",       "9999999999.995",
                         "1e10",       "1e999999999999",
                         "10000000000"};
    int64_t v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (value_parse_decimal(bad[i], strlen(bad[i]), 12, 2, &v))
            fail_msg("'%s' is read as a DECIMAL", bad[i]);
    assert_int_equal(v, 7);
}

static void whole_numbers_may_be_written_with_a_point_or_an_exponent(void **state)
{
    (void)state;
    struct {
        const char *s;
        int64_t v;
    } good[] = {{"5.0", 5},
                {"1e3", 1000},
                {"-0", 0},
                {"1.5e1", 15},
                {"100e-2", 1},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"9.223372036854775807e18", INT64_MAX}};
    const char *bad[] = {"5.5",
                         "1e-1",
                         "9223372036854775808",
                         "-9223372036854775809",
                         "1e19",
                         "100e-3",
                         "",
                         "1.0000000000000000000000000000001"};
    int64_t v;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(value_parse_bigint(good[i].s, strlen(good[i].s), &v));
        assert_true(v == good[i].v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (value_parse_bigint(bad[i], strlen(bad[i]), &v))
            fail_msg("'%s' is read as a BIGINT", bad[i]);
}

static void doubles_are_read_as_strtod_reads_them(void **state)
{
    (void)state;
    const char *good[] = {"0.1",
                          "-0.0",
                          "1e22",
                          "1e23",
                          "123456789012345678",
                          "2.2250738585072011e-308",
                          "4.9e-324",
                          "1e-400",
                          "9007199254740993",
                          "0.000000000000000000000000000001"};
    char longest[420];
    double d;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(value_parse_double(good[i], strlen(good[i]), &d));
        double expected = strtod(good[i], NULL);
        assert_memory_equal(&d, &expected, sizeof d);
    }
    memset(longest, '9', sizeof longest);
    assert_false(value_parse_double(longest, sizeof longest, &d));
    assert_true(value_parse_double(longest, 300, &d));
    assert_false(value_parse_double("1e400", 5, &d));
}

int main(void)
{
    CHECK_RUN(TEST(decimals_of_different_scale_compare_as_numbers),
              TEST(nan_is_the_greatest_and_equal_to_itself), TEST(strings_compare_by_bytes),
              TEST(a_value_comes_back_from_its_key),
              TEST(keys_are_the_same_bytes_for_values_that_are_equal),
              TEST(keys_of_numbers_sort_as_the_numbers), TEST(a_damaged_key_is_refused),
              TEST(values_are_written_as_json),
              TEST(doubles_are_written_so_that_they_read_back_the_same),
              TEST(decimals_are_read_from_their_text_and_round_half_up),
              TEST(what_is_no_decimal_or_too_large_is_refused),
              TEST(whole_numbers_may_be_written_with_a_point_or_an_exponent),
              TEST(doubles_are_read_as_strtod_reads_them));
}
