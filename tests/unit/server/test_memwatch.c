/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/memwatch.h"
#include "tests/lib/check.h"

enum { TOTAL = 1000000 };

static void each_step_begins_at_its_share_of_the_total(void **state)
{
    (void)state;
    static const struct {
        uint64_t resident;
        enum memwatch_level level;
    } cases[] = {{0, MEMWATCH_OK},        {899999, MEMWATCH_OK},      {900000, MEMWATCH_NEAR},
                 {949999, MEMWATCH_NEAR}, {950000, MEMWATCH_FULL},    {999999, MEMWATCH_FULL},
                 {TOTAL, MEMWATCH_OVER},  {UINT64_MAX, MEMWATCH_OVER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(memwatch_step(MEMWATCH_OK, cases[i].resident, TOTAL), cases[i].level);
}

static void a_step_is_left_below_where_it_began_so_that_it_does_not_flutter(void **state)
{
    (void)state;
    assert_int_equal(memwatch_step(MEMWATCH_FULL, 949999, TOTAL), MEMWATCH_FULL);
    assert_int_equal(memwatch_step(MEMWATCH_FULL, 920000, TOTAL), MEMWATCH_FULL);
    assert_int_equal(memwatch_step(MEMWATCH_FULL, 919999, TOTAL), MEMWATCH_NEAR);
    assert_int_equal(memwatch_step(MEMWATCH_NEAR, 919999, TOTAL), MEMWATCH_NEAR);
    assert_int_equal(memwatch_step(MEMWATCH_OVER, 870000, TOTAL), MEMWATCH_NEAR);
    assert_int_equal(memwatch_step(MEMWATCH_OVER, 869999, TOTAL), MEMWATCH_OK);
}

static void without_a_total_nothing_is_ever_too_much(void **state)
{
    (void)state;
    assert_int_equal(memwatch_step(MEMWATCH_OVER, UINT64_MAX, 0), MEMWATCH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_begins_at_its_share_of_the_total),
        cmocka_unit_test(a_step_is_left_below_where_it_began_so_that_it_does_not_flutter),
        cmocka_unit_test(without_a_total_nothing_is_ever_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
