/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "test"
#include "base/bug.h"
#include "base/log.h"
#include "tests/lib/check.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[8192];

/* What `what` writes to stderr, run in a child so that it may also end the process. */
static int hear(void (*what)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        what();
        _exit(0);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n < sizeof said - 1; n += (size_t)got)
        if ((got = read(ends[0], said + n, sizeof said - 1 - n)) < 0)
            break;
    said[n] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

static void say_some(void)
{
    log_init("worker-0", LOG_INFO_LEVEL);
    LOG_DEBUG("not heard", "n=%d", 1);
    LOG_INFO("checkpoint done", "id=%d bytes=%d", 7, 4096);
    LOG_WARN("odd", "%s", "");
}

static void a_fact_is_one_line_of_pairs(void **state)
{
    (void)state;
    hear(say_some);
    assert_memory_equal(said, "time=20", 7);
    assert_non_null(strstr(said, "Z level=info process=worker-0 module=test "
                                 "msg=\"checkpoint done\" id=7 bytes=4096\n"));
    assert_non_null(strstr(said, "level=warn process=worker-0 module=test msg=\"odd\"\n"));
    assert_null(strstr(said, "not heard"));
}

static void say_badly(void)
{
    static char longer[4000];
    memset(longer, 'x', sizeof longer - 1);
    LOG_INFO("two lines", "value=%s", "a\nlevel=error msg=forged\x1b[31m");
    LOG_INFO("long", "value=%s", longer);
}

static void a_value_cannot_begin_a_line_or_outgrow_it(void **state)
{
    (void)state;
    hear(say_badly);
    int lines = 0;
    for (const char *p = said; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 2);
    assert_null(strchr(said, 0x1b));
    assert_true(strlen(said) < 2 * 2048);
}

static void break_something(void)
{
    BUG_IF(1 + 1 == 2, "rows=%d", 7);
}

static void a_bug_says_where_and_ends_the_process(void **state)
{
    (void)state;
    int status = hear(break_something);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "test_log.c:"));
    assert_non_null(strstr(said, "what=\"rows=7\"\n"));
}

static void errno_outlives_a_log_line(void **state)
{
    (void)state;
    int keep = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDERR_FILENO);
    errno = ENOSPC;
    LOG_ERROR("write failed", "file=%s", "x");
    int after = errno;
    dup2(keep, STDERR_FILENO);
    close(keep);
    close(null);
    assert_int_equal(after, ENOSPC);
}

static void a_limiter_lets_one_through_and_counts_the_rest(void **state)
{
    (void)state;
    struct log_limiter limiter = {0};
    unsigned long dropped = 42;
    assert_true(log_allow(&limiter, &dropped));
    assert_int_equal(dropped, 0);
    for (int i = 0; i < 5; i++)
        assert_false(log_allow(&limiter, &dropped));
    limiter.last_ns -= 2000000000;
    assert_true(log_allow(&limiter, &dropped));
    assert_int_equal(dropped, 5);
}

int main(void)
{
    CHECK_RUN(TEST(a_fact_is_one_line_of_pairs), TEST(a_value_cannot_begin_a_line_or_outgrow_it),
              TEST(a_bug_says_where_and_ends_the_process), TEST(errno_outlives_a_log_line),
              TEST(a_limiter_lets_one_through_and_counts_the_rest));
}
