/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/intakelog.h"
#include "tests/lib/check.h"
#include <rocksdb/c.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

struct fixture {
    char *path;
    struct intakelog *log;
};

static struct intakelog *open_log(const char *path)
{
    struct diag d;
    struct intakelog *l = NULL;
    diag_init(&d, NULL, 0);
    assert_ok(intakelog_open(path, &d, &l));
    diag_fini(&d);
    return l;
}

static int set_up(void **state)
{
    static char path[64];
    struct fixture *f = mem_new(sizeof *f);
    strcpy(path, "/tmp/weir-intakelog-XXXXXX");
    f->path = mkdtemp(path);
    f->log = open_log(f->path);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    intakelog_close(f->log);
    char *command = mem_printf("rm -rf '%s'", f->path);
    int rc = system(command);
    mem_free(command);
    mem_free(f);
    return rc;
}

static void reopen(struct fixture *f)
{
    intakelog_close(f->log);
    f->log = open_log(f->path);
}

/* n rows "<prefix><i>", i from `from`. */
static uint64_t append(struct fixture *f, uint32_t stream, uint32_t partition, const char *prefix,
                       unsigned from, unsigned n, evtime w)
{
    struct intakelog_row *rows = mem_array(n, sizeof *rows);
    for (unsigned i = 0; i < n; i++) {
        char *text = mem_printf("%s%u", prefix, from + i);
        rows[i] = (struct intakelog_row){text, (uint32_t)strlen(text)};
    }
    uint64_t first = UINT64_MAX;
    struct intakelog_time t = {.arrival = 1000, .before = EVTIME_MIN, .w = w};
    assert_ok(intakelog_append(f->log, stream, partition, &t, rows, n, 0, &first));
    for (unsigned i = 0; i < n; i++)
        mem_free((void *)(uintptr_t)rows[i].p);
    mem_free(rows);
    return first;
}

static void assert_row(const struct intakelog_block *b, unsigned i, const char *text)
{
    assert_int_equal(b->rows[i].n, strlen(text));
    assert_memory_equal(b->rows[i].p, text, b->rows[i].n);
}

static void rows_come_back_by_offset(void **state)
{
    struct fixture *f = *state;
    struct intakelog_block *b = mem_new(sizeof *b);
    assert_int_equal(append(f, 1, 0, "r", 0, 3000, 77), 0);
    assert_int_equal(append(f, 1, 0, "r", 3000, 10, 78), 3000);
    assert_int_equal(intakelog_end(f->log, 1, 0), 3010);
    assert_int_equal(intakelog_w(f->log, 1, 0), 78);
    uint64_t at = 5;
    while (at < 3010) {
        char text[32];
        assert_ok(intakelog_read(f->log, 1, 0, at, b));
        assert_int_equal(b->first, at);
        assert_true(b->n > 0);
        assert_int_equal(b->arrivals[b->n - 1], 1000);
        assert_true(b->before == EVTIME_MIN);
        snprintf(text, sizeof text, "r%u", (unsigned)at);
        assert_row(b, 0, text);
        at += b->n;
        snprintf(text, sizeof text, "r%u", (unsigned)at - 1);
        assert_row(b, b->n - 1, text);
        intakelog_block_fini(b);
    }
    assert_err(intakelog_read(f->log, 1, 0, 3010, b), ERR_END);
    assert_err(intakelog_read(f->log, 1, 1, 0, b), ERR_END);
    assert_err(intakelog_read(f->log, 0, 0, 0, b), ERR_END);
    mem_free(b);
}

static void small_blocks_are_read_together(void **state)
{
    struct fixture *f = *state;
    struct intakelog_block *b = mem_new(sizeof *b);
    for (unsigned i = 0; i < 1500; i++)
        append(f, 1, 0, "row ", i, 1, (evtime)i);
    append(f, 1, 1, "other ", 0, 1, 1);
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->n, 1024);
    assert_row(b, 1023, "row 1023");
    intakelog_block_fini(b);
    assert_ok(intakelog_read(f->log, 1, 0, 1024, b));
    assert_int_equal(b->n, 1500 - 1024);
    intakelog_block_fini(b);
    mem_free(b);
}

static void partitions_are_apart_and_known_after_a_restart(void **state)
{
    struct fixture *f = *state;
    append(f, 1, 0, "a", 0, 2, 10);
    append(f, 1, 3, "b", 0, 5, 20);
    append(f, 7, 0, "c", 0, 1, 30);
    append(f, 1, 3, "b", 5, 5, 25);
    assert_ok(intakelog_finish(f->log, 1, 0));
    reopen(f);
    assert_int_equal(intakelog_end(f->log, 1, 0), 2);
    assert_int_equal(intakelog_end(f->log, 1, 1), 0);
    assert_int_equal(intakelog_end(f->log, 1, 3), 10);
    assert_int_equal(intakelog_end(f->log, 7, 0), 1);
    assert_true(intakelog_finished(f->log, 1, 0));
    assert_false(intakelog_finished(f->log, 1, 3));
    assert_true(intakelog_w(f->log, 1, 0) == EVTIME_MAX);
    assert_int_equal(intakelog_w(f->log, 1, 3), 25);
    assert_true(intakelog_w(f->log, 2, 0) == EVTIME_MIN);
}

static void the_end_of_input_is_a_block_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct intakelog_block *b = mem_new(sizeof *b);
    struct intakelog_row row = {"late", 4};
    uint64_t first = 0;
    append(f, 1, 0, "r", 0, 3, 5);
    assert_ok(intakelog_finish(f->log, 1, 0));
    assert_err(intakelog_finish(f->log, 1, 0), ERR_CONFLICT);
    struct intakelog_time t = {1, EVTIME_MIN, 5};
    assert_err(intakelog_append(f->log, 1, 0, &t, &row, 1, 0, &first), ERR_CONFLICT);
    assert_err(intakelog_advance(f->log, 1, 0, 9), ERR_CONFLICT);
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->n, 3);
    assert_false(b->end_of_input);
    intakelog_block_fini(b);
    assert_ok(intakelog_read(f->log, 1, 0, 3, b));
    assert_int_equal(b->n, 0);
    assert_true(b->end_of_input);
    intakelog_block_fini(b);
    /* A partition may end before it has had a row. */
    assert_ok(intakelog_finish(f->log, 1, 1));
    assert_ok(intakelog_read(f->log, 1, 1, 0, b));
    assert_true(b->end_of_input);
    intakelog_block_fini(b);
    mem_free(b);
}

/* One row that arrives at `arrival`, after the clock has raised the watermark to `before`. */
static void append_after(struct fixture *f, const char *text, evtime arrival, evtime before,
                         evtime w)
{
    struct intakelog_row row = {text, (uint32_t)strlen(text)};
    struct intakelog_time t = {arrival, before, w};
    uint64_t first = 0;
    assert_ok(intakelog_append(f->log, 1, 0, &t, &row, 1, 0, &first));
}

static void the_clock_raises_the_watermark_at_the_end_and_rows_take_its_place(void **state)
{
    struct fixture *f = *state;
    struct intakelog_block *b = mem_new(sizeof *b);
    assert_ok(intakelog_advance(f->log, 1, 0, 50)); /* before the first row */
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->n, 0);
    assert_false(b->end_of_input);
    assert_int_equal(b->before, 50);
    intakelog_block_fini(b);
    append_after(f, "one", 2000, EVTIME_MIN, 60);
    append_after(f, "two", 2100, EVTIME_MIN, 61);
    assert_ok(intakelog_advance(f->log, 1, 0, 70));
    assert_ok(intakelog_advance(f->log, 1, 0, 80)); /* one record, not two */
    reopen(f);
    assert_int_equal(intakelog_end(f->log, 1, 0), 2);
    assert_int_equal(intakelog_w(f->log, 1, 0), 80);
    assert_int_equal(intakelog_arrival(f->log, 1, 0), 2100);
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->n, 2);
    assert_int_equal(b->before, 50);
    assert_int_equal(b->w, 61);
    assert_int_equal(b->arrivals[0], 2000);
    assert_int_equal(b->arrivals[1], 2100);
    intakelog_block_fini(b);
    assert_ok(intakelog_read(f->log, 1, 0, 2, b));
    assert_int_equal(b->n, 0);
    assert_int_equal(b->before, 80);
    intakelog_block_fini(b);
    append_after(f, "three", 9000, EVTIME_MIN, 95); /* what the record said stays in the log */
    assert_ok(intakelog_read(f->log, 1, 0, 2, b));
    assert_int_equal(b->before, 80);
    intakelog_block_fini(b);
    append_after(f, "three and a half", 9000, 90, 95);
    append_after(f, "four", 9001, EVTIME_MIN, 96);
    assert_ok(
        intakelog_read(f->log, 1, 0, 1, b)); /* the raise parts blocks that are read together */
    assert_int_equal(b->n, 1);
    assert_row(b, 0, "two");
    intakelog_block_fini(b);
    assert_ok(intakelog_read(f->log, 1, 0, 3, b));
    assert_int_equal(b->n, 2);
    assert_int_equal(b->before, 90);
    assert_int_equal(b->w, 96);
    assert_row(b, 0, "three and a half");
    intakelog_block_fini(b);
    assert_ok(intakelog_advance(f->log, 1, 0, 200));
    assert_ok(intakelog_finish(f->log, 1, 0)); /* the end, too, takes its place */
    assert_ok(intakelog_read(f->log, 1, 0, 5, b));
    assert_true(b->end_of_input);
    intakelog_block_fini(b);
    mem_free(b);
}

static void one_event_is_found_by_its_place(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t n = 0;
    append(f, 1, 0, "event ", 0, 2000, 5);
    assert_ok(intakelog_event(f->log, 1, 0, 1234, &text, &n));
    assert_int_equal(n, strlen("event 1234"));
    assert_memory_equal(text, "event 1234", n);
    mem_free(text);
    assert_err(intakelog_event(f->log, 1, 0, 2000, &text, &n), ERR_NOT_FOUND);
    assert_err(intakelog_event(f->log, 9, 0, 0, &text, &n), ERR_NOT_FOUND);
}

static void large_and_empty_rows_are_kept(void **state)
{
    struct fixture *f = *state;
    enum { BIG = 1 << 20 };
    char *big = mem_alloc(BIG);
    struct intakelog_block *b = mem_new(sizeof *b);
    for (unsigned i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 26);
    struct intakelog_row rows[3] = {{big, BIG}, {"", 0}, {big, BIG - 1}};
    struct intakelog_time t = {1, EVTIME_MIN, 0};
    uint64_t first = 9;
    assert_ok(intakelog_append(f->log, 1, 0, &t, rows, 3, 1, &first));
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->rows[0].n, BIG);
    assert_memory_equal(b->rows[0].p, big, BIG);
    intakelog_block_fini(b);
    assert_ok(intakelog_read(f->log, 1, 0, 1, b));
    assert_int_equal(b->rows[0].n, 0);
    intakelog_block_fini(b);
    assert_ok(intakelog_read(f->log, 1, 0, 2, b));
    assert_int_equal(b->rows[0].n, BIG - 1);
    intakelog_block_fini(b);
    mem_free(b);
    mem_free(big);
}

static void a_note_is_there_with_its_rows(void **state)
{
    struct fixture *f = *state;
    struct intakelog_row rows[2] = {{"a", 1}, {"b", 1}};
    struct intakelog_time t = {1, EVTIME_MIN, 0};
    struct intakelog_note notes[2] = {{INTAKELOG_LETTER, 77, 1, 0},
                                      {INTAKELOG_REFUSED, 5, -1, 900}};
    struct intakelog_noted at = {0};
    uint64_t first = 9;
    append(f, 1, 1, "r", 0, 3, 5);
    assert_ok(intakelog_append_noted(f->log, 1, 1, &t, rows, 2, notes, 2, 0, &first));
    notes[1].offset = 901;
    assert_ok(intakelog_append_noted(f->log, 1, 1, &t, rows, 1, notes + 1, 1, 0, &first));
    reopen(f); /* notes are no partition */
    assert_int_equal(intakelog_end(f->log, 1, 1), 6);
    assert_ok(intakelognote_get(f->log, INTAKELOG_LETTER, 77, &at));
    assert_int_equal(at.stream, 1);
    assert_int_equal(at.partition, 1);
    assert_int_equal(at.offset, 4);
    assert_ok(intakelognote_get(f->log, INTAKELOG_REFUSED, 5, &at));
    assert_int_equal(at.offset, 901);
    assert_err(intakelognote_get(f->log, INTAKELOG_LETTER, 5, &at), ERR_NOT_FOUND);
}

/* Writes `value` under the key of (stream 1, partition 0, offset 0) past the log. */
static void overwrite(struct fixture *f, const char *value, size_t n)
{
    static const char key[16] = {0, 0, 0, 1};
    intakelog_close(f->log);
    f->log = NULL;
    char *text = NULL;
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
    rocksdb_t *db = rocksdb_open(o, f->path, &text);
    assert_null(text);
    rocksdb_put(db, w, key, sizeof key, value, n, &text);
    assert_null(text);
    rocksdb_close(db);
    rocksdb_options_destroy(o);
    rocksdb_writeoptions_destroy(w);
}

static void a_damaged_block_is_refused_with_its_place(void **state)
{
    struct fixture *f = *state;
    struct diag d;
    struct intakelog *l = NULL;
    append(f, 1, 0, "r", 0, 3, 5);
    char bad[40] = {1, 0, 3, 0, 8};
    overwrite(f, bad, sizeof bad);
    diag_init(&d, NULL, 0);
    assert_err(intakelog_open(f->path, &d, &l), ERR_CORRUPT);
    assert_non_null(strstr(d.items[0].message, "stream 1, partition 0"));
    diag_fini(&d);
    bad[0] = 9;
    overwrite(f, bad, sizeof bad);
    diag_init(&d, NULL, 0);
    assert_err(intakelog_open(f->path, &d, &l), ERR_VERSION);
    diag_fini(&d);
    overwrite(f, "x", 1);
    diag_init(&d, NULL, 0);
    assert_err(intakelog_open(f->path, &d, &l), ERR_CORRUPT);
    diag_fini(&d);
}

static void put_number(uint8_t *to, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

static void blocks_of_version_1_are_read(void **state)
{
    struct fixture *f = *state;
    struct intakelog_block *b = mem_new(sizeof *b);
    uint8_t old[32 + 4 + 3] = {1, 0, 1, 0, 7}; /* one row, 7 bytes of payload */
    put_number(old + 8, 1234, 8);
    put_number(old + 16, 77, 8);
    put_number(old + 32, 3, 4);
    memcpy(old + 36, "row", 3);
    put_number(old + 24, XXH3_64bits_withSeed(old + 32, 7, XXH3_64bits(old, 24)), 8);
    overwrite(f, (const char *)old, sizeof old);
    f->log = open_log(f->path);
    assert_int_equal(intakelog_end(f->log, 1, 0), 1);
    assert_int_equal(intakelog_w(f->log, 1, 0), 77);
    append_after(f, "next", 2000, 90, 95);
    assert_ok(intakelog_read(f->log, 1, 0, 0, b));
    assert_int_equal(b->n, 1);
    assert_int_equal(b->arrivals[0], 1234);
    assert_true(b->before == EVTIME_MIN);
    assert_row(b, 0, "row");
    intakelog_block_fini(b);
    mem_free(b);
}

static void a_second_process_is_told_that_it_is_in_use(void **state)
{
    struct fixture *f = *state;
    struct diag d;
    struct intakelog *l = NULL;
    diag_init(&d, NULL, 0);
    assert_err(intakelog_open(f->path, &d, &l), ERR_IN_USE);
    assert_string_equal(d.items[0].code, "in-use");
    diag_fini(&d);
}

static void rows_survive_a_process_that_is_killed(void **state)
{
    struct fixture *f = *state;
    intakelog_close(f->log);
    f->log = NULL;
    pid_t child = fork();
    if (child ==
        0) { /* a program of its own: threads begun after a fork are more than sanitizers know */
        execl("/proc/self/exe", "test_intakelog", "--append-and-die", f->path, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    f->log = open_log(f->path);
    assert_int_equal(intakelog_end(f->log, 1, 0), 2500);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int append_and_die(const char *path)
{
    struct fixture f = {.log = open_log(path)};
    append(&f, 1, 0, "r", 0, 2500, 5);
    return kill(getpid(), SIGKILL);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--append-and-die") == 0)
        return append_and_die(argv[2]);
    CHECK_RUN(LOG_TEST(rows_come_back_by_offset), LOG_TEST(small_blocks_are_read_together),
              LOG_TEST(partitions_are_apart_and_known_after_a_restart),
              LOG_TEST(the_end_of_input_is_a_block_of_its_own),
              LOG_TEST(the_clock_raises_the_watermark_at_the_end_and_rows_take_its_place),
              LOG_TEST(blocks_of_version_1_are_read), LOG_TEST(one_event_is_found_by_its_place),
              LOG_TEST(large_and_empty_rows_are_kept), LOG_TEST(a_note_is_there_with_its_rows),
              LOG_TEST(a_damaged_block_is_refused_with_its_place),
              LOG_TEST(a_second_process_is_told_that_it_is_in_use),
              LOG_TEST(rows_survive_a_process_that_is_killed));
}
