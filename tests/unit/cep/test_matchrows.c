/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/matchrig.h"

static struct nav any_row(int32_t physical)
{
    return (struct nav){.vars = UINT64_MAX, .running = true, .physical = physical};
}

/* CLASSIFIER() of the last row of the match, or of one beside it. */
static const struct expr *classifier(int32_t physical)
{
    struct expr *e = node(EXPR_CLASSIFIER, STRING, 0, NULL);
    e->nav = any_row(physical);
    return e;
}

static const struct expr *status_beside(int32_t physical)
{
    const struct expr *c = column(PAY_STATUS);
    struct expr *e = node(EXPR_NAV, STRING, 1, &c);
    e->nav = any_row(physical);
    return e;
}

static const struct expr *number(void)
{
    return node(EXPR_MATCH_NUMBER, BIGINT, 0, NULL);
}

/* ALL ROWS or ONE ROW of input that ends; what is told is a and b. */
static const char *told(enum rows_kind rows, struct pattern *p, enum skip_kind skip,
                        const char *letters, const struct expr *a, const struct expr *b)
{
    all_rows = rows;
    input_ends = true;
    gives[0] = a;
    gives[1] = b;
    ngives = a == NULL ? 0 : b == NULL ? 1 : 2;
    const char *out = matches(p, -1, skip, 0, letters);
    all_rows = ROWS_ONE;
    input_ends = false;
    ngives = 0;
    return out;
}

static struct pattern *a_star(bool reluctant)
{
    return GROUP(SEQ, NEXT, times(var(STRICT, 0), 0, MANY, STRICT, reluctant));
}

static struct pattern *a_b(void)
{
    return GROUP(SEQ, NEXT, var(STRICT, 0), var(STRICT, 1));
}

static void all_rows_of_a_match_are_results_with_running_measures(void **state)
{
    (void)state;
    assert_string_equal(told(ROWS_ALL_SHOW_EMPTY, a_b(), SKIP_PAST_LAST, "xabab", classifier(0),
                             agg_of(AGG_COUNT_STAR, BIGINT, UINT64_MAX, NULL)),
                        "(\"A\", 1) (\"B\", 2) (\"A\", 1) (\"B\", 2)");
}

static void excluded_rows_are_taken_and_not_told(void **state)
{
    (void)state;
    struct pattern *p =
        GROUP(SEQ, NEXT, var(STRICT, 0), GROUP(EXCLUDE, NEXT, var(STRICT, 1)), var(STRICT, 2));
    assert_string_equal(told(ROWS_ALL_SHOW_EMPTY, p, SKIP_PAST_LAST, "abc", column(PAY_STATUS),
                             agg_of(AGG_COUNT_STAR, BIGINT, UINT64_MAX, NULL)),
                        "(\"a\", 1) (\"c\", 3)");
}

static void a_start_without_rows_is_a_match_where_input_ends(void **state)
{
    (void)state;
    assert_string_equal(told(ROWS_ONE, a_star(false), SKIP_PAST_LAST, "xaax", number(),
                             classifier(0)),
                        "(1, null) (2, \"A\") (3, null)");
    assert_string_equal(told(ROWS_ALL_OMIT_EMPTY, a_star(false), SKIP_PAST_LAST, "xaax", number(),
                             classifier(0)),
                        "(2, \"A\") (2, \"A\")");
    assert_string_equal(matches(a_star(false), -1, SKIP_PAST_LAST, 0, "xaax"), "A1A2");
}

/* It prefers to take no row: on input that does not end nothing comes out, not what it likes less. */
static void what_is_less_preferred_than_no_row_is_no_match(void **state)
{
    (void)state;
    assert_string_equal(told(ROWS_ONE, a_star(true), SKIP_PAST_LAST, "aa", number(), NULL), "1 2");
    assert_string_equal(matches(a_star(true), -1, SKIP_PAST_LAST, 0, "aa"), "");
}

static void arrows_and_no_skip_know_no_empty_matches(void **state)
{
    (void)state;
    struct pattern *p = GROUP(SEQ, NEXT, times(var(STRICT, 0), 0, 1, STRICT, true),
                              times(var(LATER, 1), 0, 1, STRICT, true));
    assert_string_equal(told(ROWS_ONE, p, SKIP_TO_NEXT, "bax", NULL, NULL), "B0 A1");
    assert_string_equal(told(ROWS_ONE, a_star(true), SKIP_NONE, "aa", NULL, NULL), "A0 A0A1 A1");
}

static void rows_that_no_match_takes_are_told_once_with_their_own_columns(void **state)
{
    (void)state;
    assert_string_equal(told(ROWS_ALL_UNMATCHED, a_b(), SKIP_PAST_LAST, "xabax", column(PAY_STATUS),
                             classifier(0)),
                        "(\"x\", null) (\"a\", \"A\") (\"b\", \"B\") (\"a\", null) (\"x\", null)");
    /* a row that an earlier match took is not unmatched, though no match begins there */
    assert_string_equal(told(ROWS_ALL_UNMATCHED, a_b(), SKIP_TO_NEXT, "abx", NULL, NULL),
                        "A0B1 A0B1 -2");
}

/* Rows that lie between those of a match are of none. */
static void rows_that_a_match_passes_over_are_unmatched(void **state)
{
    (void)state;
    assert_string_equal(told(ROWS_ALL_UNMATCHED, ab(LATER), SKIP_PAST_LAST, "axb", NULL, NULL),
                        "-1 A0B2 A0B2");
    assert_string_equal(told(ROWS_ALL_UNMATCHED, ab(LATER), SKIP_NONE, "axbb", NULL, NULL),
                        "-1 A0B2 A0B2 -3");
}

static void next_and_prev_look_beside_the_match(void **state)
{
    (void)state;
    assert_string_equal(told(ROWS_ONE, a_b(), SKIP_PAST_LAST, "xabyab", status_beside(1),
                             status_beside(-2)),
                        "(\"y\", \"x\") (null, \"y\")");
    assert_string_equal(told(ROWS_ALL_SHOW_EMPTY, a_b(), SKIP_PAST_LAST, "xaby", classifier(1),
                             classifier(-1)),
                        "(\"B\", null) (null, \"A\")");
}

static void a_condition_may_look_at_the_row_that_comes(void **state)
{
    (void)state;
    const struct expr *c = column(PAY_STATUS);
    struct expr *next = node(EXPR_NAV, STRING, 1, &c);
    next->nav = (struct nav){.current = true, .physical = 1};
    paths[0] = IS(EQ, next, str("b"));
    assert_string_equal(told(ROWS_ONE, GROUP(SEQ, NEXT, var(STRICT, 0)), SKIP_TO_NEXT, "aabxab",
                             NULL, NULL),
                        "A1 A4");
    paths[0] = NULL;
}

/* Each begins when the one before it is known: the second match is number 2, and takes what number 2 may. */
static void a_condition_knows_the_number_of_its_match(void **state)
{
    (void)state;
    paths[0] = IS(EQ, number(), num(1));
    struct pattern *p =
        GROUP(SEQ, NEXT, times(var(STRICT, 0), 0, MANY, STRICT, false), var(STRICT, 1));
    assert_string_equal(told(ROWS_ONE, p, SKIP_PAST_LAST, "aabaab", NULL, NULL), "A0A1B2 B5");
    paths[0] = NULL;
}

static void the_end_of_the_input_decides_after_the_time_is_over(void **state)
{
    (void)state;
    struct pattern *end = GROUP(SEQ, NEXT, var(STRICT, 0), GROUP(END, NEXT));
    assert_string_equal(matches(end, 2, SKIP_PAST_LAST, 0, "aa"), "A1");
    assert_string_equal(matches(end, 2, SKIP_PAST_LAST, 0, "axxx"), "");
    struct pattern *both = GROUP(SEQ, NEXT, var(STRICT, 0),
                                 times(var(LATER, 1), 1, 2, LATER, false), GROUP(END, NEXT));
    assert_string_equal(matches(both, 3, SKIP_PAST_LAST, 0, "xxab"), "A2B3");
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(all_rows_of_a_match_are_results_with_running_measures),
              EXPRTREE_TEST(excluded_rows_are_taken_and_not_told),
              EXPRTREE_TEST(a_start_without_rows_is_a_match_where_input_ends),
              EXPRTREE_TEST(what_is_less_preferred_than_no_row_is_no_match),
              EXPRTREE_TEST(arrows_and_no_skip_know_no_empty_matches),
              EXPRTREE_TEST(rows_that_no_match_takes_are_told_once_with_their_own_columns),
              EXPRTREE_TEST(rows_that_a_match_passes_over_are_unmatched),
              EXPRTREE_TEST(next_and_prev_look_beside_the_match),
              EXPRTREE_TEST(a_condition_may_look_at_the_row_that_comes),
              EXPRTREE_TEST(a_condition_knows_the_number_of_its_match),
              EXPRTREE_TEST(the_end_of_the_input_decides_after_the_time_is_over));
}
