/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/slab.h"
#include "tests/lib/check.h"

static void what_is_given_back_is_used_again(void **state)
{
    (void)state;
    struct slab s;
    slab_init(&s, 20);
    assert_int_equal(s.size, 24);
    void *p[1000];
    for (unsigned i = 0; i < 1000; i++)
        memset(p[i] = slab_alloc(&s), (int)i, s.size);
    assert_int_equal(s.live, 1000);
    size_t bytes = s.bytes;
    for (unsigned i = 0; i < 1000; i++)
        slab_free(&s, p[i]);
    for (unsigned i = 0; i < 1000; i++)
        memset(p[i] = slab_alloc(&s), (int)i, s.size);
    assert_true(s.bytes <= bytes);
    assert_int_equal(s.live, 1000);
    slab_fini(&s); /* also what is out */
    assert_int_equal(s.live, 0);
}

static void blocks_of_any_size(void **state)
{
    (void)state;
    struct slabs s;
    slabs_init(&s);
    for (size_t n = 1; n < 3000; n += 7) {
        char *p = slabs_alloc(&s, n);
        memset(p, 1, n);
        slabs_free(&s, p, n);
    }
    assert_int_equal(s.big_bytes, 0);
    assert_true(slabs_bytes(&s) < 1 << 20);
    slabs_fini(&s);
}

int main(void)
{
    CHECK_RUN(TEST(what_is_given_back_is_used_again), TEST(blocks_of_any_size));
}
