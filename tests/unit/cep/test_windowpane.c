/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/window/windowpane.h"
#include "tests/lib/check.h"

/* Every window is exactly the panes that lie in it, for all times around. */
static void check_all(const struct windowpane *panes)
{
    const struct windowpane p = *panes;
    for (evtime t = -100; t < 100; t++) {
        int64_t pane = windowpane_of(&p, t);
        assert_true(windowpane_of(&p, t + 1) >= pane);
        bool in_some = false;
        for (int64_t w = -150; w < 150; w++) {
            bool by_time = t >= windowpane_start(&p, w) && t < windowpane_end(&p, w);
            bool by_pane = pane >= windowpane_first(&p, w) && pane <= windowpane_last(&p, w);
            assert_int_equal(by_time, by_pane);
            in_some |= by_time;
            if (windowpane_in_window(&p, pane))
                assert_true(by_time == (w >= windowpane_first_window(&p, pane) &&
                                        w <= windowpane_last_window(&p, pane)));
        }
        assert_int_equal(in_some, windowpane_in_window(&p, pane));
        int64_t next = windowpane_ending_after(&p, t);
        assert_true(windowpane_end(&p, next) > t && windowpane_end(&p, next - 1) <= t);
    }
}

static void check(int64_t size, int64_t slide, int64_t offset)
{
    struct windowpane p;
    windowpane_init(&p, size, slide, offset);
    check_all(&p);
}

static void check_cumulate(int64_t size, int64_t step, int64_t offset)
{
    struct windowpane p;
    windowpane_init_cumulate(&p, size, step, offset);
    check_all(&p);
}

static void windows_are_runs_of_panes(void **state)
{
    (void)state;
    check(10, 10, 0);
    check(60, 10, 0);
    check(60, 10, 3);
    check(7, 3, 0); /* the slide does not divide the size */
    check(9, 4, -1);
    check(3, 10, 0); /* times between windows */
    check(10, 9, 4);
    check(1, 1, 0);
}

static void cumulating_windows_begin_together_and_end_a_step_apart(void **state)
{
    (void)state;
    check_cumulate(15, 5, 0);
    check_cumulate(15, 5, 8);
    check_cumulate(12, 3, -5);
    check_cumulate(4, 4, 1);
    check_cumulate(6, 1, 0);
}

int main(void)
{
    CHECK_RUN(TEST(windows_are_runs_of_panes),
              TEST(cumulating_windows_begin_together_and_end_a_step_apart));
}
