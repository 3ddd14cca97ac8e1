/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalbad.h"
#include "tests/lib/check.h"

static void check_raw(const char *raw, size_t n, const char *expected)
{
    struct bytes out = {0}, want = {0};
    evalbad_line("s", 3, raw, n, "code", "why", &out);
    bytes_printf(&want,
                 "{\"rule\":null,\"kind\":\"error\",\"time\":null,\"stream\":\"s\",\"place\":3,"
                 "\"code\":\"code\",\"reason\":\"why\",\"raw\":\"%s\"}\n",
                 expected);
    assert_int_equal(out.n, want.n);
    assert_memory_equal(out.p, want.p, want.n);
    bytes_fini(&out);
    bytes_fini(&want);
}

static void text_stays_text_and_bytes_that_are_none_are_marked(void **state)
{
    (void)state;
    check_raw("a\"b\n", 4, "a\\\"b\\n");
    check_raw("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9f", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9f");
    check_raw("x\xffy", 3, "x\xef\xbf\xbdy");
    check_raw("\xc3", 1, "\xef\xbf\xbd"); /* cut */
    check_raw("\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong */
    check_raw("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
    check_raw("\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    check_raw("", 0, "");
}

static void an_event_of_no_stream_has_no_place(void **state)
{
    (void)state;
    struct bytes out = {0};
    evalbad_line(NULL, 0, "x", 1, "no-stream", "why", &out);
    bytes_u8(&out, '\0');
    assert_string_equal((char *)out.p,
                        "{\"rule\":null,\"kind\":\"error\",\"time\":null,\"stream\":null,"
                        "\"code\":\"no-stream\",\"reason\":\"why\",\"raw\":\"x\"}\n");
    bytes_fini(&out);
}

int main(void)
{
    CHECK_RUN(TEST(text_stays_text_and_bytes_that_are_none_are_marked),
              TEST(an_event_of_no_stream_has_no_place));
}
