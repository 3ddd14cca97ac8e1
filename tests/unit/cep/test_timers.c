/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/timers.h"
#include "tests/lib/check.h"
#include <stdlib.h>

enum { MANY = 500 };

static void the_earliest_is_taken_first_and_none_after_its_time(void **state)
{
    (void)state;
    struct timers t = {0};
    struct timer a, b, c;
    timer_init(&a);
    timer_init(&b);
    timer_init(&c);
    assert_true(timers_next(&t) == EVTIME_MAX);
    timers_set(&t, &a, 30);
    timers_set(&t, &b, -10);
    timers_set(&t, &c, 20);
    assert_int_equal(timers_next(&t), -10);
    assert_ptr_equal(timers_take(&t, 20), &b);
    assert_false(timer_is_set(&b));
    assert_ptr_equal(timers_take(&t, 20), &c);
    assert_null(timers_take(&t, 20));
    assert_ptr_equal(timers_take(&t, 30), &a);
    assert_null(timers_take(&t, EVTIME_MAX));
    timers_fini(&t);
}

static void a_timer_that_is_set_again_is_there_once(void **state)
{
    (void)state;
    struct timers t = {0};
    struct timer a;
    timer_init(&a);
    timers_set(&t, &a, 10);
    timers_set(&t, &a, 40);
    assert_null(timers_take(&t, 39));
    timers_before(&t, &a, 50);
    assert_int_equal(timers_next(&t), 40);
    timers_before(&t, &a, 5);
    assert_int_equal(timers_next(&t), 5);
    timers_set(&t, &a, EVTIME_MAX);
    assert_null(timers_first(&t));
    timers_unset(&t, &a);
    timers_fini(&t);
}

static void timers_in_order_of_time_are_a_list_and_need_no_memory(void **state)
{
    (void)state;
    struct timers t = {0};
    struct timer all[MANY], twin, early;
    for (unsigned i = 0; i < MANY; i++) {
        timer_init(&all[i]);
        timers_set(&t, &all[i], i / 2);
    }
    assert_int_equal(timers_bytes(&t), 0);
    timer_init(&twin);
    timers_set_beside(&t, &twin, &all[5]);
    timers_unset(&t, &all[2]);
    timers_unset(&t, &all[MANY - 1]);
    for (unsigned i = 0; i < MANY - 1; i++) {
        if (i == 6)
            assert_ptr_equal(timers_take(&t, 2), &twin);
        if (i != 2)
            assert_ptr_equal(timers_take(&t, i / 2), &all[i]);
    }
    assert_null(timers_first(&t));
    assert_int_equal(timers_bytes(&t), 0);
    timer_init(&early);
    timers_set(&t, &all[0], 9);
    timers_set(&t, &early, 8); /* not in order: one for the heap */
    assert_ptr_equal(timers_take(&t, 9), &early);
    timers_fini(&t);
}

static void count_one(void *n, struct timer *x)
{
    assert_true(timer_is_set(x));
    ++*(unsigned *)n;
}

static void assert_each(const struct timers *t, const struct timer *all, evtime to)
{
    unsigned n = 0, want = 0;
    for (unsigned i = 0; i < MANY; i++)
        want += timer_is_set(&all[i]) && all[i].at <= to;
    timers_each(t, to, count_one, &n);
    assert_int_equal(n, want);
}

/* Against a plain search. */
static void any_order_of_settings_comes_out_in_order_of_time(void **state)
{
    (void)state;
    struct timers t = {0};
    struct timer all[MANY];
    srand(3);
    for (unsigned i = 0; i < MANY; i++)
        timer_init(&all[i]);
    for (unsigned round = 0; round < 20000; round++) {
        struct timer *x = &all[rand() % MANY];
        int dice = rand() % 10;
        evtime least = EVTIME_MAX;
        if (dice < 6)
            timers_set(&t, x, rand() % 1000);
        else if (dice < 8)
            timers_unset(&t, x);
        for (unsigned i = 0; i < MANY; i++)
            if (timer_is_set(&all[i]) && all[i].at < least)
                least = all[i].at;
        assert_true(timers_next(&t) == least);
        assert_each(&t, all, rand() % 1000);
        if (dice < 9)
            continue;
        struct timer *first = timers_take(&t, least);
        assert_true(least == EVTIME_MAX ? first == NULL : first->at == least);
    }
    timers_fini(&t);
}

int main(void)
{
    CHECK_RUN(TEST(the_earliest_is_taken_first_and_none_after_its_time),
              TEST(a_timer_that_is_set_again_is_there_once),
              TEST(timers_in_order_of_time_are_a_list_and_need_no_memory),
              TEST(any_order_of_settings_comes_out_in_order_of_time));
    return 0;
}
