/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/lib/check.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void new_memory_is_zero_and_never_null(void **state)
{
    (void)state;
    char *p = mem_new(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    mem_free(p);
    p = mem_new(0);
    assert_non_null(p);
    mem_free(p);
    p = mem_alloc(0);
    assert_non_null(p);
    p = mem_resize(p, 0);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
}

static void copies_end_with_a_nul(void **state)
{
    (void)state;
    char *s = mem_dup("a\0b", 3);
    assert_memory_equal(s, "a\0b\0", 4);
    mem_free(s);
    s = mem_str("weir");
    assert_string_equal(s, "weir");
    mem_free(s);
    s = mem_printf("%s %d", "worker", 3);
    assert_string_equal(s, "worker 3");
    mem_free(s);
}

static void a_vector_grows_and_keeps_its_elements(void **state)
{
    (void)state;
    size_t cap = 0, moves = 0;
    int *v = NULL;
    for (size_t n = 0; n < 10000; n++) {
        size_t before = cap;
        v = mem_grow(v, n, 1, &cap, sizeof *v);
        moves += cap != before;
        v[n] = (int)n;
    }
    for (int n = 0; n < 10000; n++)
        assert_int_equal(v[n], n);
    assert_in_range(moves, 1, 25);
    v = mem_grow(v, 10000, 1000000, &cap, sizeof *v);
    assert_true(cap >= 1010000);
    v = mem_resize_array(v, 10, sizeof *v);
    assert_int_equal(v[9], 9);
    mem_free(v);
}

/* The child's end is the result; its complaint goes nowhere. */
static int end_of(void (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        what();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void too_large_an_array(void)
{
    mem_free(mem_array(SIZE_MAX / 2, 3));
}

static void too_long_a_vector(void)
{
    size_t cap = 8;
    mem_free(mem_grow(NULL, 8, SIZE_MAX, &cap, 1));
}

static void sizes_that_overflow_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(end_of(too_large_an_array), SIGABRT);
    assert_int_equal(end_of(too_long_a_vector), SIGABRT);
}

int main(void)
{
    CHECK_RUN(TEST(new_memory_is_zero_and_never_null), TEST(copies_end_with_a_nul),
              TEST(a_vector_grows_and_keeps_its_elements),
              TEST(sizes_that_overflow_end_the_process));
}
