/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/watermark.h"
#include "tests/lib/check.h"

static const struct column columns[] = {{.name = "ts", .type = {.kind = TYPE_TIMESTAMP}}};

static struct schema schema_of(enum watermark_kind kind, int64_t delay_ms)
{
    return (struct schema){.name = "s",
                           .ncolumns = 1,
                           .columns = columns,
                           .watermark = kind,
                           .delay_ms = delay_ms,
                           .partitions = 1};
}

static struct batch *rows(const struct schema *s, const evtime *ts, unsigned n)
{
    struct colset want = {0};
    colset_add(&want, 0);
    struct batch *b = batch_new(s, &want);
    for (unsigned i = 0; i < n; i++) {
        b->offset[i] = i;
        batch_set_time(b, i, ts[i]);
        assert_int_equal(b->columns[0].i[i], ts[i]);
    }
    b->n = n;
    return b;
}

static void it_follows_the_largest_time_at_its_distance(void **state)
{
    (void)state;
    struct schema s = schema_of(WATERMARK_BOUNDED, 2000);
    struct watermark w = {.w = EVTIME_MIN};
    const evtime ts[] = {5000, 9000, 7000, 6999, 8000};
    struct batch *b = rows(&s, ts, 5);
    watermark_rows(&w, b, NULL);
    assert_int_equal(w.w, 7000);
    assert_int_equal(w.late_rows, 1);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(batch_is_late(b, i), ts[i] == 6999); /* just at W is not late */
    assert_int_equal(b->late_w[3], 7000);
    batch_unref(b);
}

static void ascending_times_may_be_equal(void **state)
{
    (void)state;
    struct schema s = schema_of(WATERMARK_BOUNDED, 0);
    struct watermark w = {.w = EVTIME_MIN};
    const evtime ts[] = {1, 1, 2, 1, 2};
    struct batch *b = rows(&s, ts, 5);
    watermark_rows(&w, b, NULL);
    assert_int_equal(w.w, 2);
    assert_int_equal(w.late_rows, 1);
    assert_true(batch_is_late(b, 3));
    batch_unref(b);
}

static void only_marked_rows_move_a_punctuated_one(void **state)
{
    (void)state;
    struct schema s = schema_of(WATERMARK_PUNCTUATED, 0);
    struct watermark w = {.w = EVTIME_MIN};
    const evtime ts[] = {50, 10, 40, 39, 90, 20};
    const uint64_t marked[BATCH_WORDS] = {1u << 2 | 1u << 5};
    struct batch *b = rows(&s, ts, 6);
    watermark_rows(&w, b, marked);
    assert_int_equal(w.w, 40); /* the last mark is late: it moves nothing */
    assert_true(batch_is_late(b, 3) && batch_is_late(b, 5));
    assert_int_equal(w.late_rows, 2);
    batch_unref(b);
}

static void what_the_clock_has_raised_it_to_decides_what_is_late(void **state)
{
    (void)state;
    struct schema s = schema_of(WATERMARK_BOUNDED, 2000);
    struct watermark w = {.w = 60000};
    const evtime ts[] = {59999, 60000, 61999, 62001};
    struct batch *b = rows(&s, ts, 4);
    watermark_rows(&w, b, NULL);
    assert_true(batch_is_late(b, 0));
    assert_false(batch_is_late(b, 1));
    assert_int_equal(w.w, 60001);
    batch_unref(b);
}

static void the_least_time_has_no_watermark_before_it(void **state)
{
    (void)state;
    struct schema s = schema_of(WATERMARK_BOUNDED, INT64_MAX);
    struct watermark w = {.w = EVTIME_MIN};
    const evtime ts[] = {EVTIME_FIRST, EVTIME_LAST};
    struct batch *b = rows(&s, ts, 2);
    watermark_rows(&w, b, NULL);
    assert_true(w.w == EVTIME_LAST - INT64_MAX);
    assert_int_equal(w.late_rows, 0);
    batch_unref(b);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(it_follows_the_largest_time_at_its_distance),
              cmocka_unit_test(ascending_times_may_be_equal),
              cmocka_unit_test(only_marked_rows_move_a_punctuated_one),
              cmocka_unit_test(what_the_clock_has_raised_it_to_decides_what_is_late),
              cmocka_unit_test(the_least_time_has_no_watermark_before_it));
}
