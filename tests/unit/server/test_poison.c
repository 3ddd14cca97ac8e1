/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/run/poison.h"
#include "server/worker/workerwatch.h"
#include "tests/lib/check.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char folder[64];
    char *file;
    struct poison *p;
};

static struct poison *open_list(const char *file, enum err want)
{
    struct diag d;
    struct poison *p = NULL;
    diag_init(&d, NULL, 0);
    assert_err(poison_open(file, &d, &p), want);
    diag_fini(&d);
    return p;
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(sizeof *f);
    strcpy(f->folder, "/tmp/weir-poison-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->file = mem_printf("%s/poison.list", f->folder);
    f->p = open_list(f->file, ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    poison_close(f->p);
    remove(f->file);
    rmdir(f->folder);
    mem_free(f->file);
    mem_free(f);
    return 0;
}

static montime seconds(int64_t s)
{
    return s * 1000000000;
}

static struct poison_watch told(const struct poison *p)
{
    struct bytes b = {0};
    struct poison_watch w;
    poison_put(p, &b);
    assert_ok(poison_get(b.p, b.n, &w));
    for (size_t n = 0; n < b.n; n++) {
        struct poison_watch cut;
        if (n == 0 || (n - 2) % 24 != 0 || n < 2 + 24 * w.nsuspects)
            assert_err(poison_get(b.p, n, &cut), ERR_CORRUPT);
    }
    bytes_fini(&b);
    return w;
}

static void the_third_death_at_one_event_finds_it(void **state)
{
    struct fixture *f = *state;
    const struct lastplace range = {1, 0, 100, 199}, one = {1, 0, 123, 123},
                           other = {1, 1, 123, 123};
    assert_false(poison_died(f->p, NULL, 0, seconds(1)));
    for (int i = 0; i < 5; i++)
        assert_false(poison_died(f->p, &range, 0, seconds(1))); /* it is not known which */
    assert_false(poison_died(f->p, &one, 0, seconds(1)));
    assert_false(poison_died(f->p, &other, 0, seconds(1)));
    assert_false(poison_died(f->p, &one, 0, seconds(1)));
    assert_true(poison_died(f->p, &one, 0, seconds(1)));
    assert_true(poison_died(f->p, &one, 0, seconds(1)));
    assert_false(poison_died(f->p, &other, 0, seconds(1)));
    struct poison_place places[POISON_PLACES];
    assert_int_equal(poison_places(f->p, places, POISON_PLACES), 2);
    assert_int_equal(places[1].times, 4);
    assert_false(places[1].skipped);
}

static void suspects_are_told_until_an_attempt_was_well(void **state)
{
    struct fixture *f = *state;
    struct poison_watch w = told(f->p);
    assert_true(!w.rows && w.nsuspects == 0 && w.nskips == 0);
    mem_free(w.skips);
    const struct lastplace a = {1, 0, 100, 199}, b = {1, 0, 300, 399};
    (void)poison_died(f->p, &a, 0, seconds(1));
    (void)poison_died(f->p, &a, 0, seconds(1));
    w = told(f->p);
    assert_true(w.rows && w.nsuspects == 1 && w.suspects[0].last == 199);
    mem_free(w.skips);
    (void)poison_died(f->p, &b, seconds(1), seconds(62));
    w = told(f->p);
    assert_true(w.nsuspects == 1 && w.suspects[0].first == 300);
    mem_free(w.skips);
}

static void an_event_that_is_set_aside_stays_so(void **state)
{
    struct fixture *f = *state;
    const struct lastplace late = {2, 0, 7, 7}, early = {1, 3, 9, 9};
    (void)poison_died(f->p, &late, 0, 0);
    assert_ok(poison_skip(f->p, &late));
    assert_ok(poison_skip(f->p, &early));
    struct poison_place place;
    assert_int_equal(poison_places(f->p, &place, 1), 1);
    assert_true(place.skipped);
    poison_close(f->p);
    f->p = open_list(f->file, ERR_OK);
    assert_int_equal(poison_skipped(f->p), 2);
    struct bytes b = {0};
    poison_put(f->p, &b);
    struct workerwatch *w = workerwatch_new(-1);
    assert_ok(workerwatch_take(w, b.p, b.n));
    assert_non_null(workerwatch_rows(w));
    assert_true(workerwatch_skips(w, &early) && workerwatch_skips(w, &late));
    assert_true(workerwatch_skips(w, &(struct lastplace){1, 3, 0, 9}));
    assert_false(workerwatch_skips(w, &(struct lastplace){1, 3, 0, 8}));
    assert_false(workerwatch_skips(w, &(struct lastplace){1, 3, 10, 99}));
    assert_false(workerwatch_skips(w, &(struct lastplace){2, 1, 7, 7}));
    workerwatch_free(w);
    bytes_fini(&b);
}

static void a_list_with_other_things_is_refused(void **state)
{
    struct fixture *f = *state;
    FILE *out = fopen(f->file, "w");
    fputs("1 2 3\nwhat\n", out);
    fclose(out);
    assert_null(open_list(f->file, ERR_CORRUPT));
}

static void what_a_process_was_at_can_be_read_when_it_is_dead(void **state)
{
    (void)state;
    const struct lastplace at = {5, 6, 7, 8};
    struct lastplace out;
    int status = 0, fd = lastplace_file();
    assert_true(fd >= 0);
    struct lastplace_page *page = lastplace_map(fd);
    assert_false(lastplace_get(page, &out));
    pid_t pid = fork();
    if (pid == 0) {
        lastplace_set(page, &at);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(lastplace_get(page, &out));
    assert_memory_equal(&out, &at, sizeof at);
    lastplace_set(page, NULL);
    assert_false(lastplace_get(page, &out));
    lastplace_unmap(page);
    close(fd);
    assert_null(lastplace_map(-1));
}

#define POISON_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(POISON_TEST(the_third_death_at_one_event_finds_it),
              POISON_TEST(suspects_are_told_until_an_attempt_was_well),
              POISON_TEST(an_event_that_is_set_aside_stays_so),
              POISON_TEST(a_list_with_other_things_is_refused),
              TEST(what_a_process_was_at_can_be_read_when_it_is_dead));
}
