/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions are put together by hand, as the compiler would; most are asked twice, over a batch and at one row. */
#include "tests/lib/exprtree.h"

enum { FLAG, COUNT, RATIO, AMOUNT, STATUS, TS, OTHER, COLUMNS };
static const struct column columns[COLUMNS] = {
    {.name = "flag", .type = {.kind = TYPE_BOOLEAN}},
    {.name = "count", .type = {.kind = TYPE_BIGINT}},
    {.name = "ratio", .type = {.kind = TYPE_DOUBLE}},
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "status", .type = {.kind = TYPE_STRING}},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}},
    {.name = "other", .type = {.kind = TYPE_BIGINT}},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = COLUMNS,
                                     .columns = columns,
                                     .time_column = TS};

static struct expr *col(unsigned c)
{
    struct expr *e = node(EXPR_COLUMN, columns[c].type, 0, NULL);
    e->index = c;
    return e;
}

static struct batch *batch_of(unsigned n)
{
    struct colset all = {{(1 << COLUMNS) - 1}};
    struct batch *b = batch_new(&schema, &all);
    b->n = n;
    for (unsigned c = 0; c < COLUMNS; c++)
        for (unsigned i = 0; i < n; i++) {
            if (columns[c].type.kind == TYPE_STRING)
                b->columns[c].s[i] = (struct str){"", 0, 0};
            else
                b->columns[c].i[i] = 0;
        }
    return b;
}

static void set_null(struct batch *b, unsigned c, unsigned row)
{
    b->columns[c].nulls[row / 64] |= UINT64_C(1) << row % 64;
    b->columns[c].has_nulls = true;
}

static void set_text(struct batch *b, unsigned c, unsigned row, const char *s)
{
    b->columns[c].s[row] = (struct str){s, (uint32_t)strlen(s), 0};
}

/* The value of e at a row, as text; "null". */
static const char *at_row(const struct expr *e, struct batch *b, unsigned row)
{
    return shown_value(e, (struct exprvm_env){.current = {.b = b, .i = row}});
}

/* The rows for which e is true as a word of bits; both ways of asking agree. */
static uint64_t rows_of(const struct expr *e, struct batch *b)
{
    uint64_t out[BATCH_WORDS];
    struct exprvm *x = exprvm_new(e, NULL);
    exprvm_filter(x, b, NULL, out);
    for (unsigned i = 0; i < b->n; i++)
        assert_int_equal(out[i / 64] >> (i % 64) & 1, strcmp(at_row(e, b, i), "true") == 0);
    exprvm_free(x);
    return out[0];
}

static const char *three_valued(int v)
{
    return v == 0 ? "false" : v == 1 ? "true" : "null";
}

static void logic_is_three_valued(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++)
        for (int q = 0; q < 3; q++) {
            struct batch *b = batch_of(1);
            b->columns[FLAG].i[0] = p == 1;
            if (p == 2)
                set_null(b, FLAG, 0);
            const struct expr *a = col(FLAG), *c = q == 2 ? null_of(BOOLEAN) : truth(q == 1);
            int and = p == 0 || q == 0 ? 0 : p == 2 || q == 2 ? 2 : 1;
            int or = p == 1 || q == 1 ? 1 : p == 2 || q == 2 ? 2 : 0;
            const struct expr *both = IS(AND, a, c), *either = IS(OR, a, c);
            assert_string_equal(at_row(both, b, 0), three_valued(and));
            assert_string_equal(at_row(either, b, 0), three_valued(or));
            assert_string_equal(at_row(IS(NOT, both), b, 0), three_valued(and == 2 ? 2 : !and));
            assert_string_equal(at_row(IS(IS_TRUE, both), b, 0), three_valued(and == 1));
            assert_string_equal(at_row(IS(IS_FALSE, both), b, 0), three_valued(and == 0));
            assert_string_equal(at_row(IS(IS_NULL, both), b, 0), three_valued(and == 2));
            assert_int_equal(rows_of(IS(IS_NULL, both), b), and == 2);
            assert_int_equal(rows_of(IS(IS_FALSE, either), b), or == 0);
            assert_int_equal(rows_of(IS(NOT, either), b), or == 0);
            batch_unref(b);
        }
}

static void a_filter_tells_the_rows_that_are_true_among_those_asked(void **state)
{
    (void)state;
    struct batch *b = batch_of(1000);
    uint64_t among[BATCH_WORDS] = {0}, out[BATCH_WORDS];
    for (unsigned i = 0; i < b->n; i++) {
        b->columns[AMOUNT].i[i] = i * 100;
        if (i % 7 == 0)
            set_null(b, AMOUNT, i);
    }
    for (unsigned w = 0; w < BATCH_WORDS; w += 2)
        among[w] = UINT64_C(0xf0f0f0f0f0f0f0f0);
    struct exprvm *x = exprvm_new(IS(GE, col(AMOUNT), dec(50000, 2)), NULL);
    for (int with = 0; with < 2; with++) {
        exprvm_filter(x, b, with ? among : NULL, out);
        for (unsigned i = 0; i < BATCH_ROWS; i++) {
            bool asked = !with || (among[i / 64] >> i % 64 & 1);
            bool expected = asked && i < b->n && i >= 500 && i % 7 != 0;
            assert_int_equal(out[i / 64] >> i % 64 & 1, expected);
        }
    }
    exprvm_free(x);
    batch_unref(b);
}

static void comparisons_hold_for_every_type(void **state)
{
    (void)state;
    struct batch *b = batch_of(3); /* less, equal, greater */
    for (unsigned i = 0; i < 3; i++) {
        b->columns[FLAG].i[i] = i > 0;
        b->columns[COUNT].i[i] = (int64_t)i - 1;
        b->columns[RATIO].d[i] = (double)i - 1;
        b->columns[AMOUNT].i[i] = (int64_t)i - 1;
        b->columns[TS].i[i] = 999 + i;
        b->columns[OTHER].i[i] = 0;
        set_text(b, STATUS, i, i == 0 ? "a" : i == 1 ? "ab" : "b");
    }
    struct {
        const struct expr *left, *right;
    } pairs[] = {{col(COUNT), num(0)},     {col(COUNT), col(OTHER)},
                 {col(RATIO), real(0)},    {col(AMOUNT), dec(0, 2)},
                 {col(AMOUNT), dec(0, 4)}, {col(TS), literal(TIMESTAMP, (union cell){.i = 1000})},
                 {col(STATUS), str("ab")}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct expr *l = pairs[i].left, *r = pairs[i].right;
        assert_int_equal(rows_of(IS(EQ, l, r), b), 2);
        assert_int_equal(rows_of(IS(NE, l, r), b), 5);
        assert_int_equal(rows_of(IS(LT, l, r), b), 1);
        assert_int_equal(rows_of(IS(LE, l, r), b), 3);
        assert_int_equal(rows_of(IS(GT, l, r), b), 4);
        assert_int_equal(rows_of(IS(GE, l, r), b), 6);
        assert_int_equal(rows_of(IS(LT, r, l), b), 4);
        assert_int_equal(rows_of(IS(GE, r, l), b), 3);
        assert_int_equal(rows_of(IS(DISTINCT, l, r), b), 5);
        assert_int_equal(rows_of(IS(NOT_DISTINCT, r, l), b), 2);
    }
    assert_int_equal(rows_of(IS(EQ, col(FLAG), truth(true)), b), 6);
    assert_int_equal(rows_of(IS(EQ, col(FLAG), IS(GT, col(COUNT), num(0))), b), 5);
    batch_unref(b);
}

static void distinct_from_takes_null_for_a_value(void **state)
{
    (void)state;
    struct batch *b = batch_of(4); /* (null, null), (null, 0), (0, null), (0, 0) */
    set_null(b, COUNT, 0);
    set_null(b, COUNT, 1);
    set_null(b, OTHER, 0);
    set_null(b, OTHER, 2);
    assert_int_equal(rows_of(IS(DISTINCT, col(COUNT), col(OTHER)), b), 6);
    assert_int_equal(rows_of(IS(NOT_DISTINCT, col(COUNT), col(OTHER)), b), 9);
    assert_int_equal(rows_of(IS(NOT_DISTINCT, col(COUNT), null_of(BIGINT)), b), 3);
    assert_int_equal(rows_of(IS(EQ, col(COUNT), null_of(BIGINT)), b), 0);
    assert_int_equal(rows_of(IS(IS_NULL, IS(EQ, col(COUNT), col(OTHER))), b), 7);
    batch_unref(b);
}

static uint64_t filtered(const struct expr *e, const struct dict *d, struct batch *b)
{
    uint64_t out[BATCH_WORDS];
    struct exprvm *x = exprvm_new(e, d);
    exprvm_filter(x, b, NULL, out);
    exprvm_free(x);
    return out[0];
}

static void literals_are_compared_by_id_only_where_the_batch_has_them(void **state)
{
    (void)state;
    struct dict *d = dict_new(), *other = dict_new();
    const struct expr *is = IS(EQ, col(STATUS), str("ok")), *not = IS(NE, str("ok"), col(STATUS));
    const struct expr *in = IS(IN, col(STATUS), str("ok"), str("no"));
    dict_add(other, "bad", 3);
    exprvm_literals(is, d);
    exprvm_literals(not, d);
    exprvm_literals(in, d);
    assert_int_equal(dict_count(d), 2);
    assert_true(colset_has(dict_columns(d), STATUS));
    struct batch *b = batch_of(3);
    set_text(b, STATUS, 0, "ok");
    set_text(b, STATUS, 1, "bad");
    set_null(b, STATUS, 2);
    for (int ids = 0; ids < 3; ids++) { /* none, of another dictionary, right ones */
        const struct dict *of = ids == 1 ? other : d;
        for (unsigned i = 0; ids > 0 && i < 2; i++) {
            struct str *s = &b->columns[STATUS].s[i];
            s->id = dict_find(of, s->p, s->n);
        }
        b->dict_serial = ids > 0 ? dict_serial(of) : 0;
        if (ids > 0)
            colset_add(&b->with_ids, STATUS);
        assert_int_equal(filtered(is, d, b), 1);
        assert_int_equal(filtered(not, d, b), 2);
        assert_int_equal(filtered(in, d, b), 1);
        assert_int_equal(filtered(is, NULL, b), 1);
    }
    batch_unref(b);
    dict_free(d);
    dict_free(other);
}

static void in_is_null_when_a_null_might_have_been_it(void **state)
{
    (void)state;
    struct batch *b = batch_of(4);
    const int64_t counts[] = {1, 2, 3, 0};
    memcpy(b->columns[COUNT].i, counts, sizeof counts);
    set_null(b, COUNT, 3);
    const struct expr *plain = IS(IN, col(COUNT), num(3), num(1));
    const struct expr *with = IS(IN, col(COUNT), num(3), null_of(BIGINT));
    assert_int_equal(rows_of(plain, b), 5);
    assert_int_equal(rows_of(IS(NOT, plain), b), 2);
    assert_int_equal(rows_of(with, b), 4);
    assert_int_equal(rows_of(IS(NOT, with), b), 0);
    assert_int_equal(rows_of(IS(IS_NULL, with), b), 11);
    batch_unref(b);
}

static void like_knows_percent_underscore_and_escapes(void **state)
{
    (void)state;
    struct {
        const char *text, *pattern;
        bool is;
    } cases[] = {
        {"abc", "abc", true},
        {"abc", "ab", false},
        {"abc", "a%", true},
        {"abc", "%c", true},
        {"abc", "%b%", true},
        {"abc", "%d%", false},
        {"", "", true},
        {"", "%", true},
        {"", "_", false},
        {"abc", "a_c", true},
        {"abc", "___", true},
        {"abc", "____", false},
        {"a\xc3\xa9z", "a_z", true},
        {"abcbcd", "a%bcd", true},
        {"aXbXc", "a%X%c", true},
        {"abc", "%%", true},
        {"a%c", "a!%c", true},
        {"abc", "a!%c", false},
        {"a!c", "a!!c", true},
        {"abc", "c%a", false},
        {"aaab", "%a_b", true},
        {"mississippi", "m%iss%ip_i", true},
        {"ab", "a%b%", true},
    };
    struct batch *b = batch_of(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_text(b, STATUS, 0, cases[i].text);
        const struct expr *constant = IS(LIKE, col(STATUS), str(cases[i].pattern), str("!"));
        const struct expr *computed =
            IS(LIKE, col(STATUS), OP(CONCAT, STRING, str(""), str(cases[i].pattern)), str("!"));
        assert_int_equal(rows_of(constant, b), cases[i].is);
        assert_int_equal(rows_of(computed, b), cases[i].is);
    }
    assert_string_equal(at_row(IS(LIKE, col(STATUS), str("a!b"), str("!")), b, 0), "null");
    assert_string_equal(at_row(IS(LIKE, col(STATUS), null_of(STRING)), b, 0), "null");
    batch_unref(b);
}

static void case_takes_the_first_condition_that_is_true(void **state)
{
    (void)state;
    struct batch *b = batch_of(4);
    const int64_t counts[] = {1, 5, 50, 0};
    memcpy(b->columns[COUNT].i, counts, sizeof counts);
    set_null(b, COUNT, 3);
    const struct expr *e = OP(CASE, STRING, IS(LT, col(COUNT), num(3)), str("few"),
                              IS(LT, col(COUNT), num(9)), str("some"), str("many"));
    const char *expected[] = {"\"few\"", "\"some\"", "\"many\"", "\"many\""};
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(at_row(e, b, i), expected[i]);
    assert_int_equal(rows_of(IS(EQ, e, str("many")), b), 12);
    const struct expr *no_else = OP(CASE, BIGINT, IS(LT, col(COUNT), num(3)), col(OTHER));
    assert_int_equal(rows_of(IS(IS_NULL, no_else), b), 14);
    const struct expr *flag =
        IS(CASE, IS(GT, col(COUNT), num(9)), truth(true), IS(GT, col(COUNT), num(3)), truth(false));
    assert_int_equal(rows_of(flag, b), 4);
    assert_int_equal(rows_of(IS(NOT, flag), b), 2);
    batch_unref(b);
}

static void coalesce_takes_the_first_that_is_not_null(void **state)
{
    (void)state;
    struct batch *b = batch_of(3);
    b->columns[COUNT].i[0] = 1;
    b->columns[OTHER].i[1] = 2;
    set_null(b, COUNT, 1);
    set_null(b, COUNT, 2);
    set_null(b, OTHER, 2);
    const struct expr *e = OP(COALESCE, BIGINT, col(COUNT), col(OTHER), num(9));
    assert_string_equal(at_row(e, b, 0), "1");
    assert_string_equal(at_row(e, b, 1), "2");
    assert_string_equal(at_row(e, b, 2), "9");
    assert_int_equal(rows_of(IS(GE, e, num(2)), b), 6);
    set_null(b, FLAG, 0);
    assert_int_equal(rows_of(IS(COALESCE, col(FLAG), truth(true)), b), 1);
    batch_unref(b);
}

static void texts_are_put_together_over_a_batch(void **state)
{
    (void)state;
    struct batch *b = batch_of(130);
    for (unsigned i = 0; i < b->n; i++)
        set_text(b, STATUS, i, i % 2 ? "ok" : "no");
    const struct expr *upper =
        func(FUNC_UPPER, OP(FUNC, STRING, OP(CONCAT, STRING, col(STATUS), str("-x"))));
    assert_string_equal(at_row(upper, b, 1), "\"OK-X\"");
    assert_true(rows_of(IS(EQ, upper, str("OK-X")), b) == UINT64_C(0xaaaaaaaaaaaaaaaa));
    assert_int_equal(rows_of(IS(IS_NULL, OP(CONCAT, STRING, col(STATUS), null_of(STRING))), b), -1);
    batch_unref(b);
}

static struct expr *navigated(struct expr *what, struct nav nav)
{
    struct expr *e = node(EXPR_NAV, what->type, 1, (const struct expr *[]){what});
    e->nav = nav;
    return e;
}

static void values_of_other_rows_come_from_where_the_operator_says(void **state)
{
    (void)state;
    struct batch *b = batch_of(3);
    struct row_layout l;
    struct colset keep = {{1 << COUNT | 1 << STATUS}};
    for (unsigned i = 0; i < 3; i++)
        b->columns[COUNT].i[i] = 10 * ((int64_t)i + 1);
    set_text(b, STATUS, 0, "first");
    set_text(b, STATUS, 2, "third");
    row_layout_init(&l, &schema, &keep);
    struct row *kept = row_new(&l, b, 0);
    struct nav first = {.vars = 1, .first = true}, prev = {.current = true, .physical = -1},
               none = {.vars = 2};
    struct expr *slot = node(EXPR_SLOT, BIGINT, 0, NULL);
    slot->index = 4;
    /* COUNT + FIRST(A.COUNT) + PREV(COUNT) + slot, the first named twice */
    const struct expr *e =
        OP(ADD, BIGINT, OP(ADD, BIGINT, col(COUNT), navigated(col(COUNT), first)),
           OP(ADD, BIGINT, navigated(OP(MUL, BIGINT, col(COUNT), num(1)), prev),
              OP(ADD, BIGINT, slot, OP(SUB, BIGINT, navigated(col(COUNT), first), slot))));
    struct exprvm *x = exprvm_new(e, NULL);
    unsigned n = 0;
    const struct nav *navs = exprvm_navs(x, &n);
    assert_int_equal(n, 2);
    assert_true(navs[0].first && navs[1].current);
    assert_ptr_equal(exprvm_externals(x, &n)[0], slot);
    assert_int_equal(n, 1);
    struct rowref refs[] = {{.r = kept}, {.b = b, .i = 1}};
    union cell out, external = {.i = 1000};
    bool external_null = false;
    struct exprvm_env env = {.current = {.b = b, .i = 2},
                             .layout = &l,
                             .navs = refs,
                             .externals = &external,
                             .external_nulls = &external_null,
                             .scratch = trees};
    assert_true(exprvm_eval(x, &env, &out));
    assert_int_equal(out.i, 30 + 10 + 20 + 1000 + (10 - 1000));
    refs[1] = (struct rowref){.b = NULL};
    assert_false(exprvm_eval(x, &env, &out));
    exprvm_free(x);

    /* Of no row, even COALESCE(…, 7) is NULL. */
    x = exprvm_new(navigated(OP(COALESCE, BIGINT, col(COUNT), num(7)), none), NULL);
    assert_false(exprvm_eval(
        x,
        &(struct exprvm_env){.current = {.b = b}, .layout = &l, .navs = &refs[1], .scratch = trees},
        &out));
    exprvm_free(x);
    row_unref(kept);
    batch_unref(b);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(logic_is_three_valued),
              EXPRTREE_TEST(a_filter_tells_the_rows_that_are_true_among_those_asked),
              EXPRTREE_TEST(comparisons_hold_for_every_type),
              EXPRTREE_TEST(distinct_from_takes_null_for_a_value),
              EXPRTREE_TEST(literals_are_compared_by_id_only_where_the_batch_has_them),
              EXPRTREE_TEST(in_is_null_when_a_null_might_have_been_it),
              EXPRTREE_TEST(like_knows_percent_underscore_and_escapes),
              EXPRTREE_TEST(case_takes_the_first_condition_that_is_true),
              EXPRTREE_TEST(coalesce_takes_the_first_that_is_not_null),
              EXPRTREE_TEST(texts_are_put_together_over_a_batch),
              EXPRTREE_TEST(values_of_other_rows_come_from_where_the_operator_says));
}
