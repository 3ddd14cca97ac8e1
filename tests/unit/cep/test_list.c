/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cep/exprvm.h"
#include "cep/list.h"
#include "tests/lib/check.h"
#include <math.h>

static struct list *list_of(enum type_kind kind)
{
    static struct column column;
    static const struct schema schema = {.name = "l",
                                         .ncolumns = 1,
                                         .columns = &column,
                                         .time_column = -1};
    column = (struct column){.name = "k", .type.kind = (uint8_t)kind};
    return list_new(&schema, 0);
}

static union cell text(const char *p)
{
    return (union cell){.s = {p, (uint32_t)strlen(p), 0}};
}

static void a_text_is_in_it_by_its_bytes(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_STRING);
    char key[] = "c1";
    assert_false(list_has(l, text("c1")));
    assert_ok(list_put(l, text(key)));
    assert_ok(list_put(l, text("")));
    key[1] = '2'; /* the list has its own */
    assert_true(list_has(l, text("c1")));
    assert_true(list_has(l, text("")));
    assert_false(list_has(l, text("c2")));
    assert_false(list_has(l, text("C1")));
    assert_int_equal(list_count(l), 2);
    list_free(l);
}

static void a_key_is_there_once(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT);
    for (int64_t i = 0; i < 10000; i++)
        assert_ok(list_put(l, (union cell){.i = i / 2}));
    assert_int_equal(list_count(l), 5000);
    for (int64_t i = 0; i < 10000; i++)
        assert_int_equal(list_has(l, (union cell){.i = i}), i < 5000);
    assert_false(list_has(l, (union cell){.i = -1}));
    list_free(l);
}

static void doubles_are_equal_as_in_comparisons(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_DOUBLE);
    assert_false(list_has(l, (union cell){.d = 0}));
    assert_ok(list_put(l, (union cell){.d = -0.0}));
    assert_ok(list_put(l, (union cell){.d = -(double)NAN}));
    assert_true(list_has(l, (union cell){.d = 0}));
    assert_true(list_has(l, (union cell){.d = (double)NAN}));
    assert_false(list_has(l, (union cell){.d = 1}));
    list_free(l);
}

static void a_key_too_long_changes_nothing(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_STRING);
    char *key = mem_array(LIST_KEY_MAX + 1, 1);
    union cell c = {.s = {key, LIST_KEY_MAX + 1, 0}};
    assert_int_equal(list_put(l, c), ERR_LIMIT);
    assert_int_equal(list_count(l), 0);
    c.s.n--;
    assert_ok(list_put(l, c));
    assert_true(list_has(l, c));
    mem_free(key);
    list_free(l);
}

static void null_is_neither_in_it_nor_not(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT);
    assert_ok(list_put(l, (union cell){.i = 7}));
    for (int which = 0; which < 3; which++) {
        struct type bigint = {.kind = TYPE_BIGINT};
        struct expr key = {.kind = EXPR_CONST, .type = bigint};
        key.constant = (struct value){.type = bigint, .null = which == 2, .c.i = 7 + which};
        const struct expr *args[] = {&key};
        struct expr e = {
            .kind = EXPR_IN_LIST, .type.kind = TYPE_BOOLEAN, .nargs = 1, .args = args, .list = l};
        struct arena *scratch = arena_new(0, 0);
        struct exprvm *x = exprvm_new(&e, NULL);
        struct exprvm_env env = {.scratch = scratch};
        union cell c = {.i = -1};
        assert_int_equal(exprvm_eval(x, &env, &c), which != 2);
        if (which != 2)
            assert_int_equal(c.i, which == 0);
        exprvm_free(x);
        arena_free(scratch);
    }
    list_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_in_it_by_its_bytes),
        cmocka_unit_test(a_key_is_there_once),
        cmocka_unit_test(doubles_are_equal_as_in_comparisons),
        cmocka_unit_test(a_key_too_long_changes_nothing),
        cmocka_unit_test(null_is_neither_in_it_nor_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
