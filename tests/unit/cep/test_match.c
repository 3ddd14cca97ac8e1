/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/matchrig.h"

static struct pattern *loop_then_b(enum contiguity inner, bool reluctant, uint32_t min)
{
    return GROUP(SEQ, NEXT, times(var(STRICT, 0), min, MANY, inner, reluctant), var(LATER, 1));
}

static void the_three_contiguities(void **state)
{
    (void)state;
    assert_string_equal(matches(ab(STRICT), -1, SKIP_NONE, 0, "axbab"), "A3B4");
    assert_string_equal(matches(ab(LATER), -1, SKIP_NONE, 0, "axbab"), "A0B2 A3B4");
    assert_string_equal(matches(ab(ANY), -1, SKIP_NONE, 0, "axbab"), "A0B2 A0B4 A3B4");
}

static void a_partial_match_times_out_once(void **state)
{
    (void)state;
    assert_string_equal(matches(ab(LATER), 3, SKIP_NONE, 0, "axxb"), "?A0");
    assert_string_equal(matches(ab(LATER), 3, SKIP_NONE, 0, "axb"), "A0B2");
    assert_string_equal(matches(ab(ANY), 4, SKIP_NONE, 0, "abb"), "A0B1 A0B2 ?A0");
    assert_string_equal(matches(ab(STRICT), 4, SKIP_NONE, 0, "axa"), "?A2");
}

static void loops_give_every_length_or_hold_fast_or_the_best(void **state)
{
    (void)state;
    assert_string_equal(matches(loop_then_b(LATER, true, 1), -1, SKIP_NONE, 0, "aab"),
                        "A0A1B2 A0B2 A1B2");
    assert_string_equal(matches(loop_then_b(LATER, false, 1), -1, SKIP_NONE, 0, "aab"),
                        "A0A1B2 A1B2");
    assert_string_equal(matches(loop_then_b(ANY, true, 2), -1, SKIP_NONE, 0, "aaab"),
                        "A0A1A2B3 A0A1B3 A0A2B3 A1A2B3");
    assert_string_equal(matches(loop_then_b(LATER, false, 1), -1, SKIP_PAST_LAST, 0, "axaab"),
                        "A0A2A3B4");
    assert_string_equal(matches(loop_then_b(LATER, false, 3), -1, SKIP_PAST_LAST, 0, "aab"), "");
    assert_string_equal(matches(loop_then_b(LATER, false, 1), -1, SKIP_TO_NEXT, 0, "aab"),
                        "A0A1B2 A1B2");
}

static void after_a_match_it_goes_on_where_the_rule_says(void **state)
{
    (void)state;
    struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(LATER, 2));
    assert_string_equal(matches(p, -1, SKIP_PAST_LAST, 0, "aabbcabc"), "A0B2C4 A5B6C7");
    assert_string_equal(matches(p, -1, SKIP_TO_NEXT, 0, "aabbc"), "A0B2C4 A1B2C4");
    assert_string_equal(matches(p, -1, SKIP_TO_FIRST, 2, "aababc"), "A0B2C5 A3B4C5");
    assert_string_equal(matches(p, -1, SKIP_TO_LAST, 4, "aababcabc"), "A0B2C5 A6B7C8");
    /* the first row of the match: it says so, and goes on at the next */
    assert_string_equal(matches(p, -1, SKIP_TO_FIRST, 1, "aabc"), "A0B2C3 !A0B2C3 A1B2C3 !A1B2C3");
}

/* A later start waits for an earlier one that may still win. */
static void matches_wait_for_earlier_starts(void **state)
{
    (void)state;
    struct pattern *p = GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1));
    struct pattern *alt =
        GROUP(ALT, NEXT, GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), var(LATER, 2)),
              GROUP(SEQ, NEXT, var(STRICT, 1), var(LATER, 3)));
    assert_string_equal(matches(p, 10, SKIP_PAST_LAST, 0, "aab"), "A0B2");
    assert_string_equal(matches(alt, 10, SKIP_PAST_LAST, 0, "abdc"), "A0B1C3");
    assert_string_equal(matches(alt, 3, SKIP_PAST_LAST, 0, "abdxc"), "B1D2 ?A0B1");
}

static void greed_at_the_end_waits_until_it_can_take_no_more(void **state)
{
    (void)state;
    struct pattern *end =
        GROUP(SEQ, NEXT, var(STRICT, 0), times(var(LATER, 1), 1, MANY, LATER, false));
    struct pattern *strict =
        GROUP(SEQ, NEXT, var(STRICT, 0), times(var(STRICT, 1), 1, MANY, STRICT, false));
    assert_string_equal(matches(end, 5, SKIP_PAST_LAST, 0, "abxbxxb"), "A0B1B3");
    assert_string_equal(matches(end, 5, SKIP_NONE, 0, "abxbxxb"), "A0B1B3");
    assert_string_equal(matches(strict, -1, SKIP_NONE, 0, "abbxb"), "A0B1B2");
    assert_string_equal(matches(strict, -1, SKIP_PAST_LAST, 0, "abbabb"), "A0B1B2 A3B4B5");
}

static void nots_between_and_at_the_end(void **state)
{
    (void)state;
    struct pattern *between = GROUP(SEQ, NEXT, var(STRICT, 0), not_var(LATER, 2), var(LATER, 1));
    struct pattern *next = GROUP(SEQ, NEXT, var(STRICT, 0), not_var(STRICT, 2), var(LATER, 1));
    struct pattern *end = GROUP(SEQ, NEXT, var(STRICT, 0), not_var(LATER, 2));
    struct pattern *end_next = GROUP(SEQ, NEXT, var(STRICT, 0), not_var(STRICT, 2));
    assert_string_equal(matches(between, -1, SKIP_NONE, 0, "axbacb"), "A0B2");
    assert_string_equal(matches(next, -1, SKIP_NONE, 0, "axcbacb"), "A0B3");
    assert_string_equal(matches(end, 3, SKIP_NONE, 0, "axxcac"), "A0");
    assert_string_equal(matches(end_next, -1, SKIP_NONE, 0, "axaca"), "A0");
}

static void conditions_over_the_match_so_far(void **state)
{
    (void)state;
    /* B's amount is more than the sum of A's: 0 + 1 + 2 < 4, but not < 3 */
    paths[1] = IS(GT, column(PAY_AMOUNT), agg_of(AGG_SUM, DECIMAL(18, 2), 1, column(PAY_AMOUNT)));
    assert_string_equal(matches(loop_then_b(LATER, false, 3), -1, SKIP_PAST_LAST, 0, "aaabb"),
                        "A0A1A2B4");
    /* at most two A's, by a count that their own condition reads */
    paths[1] = NULL;
    paths[0] = IS(LE, agg_of(AGG_COUNT_STAR, BIGINT, 1, NULL), num(2));
    assert_string_equal(matches(loop_then_b(LATER, false, 1), -1, SKIP_PAST_LAST, 0, "aaab"),
                        "A0A1B3");
    /* B more than two after the last A, and five after the first */
    paths[0] = NULL;
    paths[1] = IS(AND,
                  IS(GT, column(PAY_AMOUNT),
                     OP(ADD, DECIMAL(18, 2), nav_of(0, false, PAY_AMOUNT), dec(200, 2))),
                  IS(GT, column(PAY_AMOUNT),
                     OP(ADD, DECIMAL(18, 2), nav_of(0, true, PAY_AMOUNT), dec(500, 2))));
    assert_string_equal(matches(loop_then_b(LATER, true, 2), -1, SKIP_NONE, 0, "aaxbxxbb"),
                        "A0A1B6");
    paths[1] = NULL;
}

static void rows_before_the_match(void **state)
{
    (void)state;
    struct expr *arg = column(PAY_AMOUNT);
    struct expr *prev = node(EXPR_NAV, arg->type, 1, (const struct expr *[]){arg});
    prev->nav = (struct nav){.current = true, .running = true, .physical = -2};
    paths[0] = IS(EQ, prev, dec(100, 2)); /* only the row two after that of amount 1.00 */
    assert_string_equal(matches(ab(LATER), -1, SKIP_NONE, 0, "aaaab"), "A3B4");
    paths[0] = NULL;
}

static void the_oldest_partial_matches_go_past_the_cap(void **state)
{
    (void)state;
    limits.max_partials_per_key = 2;
    /* The error, of no variable, is told at the row that was too much. */
    assert_string_equal(matches(ab(LATER), -1, SKIP_NONE, 0, "aaaab"), "!-2 A2B4 A3B4");
    assert_int_equal(stats.partials_dropped, 2);
    limits.max_partials_per_key = SIZE_MAX / 2;
}

/* (A+)+ B over many rows is nothing special. */
static void nested_loops_take_no_exponential_time(void **state)
{
    (void)state;
    char letters[300];
    memset(letters, 'a', sizeof letters);
    letters[299] = '\0';
    struct pattern *inner = GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, STRICT, false));
    struct pattern *p = GROUP(SEQ, NEXT, times(inner, 1, MANY, STRICT, false), var(STRICT, 1));
    assert_string_equal(matches(p, -1, SKIP_PAST_LAST, 0, letters), "");
    struct pattern *two = GROUP(ALT, NEXT, var(STRICT, 0), var(STRICT, 0));
    p = GROUP(SEQ, NEXT, times(two, 1, MANY, STRICT, false), var(STRICT, 1));
    letters[40] = '\0';
    assert_string_equal(matches(p, -1, SKIP_PAST_LAST, 0, letters), "");
}

static void a_partial_match_is_small(void **state)
{
    (void)state;
    enum { N = 20000 };
    char *letters = mem_alloc(N + 1);
    memset(letters, 'a', N);
    letters[N] = '\0';
    matches(ab(LATER), -1, SKIP_NONE, 0, letters);
    assert_true(stats.partials > N - 10);
    mem_free(letters);
    print_message("bytes of state for each partial match, its row included: %zu\n",
                  (size_t)(stats.state_bytes / stats.partials));
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(the_three_contiguities), EXPRTREE_TEST(a_partial_match_times_out_once),
              EXPRTREE_TEST(loops_give_every_length_or_hold_fast_or_the_best),
              EXPRTREE_TEST(after_a_match_it_goes_on_where_the_rule_says),
              EXPRTREE_TEST(matches_wait_for_earlier_starts),
              EXPRTREE_TEST(greed_at_the_end_waits_until_it_can_take_no_more),
              EXPRTREE_TEST(nots_between_and_at_the_end),
              EXPRTREE_TEST(conditions_over_the_match_so_far), EXPRTREE_TEST(rows_before_the_match),
              EXPRTREE_TEST(the_oldest_partial_matches_go_past_the_cap),
              EXPRTREE_TEST(nested_loops_take_no_exponential_time),
              EXPRTREE_TEST(a_partial_match_is_small));
}
