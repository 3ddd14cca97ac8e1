/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/worker/snapthread.h"
#include "state/flowfile.h"
#include "tests/lib/check.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES = 20000, VALUE_BYTES = 3000 };

struct rig {
    char dir[64];
    char *folder, *state;
    struct snapthread *s;
    unsigned entries, records;
    struct diag d;
};

static int set_up(void **state)
{
    struct rig *r = mem_new(sizeof *r);
    snprintf(r->dir, sizeof r->dir, "/tmp/weir-snapthread-XXXXXX");
    if (!mkdtemp(r->dir))
        return -1;
    r->folder = mem_printf("%s/chk-1", r->dir);
    r->state = mem_printf("%s/state", r->dir);
    assert_int_equal(mkdir(r->folder, 0700), 0);
    diag_init(&r->d, NULL, 0);
    assert_ok(snapthread_start(r->state, &(struct store_options){.backend = STORE_HEAP}, "worker-0",
                               &r->d, &r->s));
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    char *command = mem_printf("rm -rf %s", r->dir);
    snapthread_stop(r->s);
    assert_int_equal(system(command), 0);
    diag_fini(&r->d);
    mem_free(command);
    mem_free(r->folder);
    mem_free(r->state);
    mem_free(r);
    return 0;
}

static void give(const struct tasksnap_out *out, unsigned i)
{
    static char value[VALUE_BYTES];
    char key[16];
    size_t n = (size_t)snprintf(key, sizeof key, "key %u", i);
    out->entry(out->ctx, "key|s|k|", i % 128, key, n, value, sizeof value);
}

static struct snapwire_done wait_done(struct rig *r)
{
    struct snapwire_done done;
    bool lost;
    while (!snapthread_done(r->s, &done, &lost))
        poll(NULL, 0, 1);
    return done;
}

static enum err take_entry(void *ctx, const char *op, unsigned group,
                           const struct snapfile_entry *e)
{
    (void)group;
    assert_string_equal(op, "key|s|k|");
    assert_int_equal(e->value_n, VALUE_BYTES);
    ((struct rig *)ctx)->entries++;
    return ERR_OK;
}

static enum err take_record(void *ctx, const void *p, size_t n)
{
    (void)p;
    assert_int_equal(n, 4);
    ((struct rig *)ctx)->records++;
    return ERR_OK;
}

static void what_is_given_out_is_in_the_folder(void **state)
{
    struct rig *r = *state;
    struct tasksnap_out out;
    snapthread_begin(r->s, 1, r->folder, &out);
    for (unsigned i = 0; i < ENTRIES; i++) {
        give(&out, i);
        if (i % 100 == 0)
            out.flow(out.ctx, "flow", 4);
    }
    snapthread_end(r->s);
    struct snapwire_done done = wait_done(r);
    assert_true(done.ok);
    assert_int_equal(done.id, 1);
    assert_int_equal(done.entries, ENTRIES);
    assert_int_equal(done.records, ENTRIES / 100);
    assert_int_equal(snapthread_room(r->s), SNAPTHREAD_ROOM);
    assert_ok(store_read(r->folder, "worker-0", done.files, 0, 128, take_entry, r, &r->d));
    assert_int_equal(r->entries, ENTRIES);
    char *flow = mem_printf("%s/worker-0.flow", r->folder);
    assert_ok(flowfile_read(flow, take_record, r, &r->d));
    assert_int_equal(r->records, ENTRIES / 100);
    mem_free(flow);
}

/* The thread stands in open() of its first file, a pipe that nobody reads yet. */
static void what_waits_for_the_thread_is_said(void **state)
{
    struct rig *r = *state;
    struct tasksnap_out out;
    char *pipe = mem_printf("%s/worker-0.flow.part", r->folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    snapthread_begin(r->s, 1, r->folder, &out);
    assert_int_equal(snapthread_room(r->s), SNAPTHREAD_ROOM);
    for (unsigned i = 0; i < ENTRIES / 4; i++)
        give(&out, i);
    assert_int_equal(snapthread_room(r->s), SNAPTHREAD_SOFT);
    for (unsigned i = ENTRIES / 4; i < ENTRIES; i++)
        give(&out, i);
    assert_int_equal(snapthread_room(r->s), SNAPTHREAD_HARD);
    int fd = open(pipe, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    snapthread_end(r->s);
    (void)wait_done(r);
    assert_int_equal(snapthread_room(r->s), SNAPTHREAD_ROOM);
    close(fd);
    mem_free(pipe);
}

static void a_folder_that_is_not_there_is_a_failure_and_the_next_one_is_whole(void **state)
{
    struct rig *r = *state;
    struct tasksnap_out out;
    snapthread_begin(r->s, 1, "/nowhere/chk-1", &out);
    give(&out, 1);
    snapthread_end(r->s);
    struct snapwire_done done = wait_done(r);
    assert_false(done.ok);
    assert_non_null(strstr(done.why, "/nowhere/chk-1"));
    snapthread_begin(r->s, 2, r->folder, &out);
    give(&out, 2); /* of all that is there: nothing is left of the first */
    snapthread_end(r->s);
    done = wait_done(r);
    assert_true(done.ok);
    assert_ok(store_read(r->folder, "worker-0", done.files, 0, 128, take_entry, r, &r->d));
    assert_int_equal(r->entries, 1);
}

static void it_can_be_stopped_in_the_middle(void **state)
{
    struct rig *r = *state;
    struct tasksnap_out out;
    snapthread_begin(r->s, 1, r->folder, &out);
    for (unsigned i = 0; i < ENTRIES / 4; i++)
        give(&out, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_given_out_is_in_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_for_the_thread_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_folder_that_is_not_there_is_a_failure_and_the_next_one_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_stopped_in_the_middle, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
