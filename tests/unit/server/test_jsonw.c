/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/jsonw.h"
#include "tests/lib/check.h"

static void assert_json(struct bytes *b, const char *expected)
{
    bytes_u8(b, '\0');
    assert_string_equal((char *)b->p, expected);
    bytes_fini(b);
}

static void commas_set_themselves(void **state)
{
    (void)state;
    struct bytes b = {0};
    jsonw_open(&b, '{');
    jsonw_kstr(&b, "a", "x");
    jsonw_key(&b, "b");
    jsonw_open(&b, '[');
    jsonw_i64(&b, -1);
    jsonw_u64(&b, UINT64_MAX);
    jsonw_open(&b, '[');
    jsonw_close(&b, ']');
    jsonw_open(&b, '{');
    jsonw_close(&b, '}');
    jsonw_close(&b, ']');
    jsonw_kbool(&b, "c", false);
    jsonw_kraw(&b, "d", "12.50 ");
    jsonw_kraw(&b, "e", NULL);
    jsonw_close(&b, '}');
    assert_json(&b, "{\"a\":\"x\",\"b\":[-1,18446744073709551615,[],{}],\"c\":false,"
                    "\"d\":12.50,\"e\":null}");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    struct bytes b = {0};
    jsonw_strn(&b, "\"\\/\b\f\n\r\t\x01\x7f\0é€😀", 12 + 2 + 3 + 4 - 1);
    assert_json(&b, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\\u0000é€😀\"");
}

static void what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"a\xff", "a\xef\xbf\xbd"},
                 {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong NUL */
                 {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
                 {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut off */
                 {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
                 {"\xe2\x82x", "\xef\xbf\xbd\xef\xbf\xbdx"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[64];
        struct bytes b = {0};
        jsonw_str(&b, cases[i].in);
        snprintf(expected, sizeof expected, "\"%s\"", cases[i].out);
        assert_json(&b, expected);
    }
}

static void times_and_numbers_that_json_lacks_are_null(void **state)
{
    (void)state;
    struct bytes b = {0};
    jsonw_open(&b, '[');
    jsonw_time(&b, 0);
    jsonw_time(&b, EVTIME_MIN);
    jsonw_time(&b, EVTIME_MAX);
    jsonw_num(&b, 0.25);
    jsonw_num(&b, 1.0 / 0.0);
    jsonw_str(&b, NULL);
    jsonw_close(&b, ']');
    assert_json(&b, "[\"1970-01-01T00:00:00.000Z\",null,null,0.25,null,null]");
}

int main(void)
{
    CHECK_RUN(TEST(commas_set_themselves), TEST(strings_are_escaped),
              TEST(what_is_no_utf8_is_replaced), TEST(times_and_numbers_that_json_lacks_are_null));
}
