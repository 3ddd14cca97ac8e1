/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/keytable.h"
#include "tests/lib/check.h"
#include <stdlib.h>

static size_t key_text(unsigned i, char out[32])
{
    return (size_t)snprintf(out, 32, "key number %u", i);
}

static struct key *find(const struct keytable *t, unsigned i)
{
    char text[32];
    size_t n = key_text(i, text);
    return keytable_find(t, keytable_hash(text, n), text, n);
}

static void keys_are_found_until_they_are_removed(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct keytable t;
    keytable_init(&t);
    for (unsigned i = 0; i < N; i++) {
        char text[32];
        size_t n = key_text(i, text);
        assert_null(find(&t, i));
        keytable_add(&t, keytable_hash(text, n), text, n);
    }
    assert_int_equal(t.count, N);
    for (unsigned i = 0; i < N; i += 3)
        keytable_remove(&t, find(&t, i));
    for (unsigned i = 0; i < N; i++) {
        char text[32];
        struct key *k = find(&t, i);
        assert_int_equal(k != NULL, i % 3 != 0);
        if (k != NULL)
            assert_memory_equal(k->bytes, text, key_text(i, text));
    }
    while (t.count > 0)
        keytable_remove(&t, keytable_any(&t));
    assert_null(keytable_any(&t));
    keytable_fini(&t);
}

static void keys_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    struct keytable t;
    keytable_init(&t);
    struct key *a = keytable_add(&t, UINT64_C(7) << 32, "a", 1);
    struct key *b = keytable_add(&t, UINT64_C(7) << 32, "b", 1);
    assert_ptr_equal(keytable_find(&t, UINT64_C(7) << 32, "a", 1), a);
    assert_ptr_equal(keytable_find(&t, UINT64_C(7) << 32 | 5, "b", 1),
                     b); /* the low 16 bits do not count */
    assert_true(keytable_quiet(&t, UINT64_C(7) << 32, 4));
    b->waiting = 4;
    assert_false(keytable_quiet(&t, UINT64_C(7) << 32, 4));
    assert_true(keytable_quiet(&t, UINT64_C(7) << 32, 2));
    keytable_remove(&t, a);
    assert_null(keytable_find(&t, UINT64_C(7) << 32, "a", 1));
    assert_ptr_equal(keytable_find(&t, UINT64_C(7) << 32, "b", 1), b);
    keytable_fini(&t);
}

static void cells_hang_on_their_key(void **state)
{
    (void)state;
    struct keytable t;
    keytable_init(&t);
    struct key *k = keytable_add(&t, 1, "", 0);
    struct keystate one = {0}, two = {0};
    keytable_link(k, &one, 3);
    keytable_link(k, &two, 4);
    assert_int_equal(one.rule, 3);
    assert_ptr_equal(k->cells, &two);
    keytable_unlink(&one);
    assert_ptr_equal(k->cells, &two);
    keytable_unlink(&two);
    assert_null(k->cells);
    keytable_fini(&t);
}

static void long_keys_are_kept_too(void **state)
{
    (void)state;
    static char text[5000];
    struct keytable t;
    keytable_init(&t);
    memset(text, 'x', sizeof text);
    keytable_add(&t, 9, text, sizeof text);
    assert_non_null(keytable_find(&t, 9, text, sizeof text));
    assert_null(keytable_find(&t, 9, text, sizeof text - 1));
    assert_true(keytable_bytes(&t) > sizeof text);
    keytable_fini(&t);
}

int main(void)
{
    CHECK_RUN(TEST(keys_are_found_until_they_are_removed), TEST(keys_of_one_hash_are_told_apart),
              TEST(cells_hang_on_their_key), TEST(long_keys_are_kept_too));
}
