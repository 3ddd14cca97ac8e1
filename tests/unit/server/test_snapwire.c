/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/wire/lanewire.h"
#include "server/wire/snapwire.h"
#include "tests/lib/check.h"
#include <string.h>

struct wire {
    struct arena *a;
    struct bytes b;
};

static int set_up(void **state)
{
    struct wire *w = mem_new(sizeof *w);
    w->a = arena_new(4096, 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct wire *w = *state;
    arena_free(w->a);
    bytes_fini(&w->b);
    mem_free(w);
    return 0;
}

static void where_state_is_kept_arrives_as_it_was_sent(void **state)
{
    struct wire *w = *state;
    const uint32_t files[] = {3, 1};
    struct snapwire_state
        m = {"data/state/worker-1", 1, "data/checkpoints/chk-7", true, 128, 2, files},
        out;
    snapwire_put_state(&m, &w->b);
    assert_ok(snapwire_get_state(w->b.p, w->b.n, w->a, &out));
    assert_string_equal(out.dir, m.dir);
    assert_string_equal(out.folder, m.folder);
    assert_int_equal(out.backend, 1);
    assert_true(out.same);
    assert_int_equal(out.key_groups, 128);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.files[0], 3);
    for (size_t n = 0; n < w->b.n; n++)
        assert_int_equal(snapwire_get_state(w->b.p, n, w->a, &out), ERR_CORRUPT);
}

static void a_lane_that_begins_with_a_savepoint_arrives_as_it_was_sent(void **state)
{
    struct wire *w = *state;
    const uint32_t files[] = {3, 1};
    const struct job_mark marks[] = {{0, 70, 1000, 5}, {1, 0, EVTIME_MIN, 5}};
    const struct lanewire_order m = {9, true, "savepoints/sp", 2, 4, 17, 2, marks, 128, 2, files};
    struct lanewire_order out;
    lanewire_put_order(&m, &w->b);
    assert_ok(lanewire_get_order(w->b.p, w->b.n, w->a, &out));
    assert_int_equal(out.uid, 9);
    assert_true(out.must);
    assert_string_equal(out.folder, m.folder);
    assert_int_equal(out.saved_uid, 2);
    assert_int_equal(out.saved_version, 4);
    assert_int_equal(out.saved_w, 17);
    assert_int_equal(out.nmarks, 2);
    assert_memory_equal(&out.marks[0].offset, &marks[0].offset, sizeof marks[0].offset);
    assert_int_equal(out.marks[1].w, EVTIME_MIN);
    assert_int_equal(out.marks[1].stream, 5);
    assert_int_equal(out.key_groups, 128);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.files[1], 1);
    for (size_t n = 0; n < w->b.n; n++)
        assert_int_equal(lanewire_get_order(w->b.p, n, w->a, &out), ERR_CORRUPT);
}

static void that_a_lane_is_loaded_arrives_as_it_was_sent(void **state)
{
    struct wire *w = *state;
    struct lanewire_done out;
    lanewire_put_done(&(struct lanewire_done){9, "it is damaged"}, &w->b);
    assert_ok(lanewire_get_done(w->b.p, w->b.n, w->a, &out));
    assert_int_equal(out.uid, 9);
    assert_string_equal(out.why, "it is damaged");
    assert_int_equal(lanewire_get_done(w->b.p, w->b.n - 1, w->a, &out), ERR_CORRUPT);
}

static void an_order_arrives_as_it_was_sent(void **state)
{
    struct wire *w = *state;
    struct snapwire_order m = {12, SNAPWIRE_AT_LEAST_ONCE, 250, "chk-12"}, out;
    snapwire_put_order(&m, &w->b);
    assert_ok(snapwire_get_order(w->b.p, w->b.n, w->a, &out));
    assert_int_equal(out.id, 12);
    assert_int_equal(out.mode, SNAPWIRE_AT_LEAST_ONCE);
    assert_int_equal(out.alignment_timeout_ms, 250);
    assert_string_equal(out.folder, "chk-12");
    w->b.p[8] = 2; /* there is no such mode */
    assert_int_equal(snapwire_get_order(w->b.p, w->b.n, w->a, &out), ERR_CORRUPT);
}

static void positions_of_a_checkpoint_arrive_as_they_were_sent(void **state)
{
    struct wire *w = *state;
    const struct control_position at[] = {{1, 0, 5, EVTIME_MIN, 6, 7, 8},
                                          {2, 3, UINT64_MAX, EVTIME_MAX, 0, 0, 0}};
    struct snapwire_begun m = {9, 100, 20, true, 2, at}, out;
    snapwire_put_begun(&m, &w->b);
    assert_ok(snapwire_get_begun(w->b.p, w->b.n, w->a, &out));
    assert_int_equal(out.id, 9);
    assert_int_equal(out.alignment_ns, 100);
    assert_int_equal(out.sync_ns, 20);
    assert_true(out.unaligned);
    assert_int_equal(out.npositions, 2);
    assert_memory_equal(out.positions, at, sizeof at);
    for (size_t n = 0; n < w->b.n; n++)
        assert_int_equal(snapwire_get_begun(w->b.p, n, w->a, &out), ERR_CORRUPT);
}

static void what_was_written_arrives_as_it_was_sent(void **state)
{
    struct wire *w = *state;
    struct snapwire_done m = {.id = 3,
                              .entries = 10,
                              .bytes = 100,
                              .new_bytes = 50,
                              .flow_bytes = 5,
                              .records = 2,
                              .async_ns = 77,
                              .files = 4,
                              .why = "the disk is full"},
                         out;
    snapwire_put_done(&m, &w->b);
    assert_ok(snapwire_get_done(w->b.p, w->b.n, &out));
    assert_memory_equal(&out, &m, sizeof m);
    bytes_u8(&w->b, 0);
    assert_int_equal(snapwire_get_done(w->b.p, w->b.n, &out), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(where_state_is_kept_arrives_as_it_was_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lane_that_begins_with_a_savepoint_arrives_as_it_was_sent,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(that_a_lane_is_loaded_arrives_as_it_was_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_order_arrives_as_it_was_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(positions_of_a_checkpoint_arrive_as_they_were_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_written_arrives_as_it_was_sent, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
