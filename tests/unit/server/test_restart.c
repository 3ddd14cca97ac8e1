/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/restart.h"
#include "tests/lib/check.h"

static montime seconds(int64_t s)
{
    return s * 1000000000;
}

static void delays_grow_to_their_most_and_begin_anew_after_a_good_time(void **state)
{
    (void)state;
    struct restart r;
    static const int64_t want[] = {50, 150, 450, 1000, 1000};
    restart_init(&r, &(struct restart_options){.strategy = RESTART_EXPONENTIAL_DELAY,
                                               .delay_ms = 50,
                                               .max_delay_ms = 1000,
                                               .factor = 3,
                                               .reset_after_ms = 60000});
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(restart_failed(&r, seconds(i), seconds(i + 1)), want[i]);
    assert_int_equal(restart_failed(&r, seconds(100), seconds(159)), 1000);
    assert_int_equal(restart_failed(&r, seconds(200), seconds(260)), 50);
    assert_int_equal(restart_failed(&r, seconds(300), seconds(301)), 150);
}

static void a_fixed_delay_ends_after_so_many_failures_in_a_row(void **state)
{
    (void)state;
    struct restart r;
    restart_init(&r, &(struct restart_options){.strategy = RESTART_FIXED_DELAY,
                                               .delay_ms = 70,
                                               .attempts = 2,
                                               .reset_after_ms = 10000});
    assert_int_equal(restart_failed(&r, 0, seconds(1)), 70);
    assert_int_equal(restart_failed(&r, 0, seconds(2)), 70);
    assert_int_equal(restart_failed(&r, seconds(2), seconds(20)), 70); /* it had been well */
    assert_int_equal(restart_failed(&r, seconds(20), seconds(21)), 70);
    assert_int_equal(restart_failed(&r, seconds(21), seconds(22)), -1);
    restart_reset(&r);
    assert_int_equal(restart_failed(&r, seconds(22), seconds(23)), 70);
}

static void failures_too_close_together_end_it(void **state)
{
    (void)state;
    struct restart r;
    restart_init(&r, &(struct restart_options){.strategy = RESTART_FAILURE_RATE,
                                               .delay_ms = 5,
                                               .failures = 3,
                                               .interval_ms = 10000});
    for (int64_t i = 0; i < 20; i++)
        assert_int_equal(restart_failed(&r, 0, seconds(4 * i)), 5); /* three in twelve seconds */
    for (int64_t i = 0; i < 2; i++)
        assert_int_equal(restart_failed(&r, 0, seconds(100 + i)), 5);
    assert_int_equal(restart_failed(&r, 0, seconds(102)), 5);
    assert_int_equal(restart_failed(&r, 0, seconds(103)), -1);
}

static void strategies_have_the_names_of_flink(void **state)
{
    (void)state;
    enum restart_strategy s = RESTART_EXPONENTIAL_DELAY;
    assert_true(restart_strategy_of("none", &s));
    struct restart r;
    restart_init(&r, &(struct restart_options){.strategy = s});
    assert_int_equal(restart_failed(&r, 0, 1), -1);
    assert_true(restart_strategy_of("failure-rate", &s));
    assert_string_equal(restart_strategy_name(s), "failure-rate");
    assert_false(restart_strategy_of("sometimes", &s));
}

int main(void)
{
    CHECK_RUN(TEST(delays_grow_to_their_most_and_begin_anew_after_a_good_time),
              TEST(a_fixed_delay_ends_after_so_many_failures_in_a_row),
              TEST(failures_too_close_together_end_it), TEST(strategies_have_the_names_of_flink));
}
