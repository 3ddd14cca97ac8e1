/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "server/deploy/textdiff.h"
#include "tests/lib/check.h"

static void note(void *ctx, enum textdiff_op op, const char *line, size_t n)
{
    bytes_printf(ctx, "%c%.*s|", " -+"[op], (int)n, line);
}

static void assert_diff(const char *from, const char *to, const char *expected)
{
    struct bytes out = {0};
    textdiff(from, to, note, &out);
    bytes_u8(&out, 0);
    assert_string_equal((const char *)out.p, expected);
    bytes_fini(&out);
}

static void lines_that_stay_are_the_longest_common_sequence(void **state)
{
    (void)state;
    assert_diff("a\nb\nc\n", "a\nc\nd\n", " a|-b| c|+d|");
    assert_diff("a\nb\nc", "x\nb\ny", "-a|+x| b|-c|+y|");
    assert_diff("a\n\nb", "a\nb", " a|-| b|");
}

static void a_text_may_be_empty_or_have_no_line_end(void **state)
{
    (void)state;
    assert_diff("", "", "");
    assert_diff("", "a", "+a|");
    assert_diff("a", "", "-a|");
    assert_diff("a\n", "a", " a|");
}

static void of_texts_that_are_too_long_all_goes_and_all_comes(void **state)
{
    (void)state;
    struct bytes from = {0}, out = {0};
    for (unsigned i = 0; i <= TEXTDIFF_LINES_MAX; i++)
        bytes_printf(&from, "x\n");
    bytes_u8(&from, 0);
    textdiff((const char *)from.p, "x\n", note, &out);
    assert_int_equal(out.n, 3 * (TEXTDIFF_LINES_MAX + 2));
    assert_memory_equal(out.p + out.n - 3, "+x|", 3);
    bytes_fini(&from);
    bytes_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_stay_are_the_longest_common_sequence),
        cmocka_unit_test(a_text_may_be_empty_or_have_no_line_end),
        cmocka_unit_test(of_texts_that_are_too_long_all_goes_and_all_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
