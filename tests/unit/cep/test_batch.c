/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/batch.h"
#include "cep/row/row.h"
#include "cep/watermark.h"
#include "tests/lib/check.h"

static const struct column columns[] = {
    {.name = "id", .type = {.kind = TYPE_STRING}},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}},
    {.name = "n", .type = {.kind = TYPE_BIGINT}},
    {.name = "city", .type = {.kind = TYPE_STRING}},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = 4,
                                     .columns = columns,
                                     .time_column = 1,
                                     .watermark = WATERMARK_BOUNDED,
                                     .delay_ms = 10};

static struct batch *filled(unsigned n)
{
    struct colset want = {{7}};
    struct batch *b = batch_new(&schema, &want);
    for (unsigned i = 0; i < n; i++) {
        char *text = arena_printf(b->arena, "row-%u", i);
        b->columns[0].s[i] = (struct str){text, (uint32_t)strlen(text), 5};
        b->columns[1].i[i] = b->ts[i] = 1000 + i;
        b->columns[2].i[i] = 7 * (int64_t)i;
        b->offset[i] = 100 + i;
    }
    b->columns[2].nulls[0] |= 2;
    b->columns[2].has_nulls = true;
    b->columns[2].i[1] = 0;
    b->n = n;
    b->partition = 3;
    return b;
}

static void only_wanted_columns_are_there(void **state)
{
    (void)state;
    struct batch *b = filled(3);
    assert_true(colset_has(&b->present, 2));
    assert_false(colset_has(&b->present, 3));
    assert_null(b->columns[3].s);
    assert_int_equal(batch_value(b, 2, 2).c.i, 14);
    assert_true(batch_value(b, 2, 1).null);
    assert_int_equal(batch_value(b, 0, 2).c.s.n, 5);
    batch_unref(b);
    batch_unref(NULL);
}

static void a_new_batch_is_clean_though_its_memory_was_used(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct batch *a = filled(1000), *b = filled(5);
        assert_int_equal(a->refs, 1);
        a->late[3] = 1;
        a->has_late = true;
        a->with_ids = a->present;
        batch_ref(a);
        batch_unref(a);
        batch_unref(a);
        a = batch_new(&schema, &(struct colset){{7}});
        assert_int_equal(a->n, 0);
        assert_false(a->has_late);
        assert_int_equal(a->late[3], 0);
        assert_false(a->columns[2].has_nulls);
        assert_int_equal(a->columns[2].nulls[0], 0);
        assert_int_equal(a->with_ids.w[0], 0);
        assert_int_equal(arena_bytes(a->arena), 0);
        batch_unref(a);
        batch_unref(b);
    }
}

static void a_kept_row_outlives_its_batch(void **state)
{
    (void)state;
    struct row_layout l;
    struct colset keep = {{5}}; /* id, n */
    union cell c = {.i = 0};
    struct batch *b = filled(3);
    row_layout_init(&l, &schema, &keep);
    struct row *r = row_new(&l, b, 2), *with_null = row_new(&l, b, 1);
    batch_unref(b);
    assert_int_equal(l.ncells, 2);
    assert_int_equal(r->offset, 102);
    assert_int_equal(r->partition, 3);
    assert_int_equal(r->ts, 1002);
    assert_true(rowref_cell((struct rowref){.r = r}, &l, 0, &c));
    assert_memory_equal(c.s.p, "row-2", 5);
    assert_int_equal(c.s.id, 0);
    assert_true(rowref_cell((struct rowref){.r = r}, &l, 2, &c));
    assert_int_equal(c.i, 14);
    assert_false(rowref_cell((struct rowref){.r = with_null}, &l, 2, &c));
    assert_false(rowref_cell((struct rowref){.r = NULL}, &l, 2, &c));
    assert_int_equal(row_bytes(&l, r), sizeof *r + 2 * sizeof c + 5);
    row_unref(row_ref(r));
    row_unref(r);
    row_unref(with_null);
}

static struct batch *timed(const evtime *ts, unsigned n)
{
    struct batch *b = filled(n);
    memcpy(b->ts, ts, n * sizeof *ts);
    return b;
}

static void a_row_is_late_when_its_time_is_before_the_watermark(void **state)
{
    (void)state;
    const evtime ts[] = {100, 90, 89, 120, 110, 109};
    struct watermark w = {.w = EVTIME_MIN};
    struct batch *b = timed(ts, 6);
    watermark_rows(&w, b, NULL);
    assert_int_equal(w.w, 110);
    assert_int_equal(w.late_rows, 2);
    assert_int_equal(b->late[0], 1 << 2 | 1 << 5);
    assert_int_equal(b->late_w[2], 90);
    assert_int_equal(b->late_w[5], 110);
    assert_true(b->has_late);
    assert_true(batch_is_late(b, 2));
    batch_unref(b);
}

static void punctuated_watermarks_rise_with_the_rows_that_say_so(void **state)
{
    (void)state;
    struct schema s = schema;
    s.watermark = WATERMARK_PUNCTUATED;
    const evtime ts[] = {100, 200, 150, 300};
    uint64_t punctuated[BATCH_WORDS] = {2};
    struct watermark w = {.w = EVTIME_MIN};
    struct batch *b = timed(ts, 4);
    b->schema = &s;
    watermark_rows(&w, b, punctuated);
    assert_int_equal(w.w, 200);
    assert_int_equal(b->late[0], 4);
    batch_unref(b);
}

static void a_delay_longer_than_all_time_does_not_wrap_around(void **state)
{
    (void)state;
    struct schema s = schema;
    s.delay_ms = INT64_MAX;
    const evtime ts[] = {EVTIME_FIRST, 0, EVTIME_LAST};
    struct watermark w = {.w = EVTIME_MIN};
    struct batch *b = timed(ts, 3);
    b->schema = &s;
    watermark_rows(&w, b, NULL);
    assert_false(b->has_late);
    assert_true(w.w <= EVTIME_LAST - INT64_MAX);
    batch_unref(b);
}

int main(void)
{
    CHECK_RUN(TEST(only_wanted_columns_are_there),
              TEST(a_new_batch_is_clean_though_its_memory_was_used),
              TEST(a_kept_row_outlives_its_batch),
              TEST(a_row_is_late_when_its_time_is_before_the_watermark),
              TEST(punctuated_watermarks_rise_with_the_rows_that_say_so),
              TEST(a_delay_longer_than_all_time_does_not_wrap_around));
}
