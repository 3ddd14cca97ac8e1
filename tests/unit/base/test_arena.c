/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/lib/check.h"

static void pieces_are_aligned_apart_and_keep_their_bytes(void **state)
{
    (void)state;
    enum { PIECES = 2000 };
    static unsigned char *pieces[PIECES];
    struct arena *a = arena_new(300, 0);
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 97;
        pieces[i] = arena_alloc(a, size);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < i % 97; k++)
            assert_int_equal(pieces[i][k], i % 251);
    arena_free(a);
}

static void a_piece_larger_than_the_block_gets_its_own(void **state)
{
    (void)state;
    struct arena *a = arena_new(64, 0);
    char *big = arena_zero(a, 5 << 20);
    assert_int_equal(big[(5 << 20) - 1], 0);
    assert_true(arena_bytes(a) >= 5 << 20);
    arena_free(a);
}

static void a_reset_arena_is_empty_and_gives_its_memory_again(void **state)
{
    (void)state;
    struct arena *a = arena_new(1024, 0);
    for (int turn = 0; turn < 50; turn++) {
        for (int i = 0; i < 1000; i++)
            memset(arena_alloc(a, 100), 0xff, 100);
        arena_reset(a);
        assert_int_equal(arena_bytes(a), 0);
        assert_int_equal(*(char *)arena_zero(a, 100), 0);
    }
    arena_reset(a);
    arena_free(a);
}

static void the_cap_is_told_before_it_is_reached(void **state)
{
    (void)state;
    struct arena *a = arena_new(0, 4096);
    assert_true(arena_room(a, 4096));
    assert_false(arena_room(a, 4097));
    assert_false(arena_room(a, SIZE_MAX));
    arena_alloc(a, 4000);
    assert_true(arena_room(a, 96));
    assert_false(arena_room(a, 97));
    arena_reset(a);
    assert_true(arena_room(a, 4096));
    arena_free(a);
}

static void strings_are_copied_with_a_nul(void **state)
{
    (void)state;
    struct arena *a = arena_new(0, 0);
    char *s = arena_dup(a, "river and weir", 5);
    assert_string_equal(s, "river");
    assert_string_equal(arena_str(a, "weir"), "weir");
    assert_string_equal(arena_dup(a, NULL, 0), "");
    assert_string_equal(arena_printf(a, "%s-%03d", s, 7), "river-007");
    arena_free(a);
    arena_free(NULL);
}

int main(void)
{
    CHECK_RUN(TEST(pieces_are_aligned_apart_and_keep_their_bytes),
              TEST(a_piece_larger_than_the_block_gets_its_own),
              TEST(a_reset_arena_is_empty_and_gives_its_memory_again),
              TEST(the_cap_is_told_before_it_is_reached), TEST(strings_are_copied_with_a_nul));
}
