/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/eval/evalinput.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/weir-evalinput-XXXXXX";

static struct evalinput *input_of(const void *bytes, size_t n)
{
    struct evalinput *in = NULL;
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
    assert_ok(evalinput_open(path, &in));
    unlink(path);
    return in;
}

static void lines_come_without_newlines_and_blank_ones_not_at_all(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf{\"a\":1}\n\n  \t\r\n{\"a\":2}\r\nlast";
    static const char *const lines[] = {"{\"a\":1}", "{\"a\":2}\r", "last"};
    struct evalinput *in = input_of(text, sizeof text - 1);
    const char *p;
    size_t n;
    for (size_t i = 0; i < 3; i++) {
        assert_true(evalinput_line(in, &p, &n));
        assert_int_equal(n, strlen(lines[i]));
        assert_memory_equal(p, lines[i], n);
    }
    assert_false(evalinput_line(in, &p, &n));
    assert_int_equal(evalinput_failed(in), 0);
    evalinput_free(in);
}

static void what_is_not_taken_comes_again_with_more(void **state)
{
    (void)state;
    enum { LINES = 400000, LINE = 10 };
    char *text = mem_alloc((size_t)LINES * LINE + 1);
    for (int i = 0; i < LINES; i++) {
        char line[32];
        snprintf(line, sizeof line, "%09d\n", i);
        memcpy(text + (ptrdiff_t)i * LINE, line, LINE);
    }
    struct evalinput *in = input_of(text, (size_t)LINES * LINE);
    const char *p;
    size_t n, at = 0;
    while (evalinput_block(in, 1000 * LINE, &p, &n)) {
        assert_int_equal(n % LINE, 0);
        assert_true(n >= 1000 * LINE || at + n == (size_t)LINES * LINE);
        size_t take = n < 999 * LINE ? n : 999 * LINE;
        assert_memory_equal(p, text + at, take);
        evalinput_take(in, take);
        at += take;
    }
    assert_int_equal(at, (size_t)LINES * LINE);
    evalinput_free(in);
    mem_free(text);
}

static void a_line_that_is_too_long_is_cut_and_the_next_is_whole(void **state)
{
    (void)state;
    size_t huge = (size_t)5 * CODEC_EVENT_MAX;
    char *text = mem_alloc(huge + 64);
    memset(text, 'x', huge);
    memcpy(text, "first\n", 6);
    memcpy(text + huge, "\nnext\n", 6);
    struct evalinput *in = input_of(text, huge + 6);
    const char *p;
    size_t n;
    assert_true(evalinput_line(in, &p, &n) && n == 5);
    assert_true(evalinput_line(in, &p, &n));
    assert_int_equal(n, CODEC_EVENT_MAX + 1);
    assert_true(evalinput_line(in, &p, &n) && n == 4 && memcmp(p, "next", 4) == 0);
    assert_false(evalinput_line(in, &p, &n));
    evalinput_free(in);
    mem_free(text);
}

static void a_folder_or_nothing_is_an_error(void **state)
{
    (void)state;
    struct evalinput *in = NULL;
    const char *p;
    size_t n;
    assert_err(evalinput_open("/nowhere/at/all", &in), ERR_IO);
    assert_ok(evalinput_open("/tmp", &in));
    assert_false(evalinput_line(in, &p, &n));
    assert_int_not_equal(evalinput_failed(in), 0);
    evalinput_free(in);
}

int main(void)
{
    CHECK_RUN(TEST(lines_come_without_newlines_and_blank_ones_not_at_all),
              TEST(what_is_not_taken_comes_again_with_more),
              TEST(a_line_that_is_too_long_is_cut_and_the_next_is_whole),
              TEST(a_folder_or_nothing_is_an_error));
}
