/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/idle.h"
#include "tests/lib/check.h"

enum { SECOND = 1000, START = 1000000 };

static struct schema schema_of(enum time_kind time, int64_t timeout_ms)
{
    return (struct schema){.name = "s", .time = time, .idle_timeout_ms = timeout_ms};
}

static void a_stream_without_a_timeout_is_never_moved_by_the_clock(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, 0);
    struct idle s;
    idle_init(&s, &schema, 2, START);
    idle_event(&s, 0, 500, START);
    assert_false(idle_goes_by_clock(&s));
    assert_false(idle_is(&s, 0, EVTIME_LAST));
    assert_false(idle_all(&s, EVTIME_LAST));
    assert_true(idle_w(&s, 0, EVTIME_LAST) == EVTIME_MIN);
    idle_fini(&s);
}

static void an_idle_partition_goes_along_with_the_active_one_furthest_behind(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, 10 * SECOND);
    struct idle s;
    evtime now = START;
    idle_init(&s, &schema, 3, now);
    idle_event(&s, 0, 100, now);
    now += 9999;
    idle_event(&s, 1, 300, now);
    idle_event(&s, 2, 250, now);
    assert_false(idle_is(&s, 0, now));
    assert_true(idle_w(&s, 0, now) == EVTIME_MIN); /* it still holds the others back */
    now++;
    assert_true(idle_is(&s, 0, now));
    assert_int_equal(idle_w(&s, 0, now), 250);
    assert_true(idle_w(&s, 1, now) == EVTIME_MIN);
    idle_event(&s, 2, 400, now);
    assert_int_equal(idle_w(&s, 0, now), 300);
    idle_event(&s, 0, 300, now); /* an event, late perhaps: it is active again */
    assert_false(idle_is(&s, 0, now));
    idle_fini(&s);
}

static void an_active_partition_without_a_time_lets_no_idle_one_move(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, 10 * SECOND);
    struct idle s;
    idle_init(&s, &schema, 2, START);
    idle_event(&s, 0, 100, START);
    idle_event(&s, 1, EVTIME_MIN, START + 8 * SECOND); /* PUNCTUATED, and no mark yet */
    assert_true(idle_w(&s, 0, START + 12 * SECOND) == EVTIME_MIN);
    idle_fini(&s);
}

static void when_all_are_idle_time_goes_on_from_the_last_event(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, 10 * SECOND);
    struct idle s;
    idle_init(&s, &schema, 3, START);
    assert_true(idle_w(&s, 0, START + 60 * SECOND) == EVTIME_MIN); /* no time is known at all */
    idle_event(&s, 0, 5000, START);
    idle_event(&s, 1, 7000, START + 4 * SECOND); /* partition 2 has never had an event */
    assert_false(idle_all(&s, START + 13999));
    assert_int_equal(idle_w(&s, 0, START + 13999), 7000);
    assert_true(idle_all(&s, START + 14 * SECOND));
    for (unsigned p = 0; p < 3; p++) {
        assert_int_equal(idle_w(&s, p, START + 14 * SECOND), 7000 + 10 * SECOND);
        assert_int_equal(idle_w(&s, p, START + 15 * SECOND), 7000 + 11 * SECOND);
    }
    idle_fini(&s);
}

static void ended_partitions_neither_hold_back_nor_move(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, 10 * SECOND);
    struct idle s;
    idle_init(&s, &schema, 2, START);
    idle_event(&s, 0, 100, START);
    idle_event(&s, 1, 9000, START);
    idle_end(&s, 1);
    assert_true(idle_w(&s, 1, START + 20 * SECOND) == EVTIME_MIN);
    assert_int_equal(idle_w(&s, 0, START + 20 * SECOND), 100 + 20 * SECOND);
    idle_end(&s, 0);
    assert_false(idle_all(&s, START + 20 * SECOND));
    idle_fini(&s);
}

static void a_clock_that_is_set_back_makes_nothing_idle_and_breaks_nothing(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, 10 * SECOND);
    struct idle s;
    idle_init(&s, &schema, 1, START);
    idle_event(&s, 0, 100, START);
    idle_event(&s, 0, 200, START - 60 * SECOND);
    assert_false(idle_is(&s, 0, START + 9 * SECOND));
    assert_int_equal(idle_w(&s, 0, START + 10 * SECOND), 200 + 10 * SECOND);
    idle_fini(&s);
}

static void with_processing_time_the_clock_is_the_watermark(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_PROCESSING, 0);
    struct idle s;
    idle_init(&s, &schema, 2, START);
    assert_true(idle_goes_by_clock(&s));
    assert_int_equal(idle_w(&s, 0, START + 5), START + 5);
    idle_end(&s, 0);
    assert_true(idle_w(&s, 0, START + 5) == EVTIME_MIN);
    idle_fini(&s);
}

static void time_does_not_run_past_the_last_year(void **state)
{
    (void)state;
    struct schema schema = schema_of(TIME_EVENT, SECOND);
    struct idle s;
    idle_init(&s, &schema, 1, START);
    idle_event(&s, 0, EVTIME_LAST - 5, START);
    assert_true(idle_w(&s, 0, START + 60 * SECOND) == EVTIME_LAST);
    idle_fini(&s);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(a_stream_without_a_timeout_is_never_moved_by_the_clock),
              cmocka_unit_test(an_idle_partition_goes_along_with_the_active_one_furthest_behind),
              cmocka_unit_test(an_active_partition_without_a_time_lets_no_idle_one_move),
              cmocka_unit_test(when_all_are_idle_time_goes_on_from_the_last_event),
              cmocka_unit_test(ended_partitions_neither_hold_back_nor_move),
              cmocka_unit_test(a_clock_that_is_set_back_makes_nothing_idle_and_breaks_nothing),
              cmocka_unit_test(with_processing_time_the_clock_is_the_watermark),
              cmocka_unit_test(time_does_not_run_past_the_last_year));
}
