/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "io/sink_file.h"
#include "tests/lib/check.h"
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

struct rig {
    char folder[64];
    struct io_sink *sink;
    struct bytes pending; /* of the last prepare */
    struct diag d;
};

static const struct sink each_checkpoint = {.name = "s", .roll_bytes = SINK_ROLL_BYTES};
static const struct sink hourly = {.name = "s",
                                   .roll_bytes = SINK_ROLL_BYTES,
                                   .roll_interval_ms = 3600000};
static const struct sink small = {.name = "s", .roll_bytes = 1, .roll_interval_ms = 3600000};

static int set_up(void **state)
{
    struct rig *x = mem_new(sizeof *x);
    strcpy(x->folder, "/tmp/weir-sink-XXXXXX");
    diag_init(&x->d, NULL, 0);
    *state = x;
    return mkdtemp(x->folder) == NULL;
}

static int tear_down(void **state)
{
    struct rig *x = *state;
    if (x->sink != NULL)
        x->sink->kind->close(x->sink);
    char *command = mem_printf("rm -rf '%s'", x->folder);
    int rc = system(command);
    mem_free(command);
    bytes_fini(&x->pending);
    diag_fini(&x->d);
    mem_free(x);
    return rc;
}

/* As after a crash: what was in memory is gone. */
static void begin(struct rig *x, const struct sink *def, const char *pending)
{
    char *text = mem_str(pending);
    if (x->sink != NULL)
        x->sink->kind->close(x->sink);
    assert_ok(sink_file_open(x->folder, def, &x->d, &x->sink));
    assert_ok(x->sink->kind->recover(x->sink, text, strlen(text), &x->d));
    mem_free(text);
}

static void put(struct rig *x, bool next, const char *line)
{
    assert_ok(x->sink->kind->write(x->sink, next, line, strlen(line), &x->d));
}

static const char *prepare(struct rig *x, uint64_t id)
{
    bytes_reset(&x->pending);
    assert_ok(x->sink->kind->prepare(x->sink, id, &x->pending, &x->d));
    bytes_u8(&x->pending, 0);
    return (const char *)x->pending.p;
}

static void commit(struct rig *x, uint64_t id)
{
    assert_ok(x->sink->kind->commit(x->sink, id, &x->d));
}

/* All lines of committed parts, or how many parts there are that are not, as "parts: n". */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void assert_read(struct rig *x, const char *expected, unsigned uncommitted)
{
    struct dirent **names = NULL;
    struct bytes all = {0};
    unsigned open = 0;
    int n = scandir(x->folder, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char *path = mem_printf("%s/%s", x->folder, names[i]->d_name);
        open += strncmp(names[i]->d_name, ".part-", 6) == 0;
        FILE *f = strncmp(names[i]->d_name, "part-", 5) == 0 ? fopen(path, "r") : NULL;
        for (int c; f != NULL && (c = fgetc(f)) != EOF;)
            bytes_u8(&all, (uint8_t)c);
        if (f != NULL)
            fclose(f);
        mem_free(path);
        free(names[i]);
    }
    free(names);
    bytes_u8(&all, 0);
    assert_string_equal((const char *)all.p, expected);
    assert_int_equal(open, uncommitted);
    bytes_fini(&all);
}

static void readers_see_what_is_committed_and_nothing_else(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "");
    put(x, false, "a\n");
    put(x, false, "b\n");
    assert_read(x, "", 0);
    prepare(x, 1);
    assert_read(x, "", 1);
    put(x, false, "c\n");
    commit(x, 1);
    assert_read(x, "a\nb\n", 0);
    prepare(x, 2);
    commit(x, 2);
    commit(x, 2);
    assert_read(x, "a\nb\nc\n", 0);
}

static void what_was_prepared_is_committed_after_a_crash_and_the_rest_is_not(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "");
    put(x, false, "a\n");
    char *at_1 = mem_str(prepare(x, 1));
    put(x, false, "b\n");
    prepare(x, 2); /* that one was never complete */
    begin(x, &each_checkpoint, at_1);
    assert_read(x, "a\n", 0);
    begin(x, &each_checkpoint, at_1); /* again, and a reader has taken the part */
    assert_read(x, "a\n", 0);
    put(x, false, "b\n");
    prepare(x, 3);
    commit(x, 3);
    assert_read(x, "a\nb\n", 0);
    mem_free(at_1);
}

static void without_a_checkpoint_all_that_is_not_committed_goes(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "");
    put(x, false, "a\n");
    prepare(x, 1);
    begin(x, &each_checkpoint, "");
    assert_read(x, "", 0);
}

static void a_checkpoint_that_failed_leaves_its_lines_to_the_next(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "");
    put(x, false, "a\n");
    prepare(x, 1);
    put(x, false, "b\n");
    char *at_2 = mem_str(prepare(x, 2));
    begin(x, &each_checkpoint, at_2);
    assert_read(x, "a\nb\n", 0);
    mem_free(at_2);
}

static void lines_of_the_checkpoint_behind_are_not_in_this_one(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "");
    put(x, false, "a\n");
    put(x, true, "c\n");
    put(x, false, "b\n");
    char *at_1 = mem_str(prepare(x, 1));
    put(x, false, "d\n");
    char *at_2 = mem_str(prepare(x, 2));
    commit(x, 1);
    assert_read(x, "a\nb\n", 1);
    begin(x, &each_checkpoint, at_1);
    assert_read(x, "a\nb\n", 0);
    mem_free(at_1);
    mem_free(at_2);
}

/* So many that they have a file of their own. */
static void many_lines_of_the_checkpoint_behind_are_not_in_this_one(void **state)
{
    struct rig *x = *state;
    enum { LINES = 20000 };
    begin(x, &hourly, "");
    put(x, false, "a\n");
    for (unsigned i = 0; i < LINES; i++)
        put(x, true, "later\n");
    char *at_1 = mem_str(prepare(x, 1));
    commit(x, 1);
    assert_read(x, "a\n", 1);
    begin(x, &hourly, at_1);
    assert_read(x, "a\n", 0);
    for (unsigned i = 0; i < LINES; i++)
        put(x, true, "later\n");
    prepare(x, 2);
    struct io_sink_stats s;
    x->sink->kind->stats(x->sink, &s);
    assert_int_equal(s.pending_parts, 0);
    assert_int_equal(s.open_bytes + s.waiting_bytes, LINES * strlen("later\n"));
    mem_free(at_1);
}

static void a_part_that_stays_open_is_cut_to_what_the_checkpoint_says(void **state)
{
    struct rig *x = *state;
    begin(x, &hourly, "");
    put(x, false, "a\n");
    char *at_1 = mem_str(prepare(x, 1));
    commit(x, 1);
    put(x, false, "lost\n");
    prepare(x, 2);
    assert_read(x, "", 1);
    begin(x, &hourly, at_1);
    put(x, false, "b\n");
    assert_ok(x->sink->kind->finish(x->sink, &x->d));
    assert_read(x, "a\nb\n", 0);
    mem_free(at_1);
}

static void a_part_of_its_size_is_ended(void **state)
{
    struct rig *x = *state;
    begin(x, &small, "");
    for (unsigned i = 0; i < 40000; i++)
        put(x, false, "line\n");
    struct io_sink_stats s;
    x->sink->kind->stats(x->sink, &s);
    assert_true(s.pending_parts >= 2);
    prepare(x, 1);
    commit(x, 1);
    x->sink->kind->stats(x->sink, &s);
    assert_int_equal(s.committed_lines, 40000);
    assert_int_equal(s.committed_bytes, 200000);
    assert_int_equal(s.pending_parts, 0);
}

static void numbers_rise_even_when_readers_have_taken_all(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "last 99999999999999\n");
    put(x, false, "a\n");
    assert_non_null(strstr(prepare(x, 1), "ended 100000000000000 2 1\nlast 100000000000000\n"));
}

static void damaged_texts_do_no_harm(void **state)
{
    struct rig *x = *state;
    begin(x, &each_checkpoint, "open\nended 5\nlast x\n\nended 7 8 9\nopen 3 4 5\n");
    put(x, false, "a\n");
    prepare(x, 1);
    commit(x, 1);
    assert_read(x, "a\n", 0);
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    struct rig *x = *state;
    char *path = mem_printf("%s/file/below", x->folder), *file = mem_printf("%s/file", x->folder);
    fclose(fopen(file, "w"));
    struct io_sink *none = NULL;
    assert_err(sink_file_open(path, &each_checkpoint, &x->d, &none), ERR_NOT_FOUND);
    assert_null(none);
    mem_free(path);
    mem_free(file);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    CHECK_RUN(CASE(readers_see_what_is_committed_and_nothing_else),
              CASE(what_was_prepared_is_committed_after_a_crash_and_the_rest_is_not),
              CASE(without_a_checkpoint_all_that_is_not_committed_goes),
              CASE(a_checkpoint_that_failed_leaves_its_lines_to_the_next),
              CASE(lines_of_the_checkpoint_behind_are_not_in_this_one),
              CASE(many_lines_of_the_checkpoint_behind_are_not_in_this_one),
              CASE(a_part_that_stays_open_is_cut_to_what_the_checkpoint_says),
              CASE(a_part_of_its_size_is_ended),
              CASE(numbers_rise_even_when_readers_have_taken_all), CASE(damaged_texts_do_no_harm),
              CASE(a_folder_that_cannot_be_made_is_an_error));
}
