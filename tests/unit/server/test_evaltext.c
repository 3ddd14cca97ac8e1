/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/eval/evaltext.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <unistd.h>

static char *file_with(const char *text)
{
    char *path = mem_str("/tmp/weir-evaltext-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void errors_are_told_by_file_with_the_line_and_a_mark(void **state)
{
    (void)state;
    struct evaltext t = {0};
    struct bytes out = {0};
    struct diag d;
    char *one = file_with("SELECT 1;\nSELECT 2;"),
         *two = file_with("SELECT \xc3\xa9, amout\nFROM s;\n");
    assert_ok(evaltext_add(&t, one));
    assert_ok(evaltext_add(&t, two));
    diag_init(&d, (const char *)t.text.p, t.text.n);
    const char *word = strstr((const char *)t.text.p, "amout");
    unsigned at = (unsigned)(word - (const char *)t.text.p);
    diag_error(&d, "unknown-column", (struct span){at, at + 5}, "did you mean 'amount'?",
               "no column '%s'", "amout");
    diag_warn(&d, "slow", (struct span){10, 16}, NULL, "this is slow");
    diag_say(&d, "limit", NULL, "too much");
    evaltext_tell(&t, &d, &out);
    bytes_u8(&out, '\0');
    char *expected = mem_printf("%s:1:11: error: no column 'amout' [unknown-column]\n"
                                "    SELECT \xc3\xa9, amout\n"
                                "              ^~~~~\n"
                                "    did you mean 'amount'?\n"
                                "%s:2:1: warning: this is slow [slow]\n"
                                "    SELECT 2;\n"
                                "    ^~~~~~\n"
                                "weir eval: error: too much [limit]\n",
                                two, one);
    assert_string_equal((char *)out.p, expected);
    unlink(one);
    unlink(two);
    mem_free(expected);
    mem_free(one);
    mem_free(two);
    diag_fini(&d);
    bytes_fini(&out);
    evaltext_fini(&t);
}

static void a_file_that_is_not_there_leaves_the_text_as_it_was(void **state)
{
    (void)state;
    struct evaltext t = {0};
    assert_err(evaltext_add(&t, "/nowhere.sql"), ERR_IO);
    assert_int_equal(t.nfiles, 0);
    assert_int_equal(t.text.n, 0);
    evaltext_fini(&t);
}

int main(void)
{
    CHECK_RUN(TEST(errors_are_told_by_file_with_the_line_and_a_mark),
              TEST(a_file_that_is_not_there_leaves_the_text_as_it_was));
}
