/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/alerts/refused.h"
#include "tests/lib/check.h"

struct back {
    struct arena *a;
    struct bytes text;
    struct catalog_dead_letter d;
};

static struct back there_and_back(const char *raw, size_t n, uint64_t offset)
{
    const struct catalog_dead_letter d = {.kind = "error",
                                          .partition = 3,
                                          .offset = offset,
                                          .code = "not-json",
                                          .reason = "it is \"odd\"",
                                          .raw = raw,
                                          .raw_len = n};
    struct back b = {.a = arena_new(0, 0)};
    refused_put(&d, &b.text);
    assert_ok(refused_get((const char *)b.text.p, b.text.n, b.a, &b.d));
    assert_string_equal(b.d.code, "not-json");
    assert_string_equal(b.d.reason, "it is \"odd\"");
    assert_int_equal(b.d.partition, 3);
    assert_true(b.d.offset == offset);
    return b;
}

static void leave(struct back *b)
{
    bytes_fini(&b->text);
    arena_free(b->a);
}

static void a_refused_row_comes_back_to_the_byte(void **state)
{
    static const struct {
        const char *raw;
        size_t n;
    } cases[] = {{"{\"a\":1}", 7},    {"", 0},     {"\xff\x00{", 3},       {"\xc3\xa9\n\t\"\\", 6},
                 {"\xed\xa0\x80", 3}, {"\x00", 1}, {"\xf0\x9f\x90\x9f", 4}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct back b = there_and_back(cases[i].raw, cases[i].n, i % 2 ? 77 : UINT64_MAX);
        assert_int_equal(b.d.raw_len, cases[i].n);
        assert_int_equal(b.d.size, cases[i].n);
        assert_memory_equal(b.d.raw, cases[i].raw, cases[i].n);
        leave(&b);
    }
}

static void a_long_one_is_cut_and_its_size_kept(void **state)
{
    enum { LONG = 3 * CATALOG_DEAD_RAW_MAX };
    (void)state;
    char *raw = mem_alloc(LONG);
    memset(raw, 'x', LONG);
    struct back b = there_and_back(raw, LONG, 0);
    assert_int_equal(b.d.raw_len, CATALOG_DEAD_RAW_MAX);
    assert_int_equal(b.d.size, LONG);
    leave(&b);
    mem_free(raw);
}

static void what_was_not_made_so_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "{\"code\":\"a\",\"reason\":\"b\",\"raw\":\"c\"}",
        "{\"code\":1,\"reason\":\"b\",\"raw\":\"c\",\"source_partition\":0}",
        "{\"code\":\"a\",\"reason\":\"b\",\"raw\":7,\"source_partition\":0}",
        "{\"code\":\"a\",\"reason\":\"b\",\"raw\":\"\",\"source_partition\":\"0\"}",
        "{\"code\":\"a\",\"reason\":\"b\",\"raw\":\"\",\"source_partition\":0,\"hex\":\"abc\"}",
        "{\"code\":\"a\",\"reason\":\"b\",\"raw\":\"\",\"source_partition\":0,\"hex\":\"zz\"}"};
    (void)state;
    struct arena *a = arena_new(0, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct catalog_dead_letter d = {.code = "untouched"};
        assert_err(refused_get(wrong[i], strlen(wrong[i]), a, &d), ERR_CORRUPT);
        assert_string_equal(d.code, "untouched");
    }
    arena_free(a);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(a_refused_row_comes_back_to_the_byte),
              cmocka_unit_test(a_long_one_is_cut_and_its_size_kept),
              cmocka_unit_test(what_was_not_made_so_is_refused));
}
