/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a start's ways is its match, where their order is not a list. */
#include "tests/lib/matchrig.h"

/* A, reluctantly B's, an optional C at last. */
static struct pattern *tail_after_reluctant_loop(enum contiguity inner)
{
    return GROUP(SEQ, NEXT, var(STRICT, 0), times(var(LATER, 1), 1, MANY, inner, true),
                 times(var(LATER, 2), 0, 1, STRICT, false));
}

/* Ending is preferred to another B, and the C to ending; but a B that comes sooner than the C is preferred to it. */
static void more_of_a_reluctant_loop_counts_only_if_its_tail_comes(void **state)
{
    (void)state;
    assert_string_equal(matches(tail_after_reluctant_loop(LATER), 9, SKIP_PAST_LAST, 0, "abbxx"),
                        "A0B1");
    assert_string_equal(matches(tail_after_reluctant_loop(LATER), 9, SKIP_PAST_LAST, 0, "abbxcx"),
                        "A0B1B2C4");
    assert_string_equal(matches(tail_after_reluctant_loop(LATER), 9, SKIP_PAST_LAST, 0, "abcbx"),
                        "A0B1C2");
    assert_string_equal(matches(tail_after_reluctant_loop(STRICT), 4, SKIP_TO_NEXT, 0, "abbxc"),
                        "A0B1");
    each_step = true;
    assert_string_equal(matches(tail_after_reluctant_loop(STRICT), 4, SKIP_TO_NEXT, 0, "abbxc"),
                        "A0B1B2C4");
    each_step = false;
}

/* One row is D and B: the second alternative takes it as soon as it comes, if the first would end only later. */
static void a_way_that_takes_the_row_beats_one_of_the_same_rows_that_lets_it_lie(void **state)
{
    (void)state;
    struct pattern *p = GROUP(ALT, NEXT, GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1)),
                              GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 2)));
    assert_string_equal(matches(p, 9, SKIP_PAST_LAST, 0, "acb"), "A0C1");
    assert_string_equal(matches(p, 9, SKIP_PAST_LAST, 0, "axbc"), "A0B2");
    struct pattern *q =
        GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, 3, LATER, true), var(STRICT, 0), var(LATER, 1));
    assert_string_equal(matches(q, 9, SKIP_TO_NEXT, 0, "aaab"), "A0A1A2B3 A1A2B3 ?A2");
}

/* A row may be A and B: B is preferred to the second A, which is taken if the first alternative, preferred to both, would come
 * too, but later. */
static void a_way_counts_that_keeps_another_from_being_the_match(void **state)
{
    (void)state;
    struct pattern *p =
        GROUP(ALT, NEXT, GROUP(SEQ, NEXT, times(var(STRICT, 0), 2, 2, LATER, false)),
              GROUP(SEQ, NEXT, var(STRICT, 1)), GROUP(SEQ, NEXT, var(STRICT, 0), var(STRICT, 2)));
    b_or_a = true;
    assert_string_equal(matches(p, 9, SKIP_PAST_LAST, 0, "acxa"), "A0C1 B3");
    assert_string_equal(matches(p, 9, SKIP_PAST_LAST, 0, "acxx"), "B0");
    b_or_a = false;
}

static void with_a_match_that_none_can_outrank_the_start_is_decided(void **state)
{
    (void)state;
    struct pattern *p = GROUP(ALT, NEXT, GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1)),
                              GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 2)));
    assert_string_equal(matches(p, -1, SKIP_PAST_LAST, 0, "acacacx"), "A0C1 A2C3 A4C5");
    assert_int_equal(stats.partials, 0);
    assert_string_equal(matches(tail_after_reluctant_loop(LATER), -1, SKIP_PAST_LAST, 0, "abcxx"),
                        "A0B1C2");
    assert_int_equal(stats.partials, 0);
}

/* Many B's that might all count, or none. */
static void many_ways_that_depend_on_one_row_take_no_exponential_time(void **state)
{
    (void)state;
    enum { LAST = 80 }; /* 2 to the 79th would not end; debug builds check each step */
    char letters[LAST + 2];
    memset(letters, 'b', sizeof letters);
    letters[0] = 'a';
    letters[LAST] = 'c';
    letters[LAST + 1] = '\0';
    const char *out = matches(tail_after_reluctant_loop(LATER), 1000, SKIP_PAST_LAST, 0, letters);
    assert_string_equal(out + strlen(out) - 3, "C80");
    letters[LAST] = 'x';
    assert_string_equal(matches(tail_after_reluctant_loop(ANY), 1000, SKIP_PAST_LAST, 0, letters),
                        "A0B1");
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(more_of_a_reluctant_loop_counts_only_if_its_tail_comes),
              EXPRTREE_TEST(a_way_that_takes_the_row_beats_one_of_the_same_rows_that_lets_it_lie),
              EXPRTREE_TEST(a_way_counts_that_keeps_another_from_being_the_match),
              EXPRTREE_TEST(with_a_match_that_none_can_outrank_the_start_is_decided),
              EXPRTREE_TEST(many_ways_that_depend_on_one_row_take_no_exponential_time));
}
