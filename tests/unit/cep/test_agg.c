/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "cep/agg/agg.h"
#include "cep/agg/aggbytes.h"
#include "tests/lib/planbuild.h"
#include <math.h>

enum { WORDS = AGG_SIZE_MAX / 8 };

static struct arena *scratch;

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
        assert_false(agg_result(&a, acc, scratch, &out));
        agg_add(&a, acc, whole(5), true); /* NULL */
        assert_false(agg_result(&a, acc, scratch, &out));
    }
    struct agg count = made(AGG_COUNT, BIGINT, BIGINT, false),
               star = made(AGG_COUNT_STAR, BIGINT, BIGINT, false);
    assert_true(agg_result(&count, acc, scratch, &out));
    assert_int_equal(out.i, 0);
    agg_add(&count, acc, whole(5), true);
    agg_add(&star, acc, whole(5), true);
    assert_true(agg_result(&count, acc, scratch, &out));
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
    assert_false(agg_result(&a, acc, scratch, &out));
    for (unsigned i = 0; i < 9; i++)
        agg_add(&a, other, whole(-INT64_MAX), false);
    agg_merge(&a, acc, other);
    assert_true(agg_result(&a, acc, scratch, &out));
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
    assert_true(agg_result(&dec_avg, a, scratch, &out));
    assert_int_equal(out.i, -1003); /* -1.00333 */
    assert_true(agg_result(&real_avg, b, scratch, &out));
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
    assert_true(agg_result(&least, a, scratch, &out));
    assert_memory_equal(out.s.p, "fig", 3);
    agg_clear(&least, a);
    agg_clear(&least, b);
    assert_false(agg_result(&least, a, scratch, &out));
    agg_add(&most, c, real_cell(-2.5), false);
    agg_add(&most, c, real_cell(-7), false);
    assert_true(agg_result(&most, c, scratch, &out));
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
    assert_true(agg_result(&count, a, scratch, &out));
    assert_int_equal(out.i, 40);
    assert_true(agg_result(&sum, c, scratch, &out));
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
    assert_false(agg_result(&a, one, scratch, &out));
    const int64_t values[] = {4, 4, 4, 5, 5, 7, 9};
    for (unsigned i = 0; i < 7; i++)
        agg_add(&a, i < 3 ? one : two, whole(values[i]), false);
    agg_merge(&a, one, two);
    agg_merge(&a, one, empty);
    assert_true(agg_result(&a, one, scratch, &out));
    assert_true(fabs(out.d - sqrt(32.0 / 7)) < 1e-12);
}

static void assert_text(const struct agg *a, const uint64_t *acc, const char *want)
{
    union cell out;
    assert_true(agg_result(a, acc, scratch, &out));
    assert_int_equal(out.s.n, strlen(want));
    assert_memory_equal(out.s.p, want, out.s.n);
}

static struct agg with_param(enum agg_kind kind, bool distinct, struct value param)
{
    struct agg agg;
    struct type result = kind == AGG_APPROX_PERCENTILE ? DOUBLE : STRING;
    struct type arg = kind == AGG_APPROX_PERCENTILE ? DECIMAL(12, 2) : STRING;
    agg_init(&agg, &(struct agg_call){.kind = kind,
                                      .type = result,
                                      .arg = node(EXPR_COLUMN, arg, 0, NULL),
                                      .distinct = distinct,
                                      .params = &param,
                                      .nparams = 1});
    return agg;
}

static void first_last_and_lists_go_by_the_rows_places_not_by_when_they_were_added(void **state)
{
    (void)state;
    static const struct {
        int64_t ts;
        uint64_t offset;
        const char *text;
    } rows[] = {{20, 3, "c"}, {10, 1, "a"}, {20, 2, "b"}, {30, 0, "a"}};
    struct agg first = made(AGG_FIRST, STRING, STRING, false),
               last = made(AGG_LAST, STRING, STRING, false),
               list =
                   with_param(AGG_LIST_AGG, false, (struct value){.type = STRING, .c = text(", ")}),
               once = made(AGG_LIST_AGG, STRING, STRING, true);
    const struct agg *const all[] = {&first, &last, &list, &once};
    static const char *const want[] = {"a", "a", "a, b, c, a", "a,b,c"};
    for (unsigned k = 0; k < 4; k++) {
        uint64_t one[WORDS] = {0}, two[WORDS] = {0};
        for (unsigned i = 0; i < 4; i++) {
            const struct agglist_place at = {rows[i].ts, 0, rows[i].offset};
            agg_add_at(all[k], i % 2 == 0 ? one : two, text(rows[i].text), false, &at);
        }
        agg_merge(all[k], one, two);
        assert_text(all[k], one, want[k]);
        assert_true(agg_held_bytes(all[k], one) > 0);
        agg_clear(all[k], one);
        agg_clear(all[k], two);
    }
}

static void a_list_has_an_end_and_says_that_it_was_cut(void **state)
{
    (void)state;
    struct agg list = made(AGG_LIST_AGG, STRING, STRING, false);
    uint64_t acc[WORDS] = {0};
    union cell out;
    for (unsigned i = 0; i < 100000; i++)
        agg_add(&list, acc, text("0123456789"), false);
    assert_true(agg_held_bytes(&list, acc) < 512 << 10);
    assert_true(agg_result(&list, acc, scratch, &out));
    assert_true(out.s.n < AGGLIST_MAX);
    assert_memory_equal(out.s.p + out.s.n - 4, ",\xe2\x80\xa6", 4);
    agg_clear(&list, acc);
}

static void the_most_frequent_come_first_and_rare_ones_are_forgotten_under_pressure(void **state)
{
    (void)state;
    struct agg top = with_param(AGG_TOP, false, (struct value){.type = BIGINT, .c.i = 3}),
               least = with_param(AGG_TOP, true, (struct value){.type = BIGINT, .c.i = 3});
    uint64_t a[WORDS] = {0}, b[WORDS] = {0}, c[WORDS] = {0};
    char name[16];
    for (unsigned i = 0; i < 60000; i++) {
        snprintf(name, sizeof name, "n%u", i);
        agg_add(&top, i % 2 ? a : b, text(name), false);
        agg_add(&top, i % 2 ? b : a, text(i % 3 == 0 ? "often" : i % 3 == 1 ? "p" : "o"), false);
    }
    agg_merge(&top, a, b);
    assert_text(&top, a, "o,often,p");
    assert_true(agg_held_bytes(&top, a) < 1 << 20);
    for (unsigned i = 0; i < 5; i++)
        agg_add(&least, c, text(i == 0 ? "a" : i % 2 ? "z" : "y"), false);
    assert_text(&least, c, "a,y,z");
    agg_clear(&top, a);
    agg_clear(&top, b);
    agg_clear(&least, c);
}

static void different_values_are_counted_within_five_percent_and_few_exactly(void **state)
{
    (void)state;
    struct agg a = made(AGG_APPROX_COUNT_DISTINCT, BIGINT, BIGINT, false);
    static const unsigned numbers[] = {0, 1, 256, 257, 1000, 20000, 1000000};
    for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        uint64_t one[WORDS] = {0}, two[WORDS] = {0};
        union cell out;
        for (unsigned i = 0; i < numbers[k]; i++) {
            agg_add(&a, i % 3 ? one : two, whole(i * 7919), false);
            agg_add(&a, i % 2 ? one : two, whole(i / 2 * 7919), false);
        }
        agg_merge(&a, one, two);
        assert_true(agg_result(&a, one, scratch, &out));
        int64_t off = out.i - numbers[k];
        assert_true(off * off <=
                    (numbers[k] <= 256 ? 0 : numbers[k] / 20 * (int64_t)(numbers[k] / 20)));
        assert_true(agg_held_bytes(&a, one) < 5000);
        agg_clear(&a, one);
        agg_clear(&a, two);
    }
}

static void percentiles_are_within_a_hundredth_and_can_be_taken_back(void **state)
{
    (void)state;
    static const double at[] = {0, 0.01, 0.5, 0.95, 1};
    for (unsigned k = 0; k < 5; k++) {
        struct agg a =
            with_param(AGG_APPROX_PERCENTILE, false, (struct value){.type = DOUBLE, .c.d = at[k]});
        uint64_t one[WORDS] = {0}, two[WORDS] = {0};
        union cell out;
        assert_false(agg_result(&a, one, scratch, &out));
        for (int64_t i = 0; i < 2000; i++) { /* -500.00 to 1499.00, in a mixed order */
            int64_t v = i * 611 % 2000 - 500;
            agg_add(&a, i % 2 ? one : two, whole(v * 100), false);
            agg_add(&a, two, whole(v * 12345), false);
        }
        for (int64_t i = 0; i < 2000; i++)
            agg_retract(&a, two, whole((i * 611 % 2000 - 500) * 12345), false);
        agg_merge(&a, one, two);
        assert_true(agg_result(&a, one, scratch, &out));
        double want = floor(at[k] * 1999) - 500;
        assert_true(fabs(out.d - want) <= fabs(want) * 0.0101);
        agg_clear(&a, one);
        agg_clear(&a, two);
    }
}

/* Of every kind, an accumulator read back gives what it gave, also after more rows. */
static void accumulators_are_the_same_after_they_were_bytes(void **state)
{
    (void)state;
    static const struct type args[] = {{.kind = TYPE_BIGINT}, {.kind = TYPE_STRING}};
    for (unsigned n = 0; n < 2000; n++) {
        enum agg_kind kind = n % (AGG_APPROX_PERCENTILE + 1);
        bool distinct = n / 13 % 2, string = n / 26 % 2;
        bool texts = kind == AGG_TOP || kind == AGG_LIST_AGG;
        if ((kind == AGG_SUM || kind == AGG_AVG || kind == AGG_STDDEV ||
             kind == AGG_APPROX_PERCENTILE) &&
            string)
            continue;
        struct agg a =
            made(kind, args[texts || string], texts || string ? STRING : BIGINT, distinct);
        uint64_t x[WORDS] = {0}, y[WORDS] = {0};
        struct bytes first = {0}, second = {0};
        char name[16];
        a.top = 3;
        a.quantile = 0.5;
        for (unsigned i = 0; i < n; i++) {
            const struct agglist_place at = {i * 7 % 50, 1, i};
            snprintf(name, sizeof name, "n%u", i % 90);
            agg_add_at(&a, x, texts || string ? text(name) : whole(i * 31 % 1000), i % 5 == 0, &at);
        }
        aggbytes_save(&a, x, &first);
        struct bytes_reader r = bytes_read(first.p, first.n);
        assert_int_equal(aggbytes_load(&a, y, &r), ERR_OK);
        assert_true(r.p == r.end);
        union cell p = {0}, q = {0};
        bool some = agg_result(&a, x, scratch, &p);
        assert_int_equal(agg_result(&a, y, scratch, &q), some);
        if (some && a.type.kind == TYPE_STRING && kind != AGG_COUNT && kind != AGG_COUNT_STAR &&
            kind != AGG_APPROX_COUNT_DISTINCT) {
            assert_int_equal(p.s.n, q.s.n);
            assert_memory_equal(p.s.p, q.s.p, p.s.n);
        } else if (some) {
            assert_true(p.i == q.i);
        }
        for (size_t cut = 0; cut < first.n; cut += 1 + first.n / 50) {
            uint64_t z[WORDS] = {0};
            r = bytes_read(first.p, cut);
            if (aggbytes_load(&a, z, &r) == ERR_OK)
                agg_clear(&a, z);
        }
        agg_clear(&a, x);
        agg_clear(&a, y);
        bytes_fini(&first);
        bytes_fini(&second);
        arena_reset(scratch);
    }
}

int main(void)
{
    scratch = arena_new(4096, 0);
    CHECK_RUN(EXPRTREE_TEST(of_no_rows_all_are_null_but_count),
              EXPRTREE_TEST(sums_are_exact_and_what_does_not_fit_is_null),
              EXPRTREE_TEST(averages_are_rounded_half_up_or_are_doubles),
              EXPRTREE_TEST(least_and_greatest_of_numbers_and_strings),
              EXPRTREE_TEST(distinct_values_count_once),
              EXPRTREE_TEST(deviation_of_a_sample_whatever_the_panes),
              EXPRTREE_TEST(first_last_and_lists_go_by_the_rows_places_not_by_when_they_were_added),
              EXPRTREE_TEST(a_list_has_an_end_and_says_that_it_was_cut),
              EXPRTREE_TEST(
                  the_most_frequent_come_first_and_rare_ones_are_forgotten_under_pressure),
              EXPRTREE_TEST(different_values_are_counted_within_five_percent_and_few_exactly),
              EXPRTREE_TEST(percentiles_are_within_a_hundredth_and_can_be_taken_back),
              EXPRTREE_TEST(accumulators_are_the_same_after_they_were_bytes));
}
