/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cep/expr/exprvm.h"
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
    list_unref(l);
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
    list_unref(l);
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
    list_unref(l);
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
    list_unref(l);
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
    list_unref(l);
}

/* --- edits --- */

static void cut(struct list *l, uint64_t seq, uint32_t stream, uint64_t m0, uint64_t m1)
{
    const uint64_t offsets[] = {m0, m1};
    const struct list_marks marks = {stream, 2, offsets};
    list_cut(l, &(struct list_cut){seq, 1, &marks});
}

static bool at(const struct list *l, int64_t key, uint32_t stream, uint32_t partition,
               uint64_t offset)
{
    return list_has_at(l, (union cell){.i = key}, &(struct list_at){stream, partition, offset}, 0);
}

static void an_edit_holds_from_the_mark_of_the_rows_partition(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT);
    assert_ok(list_put(l, (union cell){.i = 1}));
    cut(l, 1, 7, 100, 20);
    assert_ok(list_edit(l, (union cell){.i = 1}, false));
    assert_ok(list_edit(l, (union cell){.i = 2}, true));
    cut(l, 2, 7, 150, 20);
    assert_ok(list_edit(l, (union cell){.i = 1}, true));
    for (uint64_t i = 0; i < 200; i++) {
        assert_int_equal(at(l, 1, 7, 0, i), i < 100 || i >= 150);
        assert_int_equal(at(l, 2, 7, 0, i), i >= 100);
        assert_int_equal(at(l, 1, 7, 1, i), true); /* both edits at once */
        assert_int_equal(at(l, 2, 7, 1, i), i >= 20);
    }
    assert_true(at(l, 2, 8, 0, 0)); /* a stream without marks came later */
    assert_true(at(l, 2, 7, 2, 0)); /* and so did a partition */
    assert_int_equal(list_count(l), 2);
    assert_int_equal(list_edits(l), 3);
    list_unref(l);
}

static void cuts_before_a_rule_hold_for_all_its_rows(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT);
    const struct list_at first = {7, 0, 0};
    cut(l, 3, 7, 100, 100);
    assert_ok(list_edit(l, (union cell){.i = 1}, true));
    cut(l, 5, 7, 200, 200);
    assert_ok(list_edit(l, (union cell){.i = 1}, false));
    assert_false(list_has_at(l, (union cell){.i = 1}, &first, 0));
    assert_true(list_has_at(l, (union cell){.i = 1}, &first, 3));
    assert_true(list_has_at(l, (union cell){.i = 1}, &first, 4));
    assert_false(list_has_at(l, (union cell){.i = 1}, &first, 5));
    list_unref(l);
}

static void marks_never_go_back(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT);
    cut(l, 1, 7, 100, 50);
    assert_ok(list_edit(l, (union cell){.i = 1}, true));
    cut(l, 2, 8, 5, 5);
    assert_ok(list_edit(l, (union cell){.i = 1}, false));
    cut(l, 3, 7, 10, 60);
    assert_ok(list_edit(l, (union cell){.i = 1}, true));
    assert_false(at(l, 1, 7, 0, 99));
    assert_true(at(l, 1, 7, 0, 100));
    assert_false(at(l, 1, 7, 1, 55)); /* the second cut is at least where the first was */
    assert_true(at(l, 1, 7, 1, 60));
    list_unref(l);
}

static void what_one_change_takes_back_was_not_done(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT);
    cut(l, 1, 7, 100, 100);
    assert_ok(list_edit(l, (union cell){.i = 1}, true));
    assert_ok(list_edit(l, (union cell){.i = 1}, true));
    assert_ok(list_edit(l, (union cell){.i = 1}, false));
    assert_ok(list_edit(l, (union cell){.i = 2}, false));
    cut(l, 1, 7, 0, 0); /* known */
    assert_ok(list_edit(l, (union cell){.i = 3}, true));
    assert_false(at(l, 1, 7, 0, 500));
    assert_false(at(l, 3, 7, 0, 99));
    assert_int_equal(list_edits(l), 1);
    assert_int_equal(list_count(l), 1);
    list_unref(l);
}

/* Against the plain reading of the header: of the edits that hold, the newest. */
static void look_ups_agree_with_a_scan_of_all_edits(void **state)
{
    (void)state;
    enum { KEYS = 8, CUTS = 300 };
    struct {
        uint64_t m[2];
        bool edited[KEYS], in[KEYS];
    } all[CUTS] = {0};
    struct list *l = list_of(TYPE_BIGINT);
    uint32_t r = 12345;
    for (int64_t k = 0; k < KEYS; k += 2)
        assert_ok(list_put(l, (union cell){.i = k}));
    for (unsigned c = 0; c < CUTS; c++) {
        for (unsigned p = 0; p < 2; p++)
            all[c].m[p] = (c > 0 ? all[c - 1].m[p] : 0) + (r = r * 1664525 + 1013904223) % 5;
        cut(l, c + 1, 7, all[c].m[0], all[c].m[1]);
        for (unsigned n = (r >> 8) % 4; n-- > 0;) {
            unsigned k = ((r = r * 1664525 + 1013904223) >> 16) % KEYS;
            all[c].edited[k] = true;
            all[c].in[k] = r >> 30 & 1;
            assert_ok(list_edit(l, (union cell){.i = k}, all[c].in[k]));
        }
    }
    for (uint64_t i = 0; i < CUTS * 3; i++)
        for (unsigned p = 0; p < 2; p++)
            for (unsigned k = 0; k < KEYS; k++) {
                bool want = k % 2 == 0;
                for (unsigned c = 0; c < CUTS; c++)
                    if (all[c].edited[k] && i >= all[c].m[p])
                        want = all[c].in[k];
                assert_int_equal(at(l, k, 7, p, i), want);
            }
    list_unref(l);
}

static void a_list_is_made_again_from_its_edits_and_its_items(void **state)
{
    (void)state;
    struct list *l = list_of(TYPE_BIGINT); /* 1 and 2 at first; 1 out, 3 in, 1 in */
    cut(l, 1, 7, 10, 10);
    assert_ok(list_replay(l, (union cell){.i = 1}, false));
    assert_ok(list_replay(l, (union cell){.i = 3}, true));
    cut(l, 2, 7, 20, 20);
    assert_ok(list_replay(l, (union cell){.i = 1}, true));
    for (int64_t i = 1; i <= 3; i++)
        assert_ok(list_put(l, (union cell){.i = i}));
    assert_true(at(l, 1, 7, 0, 9));
    assert_false(at(l, 1, 7, 0, 10));
    assert_true(at(l, 1, 7, 0, 20));
    assert_true(at(l, 2, 7, 0, 0));
    assert_false(at(l, 3, 7, 0, 9));
    assert_true(at(l, 3, 7, 0, 10));
    assert_int_equal(list_count(l), 3);
    list_unref(l);
}

static void a_key_and_its_text_are_the_same_thing(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        const char *text, *shown;
    } rows[] = {{TYPE_STRING, "a\"b", "a\"b"},
                {TYPE_BIGINT, "007", "7"},
                {TYPE_BOOLEAN, "TRUE", "true"},
                {TYPE_DOUBLE, "-0", "0"},
                {TYPE_DOUBLE, "2.50", "2.5"},
                {TYPE_TIMESTAMP, "2026-11-21 06:48:51.12", "2026-11-21T06:48:51.120Z"},
                {TYPE_BIGINT, "seven", NULL},
                {TYPE_BOOLEAN, "yes", NULL},
                {TYPE_TIMESTAMP, "soon", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct list *l = list_of((enum type_kind)rows[i].kind);
        union cell key;
        struct bytes b = {0};
        bool good = list_key_parse(l, rows[i].text, strlen(rows[i].text), &key);
        assert_int_equal(good, rows[i].shown != NULL);
        if (good) {
            assert_true(list_key_text(l, key, &b));
            bytes_u8(&b, 0);
            assert_string_equal((char *)b.p, rows[i].shown);
        }
        bytes_fini(&b);
        list_unref(l);
    }
}

/* (key, number, text) */
static struct list *list_of_rows(void)
{
    static const struct column columns[] = {{.name = "k", .type.kind = TYPE_STRING},
                                            {.name = "n", .type.kind = TYPE_BIGINT},
                                            {.name = "s", .type.kind = TYPE_STRING}};
    static const struct schema schema = {.name = "l",
                                         .ncolumns = 3,
                                         .columns = columns,
                                         .time_column = -1};
    return list_new(&schema, 0);
}

static void row_of(const char *key, int64_t n, const char *s, struct value out[3])
{
    out[0] = (struct value){.type.kind = TYPE_STRING, .c = text(key)};
    out[1] = (struct value){.type.kind = TYPE_BIGINT, .c.i = n};
    out[2] = (struct value){.type.kind = TYPE_STRING, .null = s == NULL};
    if (s != NULL)
        out[2].c = text(s);
}

static int64_t number_at(const struct list *l, const char *key, uint64_t offset)
{
    const struct list_at at = {.stream = 1, .offset = offset};
    union cell c;
    return list_value_at(l, text(key), 1, &at, 0, &c) ? c.i : -1;
}

static void a_row_has_the_values_of_its_place(void **state)
{
    (void)state;
    struct list *l = list_of_rows();
    struct value v[3];
    union cell c;
    const uint64_t marks[2][1] = {{10}, {20}};
    row_of("a", 1, "one", v);
    assert_ok(list_put_row(l, v));
    row_of("a", 9, "nine", v);
    assert_ok(list_put_row(l, v)); /* it is there already */
    assert_ok(list_put(l, text("bare")));
    for (unsigned i = 0; i < 2; i++) {
        const struct list_marks m = {1, 1, marks[i]};
        list_cut(l, &(struct list_cut){i + 1, 1, &m});
        row_of("a", 2 + i, NULL, v);
        assert_ok(list_edit_row(l, v));
        assert_ok(list_edit_row(l, v));
        if (i == 0)
            assert_ok(list_edit(l, text("bare"), false));
    }
    assert_int_equal(list_edits(l), 3);
    assert_int_equal(list_count(l), 1);
    assert_int_equal(number_at(l, "a", 9), 1);
    assert_int_equal(number_at(l, "a", 10), 2);
    assert_int_equal(number_at(l, "a", 20), 3);
    assert_int_equal(number_at(l, "bare", 9), -1);
    assert_int_equal(number_at(l, "none", 9), -1);
    assert_false(list_value_at(l, text("a"), 2, NULL, 0, &c)); /* NULL */
    assert_true(list_value_at(l, text("a"), 0, NULL, 0, &c));
    assert_int_equal(c.s.n, 1);
    const struct list_at first = {.stream = 1};
    assert_true(list_value_at(l, text("a"), 2, &first, 0, &c));
    assert_memory_equal(c.s.p, "one", 3);
    assert_true(list_value_at(l, text("bare"), 0, &first, 0, &c));
    assert_false(list_value_at(l, text("bare"), 0, NULL, 0, &c));
    list_unref(l);
}

static void rows_stay_with_their_keys_when_the_list_grows(void **state)
{
    (void)state;
    struct list *l = list_of_rows();
    struct value v[3];
    char key[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        row_of(key, i, key, v);
        assert_ok(i % 3 == 0 ? list_put(l, v[0].c) : list_put_row(l, v));
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(number_at(l, key, 0), i % 3 == 0 ? -1 : i);
    }
    list_unref(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_in_it_by_its_bytes),
        cmocka_unit_test(a_key_is_there_once),
        cmocka_unit_test(doubles_are_equal_as_in_comparisons),
        cmocka_unit_test(a_key_too_long_changes_nothing),
        cmocka_unit_test(null_is_neither_in_it_nor_not),
        cmocka_unit_test(an_edit_holds_from_the_mark_of_the_rows_partition),
        cmocka_unit_test(cuts_before_a_rule_hold_for_all_its_rows),
        cmocka_unit_test(marks_never_go_back),
        cmocka_unit_test(what_one_change_takes_back_was_not_done),
        cmocka_unit_test(look_ups_agree_with_a_scan_of_all_edits),
        cmocka_unit_test(a_list_is_made_again_from_its_edits_and_its_items),
        cmocka_unit_test(a_key_and_its_text_are_the_same_thing),
        cmocka_unit_test(a_row_has_the_values_of_its_place),
        cmocka_unit_test(rows_stay_with_their_keys_when_the_list_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
