/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/expr.h"
#include "tests/lib/check.h"

static struct expr number(int64_t v)
{
    struct expr e = {.kind = EXPR_CONST, .type = {.kind = TYPE_BIGINT}};
    e.constant = (struct value){.type = e.type, .c.i = v};
    return e;
}

static struct expr text(const char *s)
{
    struct expr e = {.kind = EXPR_CONST, .type = {.kind = TYPE_STRING}};
    e.constant = (struct value){.type = e.type, .c.s = {s, (uint32_t)strlen(s), 0}};
    return e;
}

static struct expr column(unsigned i)
{
    struct expr e = {.kind = EXPR_COLUMN, .type = {.kind = TYPE_BIGINT}};
    e.index = i;
    return e;
}

static struct expr node(enum expr_kind k, unsigned n, const struct expr *const *args)
{
    return (struct expr){.kind = k, .type = {.kind = TYPE_BOOLEAN}, .nargs = n, .args = args};
}

static void equal_trees_are_the_same_wherever_they_stand(void **state)
{
    (void)state;
    struct expr a = column(1), b = number(7), c = column(1), d = number(7), f = number(8);
    struct expr x = node(EXPR_GT, 2, (const struct expr *[]){&a, &b});
    struct expr y = node(EXPR_GT, 2, (const struct expr *[]){&c, &d});
    struct expr z = node(EXPR_GT, 2, (const struct expr *[]){&a, &f});
    struct expr w = node(EXPR_LT, 2, (const struct expr *[]){&a, &b});
    y.at = (struct span){10, 20};
    assert_true(expr_same(&x, &y));
    assert_int_equal(expr_hash(&x), expr_hash(&y));
    assert_false(expr_same(&x, &z));
    assert_false(expr_same(&x, &w));
    struct expr s = text("ab"), t = text("ab"), u = text("ac");
    assert_true(expr_same(&s, &t));
    assert_int_equal(expr_hash(&s), expr_hash(&t));
    assert_false(expr_same(&s, &u));
}

static void rows_of_a_match_are_part_of_what_is_compared(void **state)
{
    (void)state;
    struct expr c = column(2);
    const struct expr *args[] = {&c};
    struct expr a = node(EXPR_NAV, 1, args), b = node(EXPR_NAV, 1, args);
    a.nav = (struct nav){.vars = 1, .running = true};
    b.nav = a.nav;
    assert_true(expr_same(&a, &b));
    b.nav.logical = 1;
    assert_false(expr_same(&a, &b));
    a.nav = b.nav = (struct nav){.current = true, .physical = -1};
    b.nav.vars = 4; /* without meaning beside `current` */
    assert_true(expr_same(&a, &b));
    assert_int_equal(expr_hash(&a), expr_hash(&b));
    struct expr m = {.kind = EXPR_MATCH_AGG, .type = {.kind = TYPE_BIGINT}}, n = m;
    m.agg.call = (struct agg_call){.kind = AGG_SUM, .arg = &c, .type = m.type};
    n.agg.call = m.agg.call;
    assert_true(expr_same(&m, &n));
    assert_int_equal(expr_hash(&m), expr_hash(&n));
    n.agg.call.distinct = true;
    assert_false(expr_same(&m, &n));
}

static void only_columns_of_the_row_make_a_row_expression(void **state)
{
    (void)state;
    struct expr c = column(2), d = column(70);
    struct expr nav = node(EXPR_NAV, 1, (const struct expr *[]){&d});
    nav.nav = (struct nav){.vars = 1, .running = true};
    struct expr both = node(EXPR_GT, 2, (const struct expr *[]){&c, &nav});
    assert_true(expr_is_row_only(&c));
    assert_false(expr_is_row_only(&both));
    nav.nav = (struct nav){.current = true};
    assert_true(expr_is_row_only(&both));
    nav.nav.physical = -1;
    assert_false(expr_is_row_only(&both));
    struct colset set = {{0}};
    expr_columns(&both, &set);
    assert_true(colset_has(&set, 2) && colset_has(&set, 70) && !colset_has(&set, 3));
    struct expr agg = {.kind = EXPR_MATCH_AGG};
    agg.agg.call.filter = &c;
    agg.agg.call.arg = &d;
    struct colset other = {{0}};
    expr_columns(&agg, &other);
    assert_memory_equal(&other, &set, sizeof set);
    assert_false(expr_is_row_only(&agg));
}

static void it_prints_with_the_parentheses_it_needs(void **state)
{
    (void)state;
    struct expr a = column(0), one = number(1), two = number(-2);
    a.type.kind = one.type.kind = TYPE_BIGINT;
    struct expr sub = node(EXPR_SUB, 2, (const struct expr *[]){&one, &two});
    struct expr left = node(EXPR_SUB, 2, (const struct expr *[]){&sub, &a});
    struct expr right = node(EXPR_SUB, 2, (const struct expr *[]){&a, &sub});
    struct expr gt = node(EXPR_GT, 2, (const struct expr *[]){&left, &right});
    struct expr null = node(EXPR_IS_NULL, 1, (const struct expr *[]){&a});
    struct expr or = node(EXPR_OR, 2, (const struct expr *[]){&gt, &null});
    struct expr not = node(EXPR_NOT, 1, (const struct expr *[]){&null});
    struct expr and = node(EXPR_AND, 2, (const struct expr *[]){& or, &not });
    struct bytes out = {0};
    expr_print(&and, NULL, NULL, &out);
    bytes_u8(&out, 0);
    assert_string_equal(
        (const char *)out.p,
        "(1 - -2 - column 0 > column 0 - (1 - -2) OR column 0 IS NULL) AND column 0 "
        "IS NOT NULL");
    bytes_fini(&out);
}

int main(void)
{
    CHECK_RUN(TEST(equal_trees_are_the_same_wherever_they_stand),
              TEST(rows_of_a_match_are_part_of_what_is_compared),
              TEST(only_columns_of_the_row_make_a_row_expression),
              TEST(it_prints_with_the_parentheses_it_needs));
}
