/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/dict.h"
#include "tests/lib/check.h"

static void the_same_text_has_the_same_id(void **state)
{
    (void)state;
    struct dict *d = dict_new();
    uint32_t a = dict_add(d, "declined", 8), b = dict_add(d, "approved", 8);
    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    assert_int_equal(dict_add(d, "declined", 8), a);
    assert_int_equal(dict_find(d, "approved", 8), b);
    assert_int_equal(dict_count(d), 2);
    dict_free(d);
}

static void texts_that_are_not_in_it_have_id_0(void **state)
{
    (void)state;
    struct dict *d = dict_new();
    assert_int_equal(dict_find(d, "x", 1), 0);
    assert_int_equal(dict_find(d, "", 0), 0);
    dict_add(d, "", 0);
    assert_int_equal(dict_find(d, "", 0), 1);
    dict_add(d, "abcdefgh", 8);
    assert_int_equal(dict_find(d, "abcdefg", 7), 0);
    assert_int_equal(dict_find(d, "abcdefghi", 9), 0);
    dict_free(d);
}

/* Texts of every length up to 40 that differ in one byte only: the first and last eight bytes are not all of them. */
static void texts_of_all_lengths_are_told_apart(void **state)
{
    (void)state;
    struct dict *d = dict_new();
    char text[40];
    uint32_t ids = 0;
    for (size_t n = 1; n <= sizeof text; n++)
        for (size_t at = 0; at < n; at++) {
            memset(text, 'a', n);
            text[at] = 'b';
            assert_int_equal(dict_add(d, text, n), ++ids);
        }
    uint32_t id = 0;
    for (size_t n = 1; n <= sizeof text; n++)
        for (size_t at = 0; at < n; at++) {
            memset(text, 'a', n);
            text[at] = 'b';
            assert_int_equal(dict_find(d, text, n), ++id);
            text[at] = 'c';
            assert_int_equal(dict_find(d, text, n), 0);
        }
    dict_free(d);
}

static void each_has_a_serial_number_of_its_own(void **state)
{
    (void)state;
    struct dict *a = dict_new(), *b = dict_new();
    assert_true(dict_serial(a) != 0);
    assert_true(dict_serial(a) != dict_serial(b));
    dict_mark(a, 200);
    assert_true(colset_has(dict_columns(a), 200));
    assert_false(colset_has(dict_columns(b), 200));
    dict_free(a);
    dict_free(b);
}

int main(void)
{
    CHECK_RUN(TEST(the_same_text_has_the_same_id), TEST(texts_that_are_not_in_it_have_id_0),
              TEST(texts_of_all_lengths_are_told_apart), TEST(each_has_a_serial_number_of_its_own));
}
