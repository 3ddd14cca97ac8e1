/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/agg.h"
#include "tests/lib/planbuild.h"
#include <math.h>

enum { WORDS = 8 };

static struct agg made(enum agg_kind kind, struct type arg, struct type result, bool distinct)
{
    struct expr *a = node(EXPR_COLUMN, arg, 0, NULL);
    struct agg agg;
    agg_init(&agg,
             &(struct agg_call){.kind = kind, .type = result, .arg = a, .distinct = distinct});
    assert_true(agg.size <= WORDS * 8 && agg.size % 8 == 0);
    return agg;
}

static union cell whole(int64_t v)
{
    return (union cell){.i = v};
}

static union cell real_cell(double v)
{
    return (union cell){.d = v};
}

static union cell text(const char *s)
{
    return (union cell){.s = {s, (uint32_t)strlen(s), 0}};
}

static void of_no_rows_all_are_null_but_count(void **state)
{
    (void)state;
    static const enum agg_kind kinds[] = {AGG_SUM, AGG_AVG, AGG_MIN, AGG_MAX, AGG_STDDEV};
    uint64_t acc[WORDS] = {0};
    union cell out;
    for (unsigned i = 0; i < 5; i++) {
        struct agg a = made(kinds[i], BIGINT, BIGINT, false);
        assert_false(agg_result(&a, acc, &out));
        agg_add(&a, acc, whole(5), true); /* NULL */
        assert_false(agg_result(&a, acc, &out));
    }
    struct agg count = made(AGG_COUNT, BIGINT, BIGINT, false),
               star = made(AGG_COUNT_STAR, BIGINT, BIGINT, false);
    assert_true(agg_result(&count, acc, &out));
    assert_int_equal(out.i, 0);
    agg_add(&count, acc, whole(5), true);
    agg_add(&star, acc, whole(5), true);
    assert_true(agg_result(&count, acc, &out));
    assert_int_equal(out.i, 1);
}

static void sums_are_exact_and_what_does_not_fit_is_null(void **state)
{
    (void)state;
    struct agg a = made(AGG_SUM, BIGINT, BIGINT, false);
    uint64_t acc[WORDS] = {0}, other[WORDS] = {0};
    union cell out;
    for (unsigned i = 0; i < 10; i++)
        agg_add(&a, acc, whole(INT64_MAX), false);
    assert_false(agg_result(&a, acc, &out));
    for (unsigned i = 0; i < 9; i++)
        agg_add(&a, other, whole(-INT64_MAX), false);
    agg_merge(&a, acc, other);
    assert_true(agg_result(&a, acc, &out));
    assert_true(out.i == INT64_MAX);
    assert_true(agg_whole(&a, acc) == INT64_MAX);
}

static void averages_are_rounded_half_up_or_are_doubles(void **state)
{
    (void)state;
    struct agg dec_avg = made(AGG_AVG, DECIMAL(12, 2), DECIMAL(18, 3), false);
    struct agg real_avg = made(AGG_AVG, DECIMAL(12, 2), DOUBLE, false);
    uint64_t a[WORDS] = {0}, b[WORDS] = {0};
    union cell out;
    const int64_t values[] = {-100, -100, -101};
    for (unsigned i = 0; i < 3; i++) {
        agg_add(&dec_avg, a, whole(values[i]), false);
        agg_add(&real_avg, b, whole(values[i]), false);
    }
    assert_true(agg_result(&dec_avg, a, &out));
    assert_int_equal(out.i, -1003); /* -1.00333 */
    assert_true(agg_result(&real_avg, b, &out));
    assert_true(fabs(out.d + 3.01 / 3) < 1e-12);
}

static void least_and_greatest_of_numbers_and_strings(void **state)
{
    (void)state;
    struct agg least = made(AGG_MIN, STRING, STRING, false),
               most = made(AGG_MAX, DOUBLE, DOUBLE, false);
    uint64_t a[WORDS] = {0}, b[WORDS] = {0}, c[WORDS] = {0};
    char word[] = "pear";
    union cell out;
    agg_add(&least, a, text(word), false);
    word[0] = 'x'; /* it was copied */
    agg_add(&least, a, text("plum"), false);
    agg_add(&least, b, text("fig"), false);
    agg_merge(&least, a, b);
    assert_true(agg_result(&least, a, &out));
    assert_memory_equal(out.s.p, "fig", 3);
    agg_clear(&least, a);
    agg_clear(&least, b);
    assert_false(agg_result(&least, a, &out));
    agg_add(&most, c, real_cell(-2.5), false);
    agg_add(&most, c, real_cell(-7), false);
    assert_true(agg_result(&most, c, &out));
    assert_true(out.d == -2.5);
}

static void distinct_values_count_once(void **state)
{
    (void)state;
    struct agg count = made(AGG_COUNT, STRING, BIGINT, true),
               sum = made(AGG_SUM, DOUBLE, DOUBLE, true);
    uint64_t a[WORDS] = {0}, b[WORDS] = {0}, c[WORDS] = {0};
    union cell out;
    char name[16];
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "n%u", i % 40);
        agg_add(&count, i % 2 ? a : b, text(name), false);
        agg_add(&sum, c, real_cell(i % 3 == 0 ? -0.0 : i % 3), false);
    }
    agg_merge(&count, a, b);
    assert_true(agg_result(&count, a, &out));
    assert_int_equal(out.i, 40);
    assert_true(agg_result(&sum, c, &out));
    assert_true(out.d == 3);
    agg_clear(&count, a);
    agg_clear(&count, b);
    agg_clear(&sum, c);
}

static void deviation_of_a_sample_whatever_the_panes(void **state)
{
    (void)state;
    struct agg a = made(AGG_STDDEV, BIGINT, DOUBLE, false);
    uint64_t one[WORDS] = {0}, two[WORDS] = {0}, empty[WORDS] = {0};
    union cell out;
    agg_add(&a, one, whole(2), false);
    assert_false(agg_result(&a, one, &out));
    const int64_t values[] = {4, 4, 4, 5, 5, 7, 9};
    for (unsigned i = 0; i < 7; i++)
        agg_add(&a, i < 3 ? one : two, whole(values[i]), false);
    agg_merge(&a, one, two);
    agg_merge(&a, one, empty);
    assert_true(agg_result(&a, one, &out));
    assert_true(fabs(out.d - sqrt(32.0 / 7)) < 1e-12);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(of_no_rows_all_are_null_but_count),
              EXPRTREE_TEST(sums_are_exact_and_what_does_not_fit_is_null),
              EXPRTREE_TEST(averages_are_rounded_half_up_or_are_doubles),
              EXPRTREE_TEST(least_and_greatest_of_numbers_and_strings),
              EXPRTREE_TEST(distinct_values_count_once),
              EXPRTREE_TEST(deviation_of_a_sample_whatever_the_panes));
}
