/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "tests/lib/check.h"

static void what_is_put_is_got_back(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_u8(&b, 0xfe);
    bytes_u16(&b, 0xfedc);
    bytes_u32(&b, 0xfedcba98);
    bytes_u64(&b, UINT64_C(0xfedcba9876543210));
    bytes_be32(&b, 0xfedcba98);
    bytes_be64(&b, UINT64_C(0xfedcba9876543210));
    bytes_str(&b, "salmon", 6);
    bytes_str(&b, NULL, 0);

    struct bytes_reader r = bytes_read(b.p, b.n);
    assert_int_equal(bytes_get_u8(&r), 0xfe);
    assert_int_equal(bytes_get_u16(&r), 0xfedc);
    assert_int_equal(bytes_get_u32(&r), 0xfedcba98);
    assert_true(bytes_get_u64(&r) == UINT64_C(0xfedcba9876543210));
    assert_int_equal(bytes_get_be32(&r), 0xfedcba98);
    assert_true(bytes_get_be64(&r) == UINT64_C(0xfedcba9876543210));
    size_t n = 0;
    assert_memory_equal(bytes_get_str(&r, &n), "salmon", 6);
    assert_int_equal(n, 6);
    assert_non_null(bytes_get_str(&r, &n));
    assert_int_equal(n, 0);
    assert_false(r.bad);
    assert_ptr_equal(r.p, r.end);
    bytes_fini(&b);
}

static void integers_have_the_same_bytes_on_every_machine(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_u32(&b, 0x01020304);
    bytes_be32(&b, 0x01020304);
    bytes_varint(&b, 300);
    assert_int_equal(b.n, 10);
    assert_memory_equal(b.p, "\x04\x03\x02\x01\x01\x02\x03\x04\xac\x02", 10);
    bytes_fini(&b);
}

static void varints_hold_all_64_bits(void **state)
{
    (void)state;
    struct bytes b = {0};
    for (int bit = 0; bit < 64; bit++) {
        bytes_varint(&b, UINT64_C(1) << bit);
        bytes_varint(&b, (UINT64_C(1) << bit) - 1);
    }
    bytes_varint(&b, UINT64_MAX);
    struct bytes_reader r = bytes_read(b.p, b.n);
    for (int bit = 0; bit < 64; bit++) {
        assert_true(bytes_get_varint(&r) == UINT64_C(1) << bit);
        assert_true(bytes_get_varint(&r) == (UINT64_C(1) << bit) - 1);
    }
    assert_true(bytes_get_varint(&r) == UINT64_MAX);
    assert_false(r.bad);
    bytes_fini(&b);
}

static void a_varint_of_more_than_64_bits_is_refused(void **state)
{
    (void)state;
    struct bytes_reader r = bytes_read("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    assert_int_equal(bytes_get_varint(&r), 0);
    assert_true(r.bad);
    r = bytes_read("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
    assert_int_equal(bytes_get_varint(&r), 0);
    assert_true(r.bad);
}

static void after_a_short_read_all_is_zero_and_bad(void **state)
{
    (void)state;
    struct bytes_reader r = bytes_read("\x01\x02\x03", 3);
    assert_int_equal(bytes_get_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(bytes_get_u8(&r), 0);
    assert_null(bytes_get(&r, 0));
    size_t n = 7;
    assert_null(bytes_get_str(&r, &n));
    assert_int_equal(n, 0);
}

static void a_string_longer_than_its_reader_is_refused(void **state)
{
    (void)state;
    size_t n = 7;
    struct bytes_reader r = bytes_read("\x05"
                                       "abcd",
                                       5);
    assert_null(bytes_get_str(&r, &n));
    assert_true(r.bad);
    /* A length near 2^64 must not wrap round the end. */
    r = bytes_read("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                   "abcd",
                   14);
    assert_null(bytes_get_str(&r, &n));
    assert_true(r.bad);
    r = bytes_read(NULL, 0);
    assert_int_equal(bytes_get_u8(&r), 0);
    assert_true(r.bad);
}

static void printed_text_follows_without_its_nul(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_printf(&b, "%d,", 1);
    bytes_printf(&b, "%s", "two");
    bytes_printf(&b, "%s", "");
    assert_int_equal(b.n, 5);
    assert_memory_equal(b.p, "1,two", 5);
    bytes_reset(&b);
    assert_int_equal(b.n, 0);
    bytes_fini(&b);
    assert_null(b.p);
}

int main(void)
{
    CHECK_RUN(TEST(what_is_put_is_got_back), TEST(integers_have_the_same_bytes_on_every_machine),
              TEST(varints_hold_all_64_bits), TEST(a_varint_of_more_than_64_bits_is_refused),
              TEST(after_a_short_read_all_is_zero_and_bad),
              TEST(a_string_longer_than_its_reader_is_refused),
              TEST(printed_text_follows_without_its_nul));
}
