/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/frame.h"
#include "tests/lib/taskrig.h"

static struct batch *rows(const struct schema *s, unsigned n, const char *card)
{
    struct colset all = {{(1u << PAY_COLUMNS) - 1}};
    struct batch *b = batch_new(s, &all);
    b->partition = 3;
    for (unsigned i = 0; i < n; i++)
        rig_add(b, &(struct pay){.offset = 10 + 3 * (uint64_t)i,
                                 .id = (int64_t)i - 5,
                                 .ts = 1700000000000 - (int64_t)(i * 37 % 100),
                                 .amount = i,
                                 .card = i % 7 == 0 ? NULL : card,
                                 .account = "",
                                 .status = "approved"});
    for (unsigned i = 0; i < n; i += 11) {
        b->late[i / 64] |= UINT64_C(1) << (i % 64);
        b->late_w[i] = b->ts[i] + 4000;
        b->has_late = true;
    }
    return b;
}

/* Every row of `from` in `which` is in the batches read, in order, with all that it was. */
struct check {
    const struct batch *from;
    const uint64_t *which;
    unsigned at, found;
};

static void check_batch(struct check *c, const struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++, c->at++) {
        while (c->at < c->from->n && !(c->which[c->at / 64] >> (c->at % 64) & 1))
            c->at++;
        assert_true(c->at < c->from->n);
        assert_int_equal(b->partition, c->from->partition);
        assert_int_equal(b->offset[i], c->from->offset[c->at]);
        assert_int_equal(b->ts[i], c->from->ts[c->at]);
        bool late = batch_is_late(c->from, c->at);
        assert_int_equal(batch_is_late(b, i), late);
        if (late)
            assert_int_equal(b->late_w[i], c->from->late_w[c->at]);
        for (unsigned k = 0; k < PAY_COLUMNS; k++) {
            struct value x = batch_value(b, k, i), y = batch_value(c->from, k, c->at);
            assert_int_equal(x.null, y.null);
            if (!x.null)
                assert_int_equal(value_compare(&x, &y), 0);
        }
        c->found++;
    }
}

static unsigned read_all(struct frame_writer *w, const struct schema *s, struct check *c,
                         evtime *watermark)
{
    struct frame_reader r;
    frame_reader_init(&r);
    frame_writer_flush(w);
    for (size_t f = 0; f < w->ndone; f++) {
        assert_true(w->done[f].n <= FRAME_MAX);
        assert_ok(frame_read(&r, w->done[f].p, w->done[f].n, &s, 1, NULL));
        for (size_t i = 0; i < r.nitems; i++) {
            if (r.items[i].b != NULL)
                check_batch(c, r.items[i].b);
            else
                *watermark = r.items[i].w;
            batch_unref(r.items[i].b);
        }
    }
    frame_reader_fini(&r);
    return (unsigned)w->ndone;
}

static void rows_come_out_as_they_went_in(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(4, 0);
    struct batch *b = rows(s, 1000, "a card with a rather long number 0001");
    uint64_t which[BATCH_WORDS];
    struct frame_writer w;
    frame_writer_init(&w);
    for (unsigned i = 0; i < BATCH_WORDS; i++)
        which[i] = UINT64_C(0xb6db6db6db6db6db) ^ i;
    for (unsigned again = 0; again < 2; again++) { /* memory of cleared frames is used again */
        struct check c = {.from = b, .which = which};
        evtime t = 0;
        frame_writer_rows(&w, b, which);
        frame_writer_watermark(&w, 0, s->id, 3, -17);
        unsigned frames = read_all(&w, s, &c, &t);
        assert_true(frames > 1);
        assert_int_equal(t, -17);
        assert_true(c.found > 600);
        frame_writer_clear(&w);
        assert_int_equal(w.ndone, 0);
    }
    frame_writer_fini(&w);
    batch_unref(b);
}

/* In whatever row of a batch they stand, and whichever of them a message begins with. */
static void wide_numbers_long_texts_and_far_places_come_out_as_they_went_in(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(4, 0);
    char card[301];
    memset(card, 'y', sizeof card - 1);
    card[sizeof card - 1] = '\0';
    for (unsigned kind = 0; kind < 8; kind++) {
        struct batch *b = rows(s, 0, "");
        for (unsigned i = 0; i < 500; i++)
            rig_add(b, &(struct pay){.offset = (kind & 1 ? UINT64_C(40000000) : 3) * i,
                                     .id = kind & 2 ? INT64_MIN + i : -(int64_t)i,
                                     .ts = kind & 4 ? (i % 2 ? EVTIME_LAST - i : EVTIME_FIRST + i)
                                                    : 1000 - (int64_t)i,
                                     .amount = i == 300 ? INT64_C(5000000000) : i,
                                     .card = i == 499 ? card : "c",
                                     .account = i % 3 == 0 ? NULL : "",
                                     .status = "s"});
        uint64_t all[BATCH_WORDS];
        memset(all, 0xff, sizeof all);
        struct frame_writer w;
        struct check c = {.from = b, .which = all};
        evtime t = 0;
        frame_writer_init(&w);
        frame_writer_rows(&w, b, all);
        read_all(&w, s, &c, &t);
        assert_int_equal(c.found, 500);
        frame_writer_fini(&w);
        batch_unref(b);
    }
}

static void a_row_larger_than_a_frame_goes_in_pieces(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(4, 0);
    char *card = mem_alloc(200001);
    memset(card, 'x', 200000);
    card[200000] = '\0';
    struct batch *b = rows(s, 3, card);
    struct frame_writer w;
    frame_writer_init(&w);
    const uint64_t all[BATCH_WORDS] = {7};
    struct check c = {.from = b, .which = all};
    evtime t = 0;
    frame_writer_rows(&w, b, all);
    assert_true(read_all(&w, s, &c, &t) > 12);
    assert_int_equal(c.found, 3);
    frame_writer_fini(&w);
    batch_unref(b);
    mem_free(card);
}

static void many_small_messages_become_one_batch(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(4, 0);
    struct batch *b = rows(s, 64, "c");
    struct frame_writer w;
    struct frame_reader r;
    frame_writer_init(&w);
    frame_reader_init(&r);
    for (unsigned i = 0; i < 64; i++) {
        uint64_t one[BATCH_WORDS] = {UINT64_C(1) << i};
        frame_writer_rows(&w, b, one);
        frame_writer_watermark(&w, 0, s->id, 3, i);
    }
    frame_writer_flush(&w);
    assert_int_equal(w.ndone, 1);
    assert_ok(frame_read(&r, w.done[0].p, w.done[0].n, &s, 1, NULL));
    assert_int_equal(r.nitems, 65);
    assert_int_equal(r.items[0].b->n, 64);
    batch_unref(r.items[0].b);
    assert_ok(frame_read(&r, w.done[0].p, w.done[0].n, NULL, 0,
                         NULL)); /* an unknown stream is left out */
    assert_int_equal(r.nitems, 64);
    frame_writer_fini(&w);
    frame_reader_fini(&r);
    batch_unref(b);
}

static void a_damaged_frame_is_not_taken(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(4, 0);
    struct batch *b = rows(s, 5, "c");
    struct frame_writer w;
    struct frame_reader r;
    frame_writer_init(&w);
    frame_reader_init(&r);
    const uint64_t all[BATCH_WORDS] = {31};
    frame_writer_rows(&w, b, all);
    frame_writer_flush(&w);
    const struct bytes *f = &w.done[0];
    uint8_t *copy = mem_alloc(f->n);
    for (size_t n = 0; n < f->n; n++) /* cut short */
        if (n != 4)
            assert_err(frame_read(&r, f->p, n, &s, 1, NULL), ERR_CORRUPT);
    assert_ok(frame_read(&r, f->p, 4, &s, 1, NULL)); /* a head alone: nothing is in it */
    for (size_t i = 0; i < f->n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, f->p, f->n);
            copy[i] ^= (uint8_t)(1u << bit);
            enum err e = frame_read(&r, copy, f->n, &s, 1, NULL);
            for (size_t k = 0; e == ERR_OK && k < r.nitems; k++)
                batch_unref(r.items[k].b);
        }
    memcpy(copy, f->p, f->n);
    copy[1] = FRAME_VERSION + 1;
    assert_err(frame_read(&r, copy, f->n, &s, 1, NULL), ERR_VERSION);
    mem_free(copy);
    frame_writer_fini(&w);
    frame_reader_fini(&r);
    batch_unref(b);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(rows_come_out_as_they_went_in),
              EXPRTREE_TEST(wide_numbers_long_texts_and_far_places_come_out_as_they_went_in),
              EXPRTREE_TEST(a_row_larger_than_a_frame_goes_in_pieces),
              EXPRTREE_TEST(many_small_messages_become_one_batch),
              EXPRTREE_TEST(a_damaged_frame_is_not_taken));
}
