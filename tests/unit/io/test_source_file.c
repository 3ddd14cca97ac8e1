/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "io/codec_json.h"
#include "io/source_file.h"
#include "tests/lib/check.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weir-source-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char *command = mem_printf("rm -rf '%s'", folder);
    int rc = system(command);
    mem_free(command);
    return rc;
}

static const char *write_file(const char *name, const char *text, size_t n, const char *mode)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
    return path;
}

static void assert_line(struct source_file *f, const char *expected, uint64_t at)
{
    const char *text = NULL;
    size_t n = 0;
    uint64_t offset = 0;
    assert_ok(source_file_next(f, &text, &n, &offset));
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(text, expected, n);
    assert_int_equal(offset, at);
}

static void assert_none(struct source_file *f, enum err why)
{
    const char *text = NULL;
    size_t n = 0;
    uint64_t offset = 0;
    assert_err(source_file_next(f, &text, &n, &offset), why);
}

static void lines_come_with_the_byte_they_start_at(void **state)
{
    (void)state;
    static const char text[] = "one\n\n  \ntwo\r\nthree";
    struct source_file *f = NULL;
    assert_ok(source_file_open(write_file("a", text, strlen(text), "w"), 0, false, &f));
    assert_line(f, "one", 0);
    assert_line(f, "two\r", 8);
    assert_int_equal(source_file_offset(f), 13);
    assert_line(f, "three", 13);
    assert_none(f, ERR_END);
    assert_none(f, ERR_END);
    source_file_seek(f, 8);
    assert_line(f, "two\r", 8);
    assert_int_equal(source_file_size(f), strlen(text));
    source_file_close(f);
}

static void reading_begins_where_it_was_left(void **state)
{
    (void)state;
    struct source_file *f = NULL;
    assert_ok(source_file_open(write_file("a", "one\ntwo\n", 8, "w"), 4, false, &f));
    assert_line(f, "two", 4);
    assert_none(f, ERR_END);
    source_file_close(f);
}

static void a_followed_file_gives_whole_lines_only(void **state)
{
    (void)state;
    struct source_file *f = NULL;
    assert_ok(source_file_open(write_file("a", "one\ntw", 6, "w"), 0, true, &f));
    assert_line(f, "one", 0);
    assert_none(f, ERR_AGAIN);
    write_file("a", "o\nthree\n", 8, "a");
    assert_line(f, "two", 4);
    assert_line(f, "three", 8);
    assert_none(f, ERR_AGAIN);
    source_file_close(f);
}

static void a_line_that_is_too_long_is_cut_and_passed_over(void **state)
{
    (void)state;
    enum { LONG = 3 * CODEC_EVENT_MAX };
    char *text = mem_alloc(LONG + 6);
    memset(text, 'x', LONG);
    memcpy(text + LONG, "\nnext\n", 6);
    struct source_file *f = NULL;
    const char *line = NULL;
    size_t n = 0;
    uint64_t at = 1;
    assert_ok(source_file_open(write_file("a", text, LONG + 6, "w"), 0, false, &f));
    assert_ok(source_file_next(f, &line, &n, &at));
    assert_int_equal(n, CODEC_EVENT_MAX + 1);
    assert_int_equal(at, 0);
    assert_line(f, "next", LONG + 1);
    assert_none(f, ERR_END);
    source_file_close(f);
    mem_free(text);
}

static void many_lines_cross_the_buffer(void **state)
{
    (void)state;
    enum { LINES = 60000 };
    struct text {
        char *p;
        size_t n, cap;
    } b = {0};
    for (unsigned i = 0; i < LINES; i++) {
        char line[64];
        int n = snprintf(line, sizeof line, "{\"id\":%u,\"pad\":\"%.*s\"}\n", i, (int)(i % 31),
                         "0123456789012345678901234567890");
        b.p = mem_grow(b.p, b.n, (size_t)n, &b.cap, 1);
        memcpy(b.p + b.n, line, (size_t)n);
        b.n += (size_t)n;
    }
    struct source_file *f = NULL;
    const char *line = NULL;
    size_t n = 0;
    uint64_t at = 0, expected = 0;
    const char *path = write_file("a", b.p, b.n, "w");
    assert_ok(source_file_open(path, 0, false, &f));
    for (unsigned i = 0; i < LINES; i++) {
        assert_ok(source_file_next(f, &line, &n, &at));
        assert_int_equal(at, expected);
        assert_memory_equal(line, b.p + at, n);
        expected += n + 1;
    }
    assert_none(f, ERR_END);
    source_file_close(f);
    char *text = NULL;
    int fd = open(path, O_RDONLY);
    assert_ok(source_file_event(fd, 0, &text, &n));
    assert_memory_equal(text, b.p, n);
    mem_free(text);
    assert_err(source_file_event(fd, b.n, &text, &n), ERR_NOT_FOUND);
    close(fd);
    mem_free(b.p);
}

/* Lines of all lengths, some blank: those of blocks are those that come one by one, and start where these do. */
static void blocks_have_the_lines_that_come_one_by_one(void **state)
{
    (void)state;
    enum { LINES = 30000 };
    struct bytes text = {0};
    for (unsigned i = 0; i < LINES; i++)
        bytes_printf(&text, i % 7 == 3 ? " \t\r\n" : "%0*u\n", (int)(1 + i * 13 % 300), i);
    bytes_printf(&text, "the last");
    const char *path = write_file("all", (const char *)text.p, text.n, "w");
    struct source_file *one, *many;
    assert_ok(source_file_open(path, 0, false, &one));
    assert_ok(source_file_open(path, 0, false, &many));
    const char *block, *line;
    size_t n, line_n;
    uint64_t at, offset, offsets[64], seen = 0;
    while (source_file_block(many, &block, &n, &at) == ERR_OK) {
        unsigned rows = 0;
        size_t pos = 0;
        for (uint64_t number = 0;
             pos < n && rows < 64;) { /* as a codec takes them; each third is bad */
            size_t len = strcspn(block + pos, "\n");
            if (block[pos] != ' ' && number++ % 3 != 2)
                offsets[rows++] = number - 1;
            pos += len + 1;
        }
        source_file_places(block, pos, at, offsets, rows);
        for (unsigned i = 0, bad = 0; i < rows; i++, bad++) {
            assert_ok(source_file_next(one, &line, &line_n, &offset));
            if (bad % 3 == 2) {
                assert_ok(source_file_next(one, &line, &line_n, &offset));
                bad++;
            }
            assert_int_equal(offsets[i], offset);
            assert_memory_equal(block + (offset - at), line, line_n);
            seen++;
        }
        source_file_seek(many, at + pos);
        source_file_seek(one, at + pos);
    }
    assert_true(seen > LINES / 2);
    assert_line(many, "the last", text.n - 8);
    source_file_close(one);
    source_file_close(many);
    bytes_fini(&text);
}

static void a_list_and_a_glob_name_the_partitions_in_order(void **state)
{
    (void)state;
    char option[256];
    write_file("p-2", "", 0, "w");
    write_file("p-1", "", 0, "w");
    write_file("first", "", 0, "w");
    snprintf(option, sizeof option, "%s/first , %s/p-*", folder, folder);
    struct option options[] = {{"path", option}, {"follow", "TRUE"}};
    struct schema s = {.name = "s", .noptions = 2, .options = options};
    struct diag d;
    char **paths = NULL;
    unsigned n = 0;
    diag_init(&d, NULL, 0);
    assert_ok(source_file_list(&s, &d, &paths, &n));
    assert_int_equal(n, 3);
    assert_non_null(strstr(paths[0], "/first"));
    assert_non_null(strstr(paths[1], "/p-1"));
    assert_non_null(strstr(paths[2], "/p-2"));
    assert_true(source_file_follows(&s));
    source_file_list_free(paths);
    snprintf(option, sizeof option, "%s/none-*", folder);
    assert_err(source_file_list(&s, &d, &paths, &n), ERR_NOT_FOUND);
    s.noptions = 0;
    assert_err(source_file_list(&s, &d, &paths, &n), ERR_INVALID);
    diag_fini(&d);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(FILE_TEST(lines_come_with_the_byte_they_start_at),
              FILE_TEST(reading_begins_where_it_was_left),
              FILE_TEST(a_followed_file_gives_whole_lines_only),
              FILE_TEST(a_line_that_is_too_long_is_cut_and_passed_over),
              FILE_TEST(many_lines_cross_the_buffer),
              FILE_TEST(blocks_have_the_lines_that_come_one_by_one),
              FILE_TEST(a_list_and_a_glob_name_the_partitions_in_order));
}
