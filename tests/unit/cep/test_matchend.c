/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of partial matches when a time is over. */
#include "tests/lib/matchrig.h"

static struct pattern *within(struct pattern *p, int64_t s)
{
    p->within_ms = s * S;
    return p;
}

static void each_step_has_its_time(void **state)
{
    (void)state;
    struct pattern *loop =
        GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, LATER, false), var(LATER, 1));
    each_step = true;
    assert_string_equal(matches(ab(LATER), 3, SKIP_NONE, 0, "axxbaxb"), "?A0 A4B6");
    assert_string_equal(matches(loop, 3, SKIP_PAST_LAST, 0, "axaxaxb"), "A0A2A4B6");
    assert_string_equal(matches(loop, 3, SKIP_PAST_LAST, 0, "axaxxxb"), "?A0 ?A0A2 ?A2");
    assert_string_equal(matches(loop, 3, SKIP_NONE, 0, "axaxxxx"), "?A0A2 ?A2");
    each_step = false;
}

static void elements_have_times_of_their_own(void **state)
{
    (void)state;
    struct pattern *c =
        GROUP(SEQ, NEXT, var(STRICT, 0), within(var(LATER, 1), 2), within(var(LATER, 2), 3));
    struct pattern *loop =
        GROUP(SEQ, NEXT, within(times(var(STRICT, 0), 2, MANY, LATER, true), 2), var(LATER, 1));
    assert_string_equal(matches(c, -1, SKIP_NONE, 0, "abxcabxxc"), "A0B1C3 ?A4B5");
    assert_string_equal(matches(c, -1, SKIP_NONE, 0, "axb"), "?A0");
    /* the loop's rows are near each other, what follows may be far */
    assert_string_equal(matches(loop, -1, SKIP_PAST_LAST, 0, "aaxxxb"), "A0A1B5");
    /* {1} is a loop too: its only row may be far from what came before */
    struct pattern *one =
        GROUP(SEQ, NEXT, var(STRICT, 0), within(times(var(LATER, 1), 1, 1, LATER, false), 2));
    assert_string_equal(matches(one, -1, SKIP_NONE, 0, "axxxb"), "A0B4");
}

/* What is lost to time is told when nothing is left to wait for, and never of rows that are a match. */
static void rows_time_out_when_the_last_that_they_wait_for_is_over(void **state)
{
    (void)state;
    struct pattern *optional =
        GROUP(SEQ, NEXT, var(STRICT, 0), within(var(LATER, 1), 4), within(var(LATER, 2), 2));
    struct pattern *two =
        GROUP(ALT, NEXT, GROUP(SEQ, NEXT, var(STRICT, 0), within(var(LATER, 1), 2)),
              GROUP(SEQ, NEXT, var(STRICT, 0), within(var(LATER, 2), 4)));
    assert_string_equal(matches(optional, -1, SKIP_NONE, 0, "axxbcx"), "A0B3C4");
    assert_string_equal(matches(two, -1, SKIP_NONE, 0, "axxcxxxxx"), "A0C3");
    assert_string_equal(matches(two, -1, SKIP_NONE, 0, "axxxxcxxx"), "?A0");
    assert_string_equal(matches(two, -1, SKIP_PAST_LAST, 0, "axxxxcxxx"), "?A0");
    /* a match in the end, by absence */
    struct pattern *absent =
        GROUP(SEQ, NEXT, within(times(var(STRICT, 0), 1, MANY, LATER, true), 2),
              within(not_var(LATER, 2), 4));
    assert_string_equal(matches(absent, -1, SKIP_NONE, 0, "aaxxxxxx"), "A0 A0A1 A1");
}

static void a_last_not_waits_for_its_own_time(void **state)
{
    (void)state;
    struct pattern *later = GROUP(SEQ, NEXT, var(STRICT, 0), within(not_var(LATER, 1), 3));
    struct pattern *next = GROUP(SEQ, NEXT, var(STRICT, 0), within(not_var(STRICT, 1), 1));
    assert_string_equal(matches(later, -1, SKIP_NONE, 0, "axxbaxb"), "A0");
    assert_string_equal(matches(later, -1, SKIP_PAST_LAST, 0, "axxbaxbaaa"), "A0 A7 A8 A9");
    /* of the very next row: one that is too late is none, but there must be one */
    assert_string_equal(matches(next, -1, SKIP_NONE, 0, "ab"), "A0");
    assert_string_equal(matches(next, -1, SKIP_NONE, 0, "a"), "");
    each_step = true;
    struct pattern *every = GROUP(SEQ, NEXT, var(STRICT, 0), not_var(LATER, 1));
    assert_string_equal(matches(every, 3, SKIP_NONE, 0, "axxbaxb"), "A0");
    each_step = false;
}

/* The row after A takes part in another way; it was the next row all the same. */
static void a_last_not_of_the_next_row_is_settled_by_a_row_of_another_way(void **state)
{
    (void)state;
    struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), times(var(STRICT, 1), 0, 2, LATER, true),
                              not_var(STRICT, 2), not_var(LATER, 2));
    assert_string_equal(matches(p, 4, SKIP_TO_NEXT, 0, "ab"), "A0");
}

/* A greedy loop gives nothing back: the NOT holds only once the loop can take no more. */
static void a_last_not_waits_for_the_greedy_loop_before_it(void **state)
{
    (void)state;
    struct pattern *p =
        GROUP(SEQ, NEXT, within(times(var(STRICT, 0), 1, MANY, LATER, true), 2),
              within(times(var(ANY, 1), 0, 1, STRICT, false), 4), within(not_var(LATER, 2), 2));
    assert_string_equal(matches(p, -1, SKIP_NONE, 0, "axxbxxxxx"), "A0B3");
}

/* AFTER MATCH SKIP TO what took no row, or the first row: matching goes on at the next, and it is said. */
static void skipping_nowhere_is_an_error_beside_the_match(void **state)
{
    (void)state;
    struct pattern *p = GROUP(SEQ, NEXT, times(var(STRICT, 2), 0, 1, STRICT, false), var(STRICT, 0),
                              times(var(STRICT, 1), 0, 1, STRICT, false));
    assert_string_equal(matches(p, -1, SKIP_TO_LAST, 1, "cabax"), "C0A1B2 A1B2 !A1B2 A3 !A3");
    assert_string_equal(matches(p, -1, SKIP_TO_LAST, 2, "cabax"), "C0A1B2 A3 !A3");
    assert_string_equal(matches(p, -1, SKIP_TO_FIRST, 4, "cabax"),
                        "C0A1B2 !C0A1B2 A1B2 !A1B2 A3 !A3");
    assert_string_equal(matches(p, -1, SKIP_TO_LAST, 3, "cabax"), "C0A1B2 A3 !A3");
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(each_step_has_its_time),
              EXPRTREE_TEST(elements_have_times_of_their_own),
              EXPRTREE_TEST(rows_time_out_when_the_last_that_they_wait_for_is_over),
              EXPRTREE_TEST(a_last_not_waits_for_its_own_time),
              EXPRTREE_TEST(a_last_not_waits_for_the_greedy_loop_before_it),
              EXPRTREE_TEST(a_last_not_of_the_next_row_is_settled_by_a_row_of_another_way),
              EXPRTREE_TEST(skipping_nowhere_is_an_error_beside_the_match));
}
