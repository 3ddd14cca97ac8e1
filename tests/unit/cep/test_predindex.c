/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/predindex.h"
#include "tests/lib/taskrig.h"

enum { N = 200 };

static struct batch *rows(const struct schema *s)
{
    static const char *const statuses[] = {"approved", "declined", "confirm", "odd", NULL};
    struct colset all = {{(1u << PAY_COLUMNS) - 1}};
    struct batch *b = batch_new(s, &all);
    for (unsigned i = 0; i < N; i++)
        rig_add(b, &(struct pay){.offset = i,
                                 .id = i % 50,
                                 .amount = i * 10,
                                 .status = statuses[i % 5],
                                 .card = "c"});
    return b;
}

static unsigned count(const struct predindex *p, unsigned condition)
{
    unsigned n = 0;
    for (unsigned w = 0; w < BATCH_WORDS; w++)
        n += (unsigned)__builtin_popcountll(predindex_bits(p, condition)[w]);
    return n;
}

static const struct expr *status_is(const char *s)
{
    return IS(EQ, column(PAY_STATUS), str(s));
}

static void ready(struct predindex *p, struct dict *d)
{
    predindex_literals(p, d);
    predindex_ready(p, d);
}

static void equal_conditions_are_one(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct predindex *p = predindex_new(s);
    const struct expr *small = IS(LT, column(PAY_AMOUNT), dec(500, 2));
    unsigned a = predindex_add(p, status_is("declined"), IS(LT, column(PAY_AMOUNT), dec(500, 2)));
    assert_int_equal(predindex_add(p, IS(AND, small, status_is("declined")), NULL), a);
    assert_int_equal(predindex_add(p, small, status_is("declined")), a);
    unsigned yes = predindex_add(p, NULL, NULL);
    assert_int_equal(predindex_add(p, truth(true), NULL), yes);
    assert_true(predindex_add(p, small, NULL) != a);
    assert_int_equal(predindex_count(p), 3);
    predindex_free(p);
}

static void conditions_hold_for_the_rows_they_say(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct predindex *p = predindex_new(s);
    struct dict *d = dict_new();
    struct batch *b = rows(s);
    unsigned all = predindex_add(p, NULL, NULL);
    unsigned declined = predindex_add(p, status_is("declined"), NULL);
    unsigned both =
        predindex_add(p, status_is("declined"), IS(LT, column(PAY_AMOUNT), dec(500, 2)));
    unsigned never = predindex_add(p, status_is("nothing"), NULL);
    ready(p, d);
    predindex_eval(p, b);
    assert_int_equal(count(p, all), N);
    assert_int_equal(count(p, declined), N / 5);
    assert_int_equal(count(p, both), 10); /* ids 1, 6 … 46 */
    assert_int_equal(count(p, never), 0);
    batch_unref(b);
    dict_free(d);
    predindex_free(p);
}

/* Many literals of a column: looked up, not compared one by one. */
static void many_literals_are_looked_up(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct predindex *p = predindex_new(s);
    struct dict *d = dict_new();
    struct batch *b = rows(s);
    static const char *const statuses[] = {"approved", "declined", "confirm", "odd", "not there"};
    unsigned by_status[5], by_id[60], turned, twice;
    for (unsigned i = 0; i < 5; i++)
        by_status[i] = predindex_add(p, status_is(statuses[i]), NULL);
    for (unsigned i = 0; i < 60; i++)
        by_id[i] = predindex_add(p, IS(EQ, column(PAY_ID), num(i)), NULL);
    turned = predindex_add(p, IS(EQ, str("odd"), column(PAY_STATUS)), NULL);
    twice = predindex_add(p, status_is("odd"), IS(EQ, column(PAY_ID), num(3)));
    ready(p, d);
    for (unsigned again = 0; again < 2; again++) {
        predindex_eval(p, b);
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(count(p, by_status[i]), i < 4 ? N / 5 : 0);
        for (unsigned i = 0; i < 60; i++)
            assert_int_equal(count(p, by_id[i]), i < 50 ? N / 50 : 0);
        assert_int_equal(count(p, turned), N / 5);
        assert_int_equal(count(p, twice), N / 50);
    }
    struct batch *few = batch_new(s, &(struct colset){{1u << PAY_ID}});
    few->columns[PAY_ID].i[0] = 3;
    few->n = 1;
    predindex_eval(p, few); /* without the status: what reads it holds for no row */
    assert_int_equal(count(p, by_id[3]), 1);
    assert_int_equal(count(p, by_id[4]), 0);
    assert_int_equal(count(p, by_status[0]), 0);
    assert_int_equal(count(p, twice), 0);
    batch_unref(few);
    batch_unref(b);
    dict_free(d);
    predindex_free(p);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(equal_conditions_are_one),
              EXPRTREE_TEST(conditions_hold_for_the_rows_they_say),
              EXPRTREE_TEST(many_literals_are_looked_up));
}
