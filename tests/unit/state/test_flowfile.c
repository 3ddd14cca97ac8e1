/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/flowfile.h"
#include "tests/lib/check.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 5000 };

struct place {
    char dir[64], path[96];
    unsigned seen;
    struct diag d;
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-flowfile-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/worker-0.flow", p->dir);
    diag_init(&p->d, NULL, 0);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    diag_fini(&p->d);
    unlink(p->path);
    rmdir(p->dir);
    mem_free(p);
    return 0;
}

static uint64_t write_records(struct place *p, unsigned n)
{
    struct flowfile_writer w;
    char text[64];
    uint64_t bytes = 0;
    assert_ok(flowfile_create(&w, p->path));
    for (unsigned i = 0; i < n; i++)
        flowfile_put(&w, text, (size_t)snprintf(text, sizeof text, "record %u of the flow", i));
    assert_ok(flowfile_finish(&w, &bytes));
    return bytes;
}

static enum err take(void *ctx, const void *record, size_t n)
{
    struct place *p = ctx;
    char want[64];
    size_t len = (size_t)snprintf(want, sizeof want, "record %u of the flow", p->seen++);
    assert_int_equal(n, len);
    assert_memory_equal(record, want, len);
    return ERR_OK;
}

static void records_come_back_in_order(void **state)
{
    struct place *p = *state;
    uint64_t bytes = write_records(p, RECORDS);
    struct stat st;
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(bytes, st.st_size);
    assert_ok(flowfile_read(p->path, take, p, &p->d));
    assert_int_equal(p->seen, RECORDS);
}

static void a_flow_without_records_is_whole(void **state)
{
    struct place *p = *state;
    write_records(p, 0);
    assert_ok(flowfile_read(p->path, take, p, &p->d));
    assert_int_equal(p->seen, 0);
}

static enum err count(void *ctx, const void *record, size_t n)
{
    (void)record, (void)n;
    ++*(unsigned *)ctx;
    return ERR_OK;
}

static void a_file_cut_short_gives_nothing(void **state)
{
    struct place *p = *state;
    uint64_t bytes = write_records(p, RECORDS);
    for (uint64_t n = bytes - 1; n > 0; n -= n < 5000 ? 1 : 4999) {
        unsigned seen = 0;
        assert_int_equal(truncate(p->path, (off_t)n), 0);
        assert_int_equal(flowfile_read(p->path, count, &seen, &p->d), ERR_CORRUPT);
        assert_int_equal(seen, 0);
    }
}

static void a_changed_byte_is_noticed(void **state)
{
    struct place *p = *state;
    uint64_t bytes = write_records(p, RECORDS);
    int fd = open(p->path, O_RDWR);
    assert_true(fd >= 0);
    for (uint64_t at = 0; at < bytes; at += at < 64 || bytes - at < 64 ? 1 : 997) {
        unsigned seen = 0;
        char was = 0, is = 0;
        assert_int_equal(pread(fd, &was, 1, (off_t)at), 1);
        is = (char)(was ^ 0x10);
        assert_int_equal(pwrite(fd, &is, 1, (off_t)at), 1);
        enum err e = flowfile_read(p->path, count, &seen, &p->d);
        if (at >= 12 && at < 16)
            assert_int_equal(e, ERR_OK); /* nothing stands there */
        else
            assert_true(e == ERR_CORRUPT || e == ERR_VERSION);
        assert_int_equal(pwrite(fd, &was, 1, (off_t)at), 1);
    }
    close(fd);
}

static void one_that_was_abandoned_is_not_there(void **state)
{
    struct place *p = *state;
    struct flowfile_writer w;
    assert_ok(flowfile_create(&w, p->path));
    flowfile_put(&w, "x", 1);
    flowfile_abandon(&w);
    flowfile_abandon(&w);
    assert_int_equal(access(p->path, F_OK), -1);
    assert_int_equal(flowfile_read(p->path, take, p, &p->d), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_back_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flow_without_records_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_cut_short_gives_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_byte_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_was_abandoned_is_not_there, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
