/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/keyfilter.h"
#include "cep/key/keytable.h"
#include "tests/lib/check.h"

enum { KEYS = 200000 };

static uint64_t hash_of(uint32_t n)
{
    return keytable_hash(&n, sizeof n) & ~KEYTABLE_LOW_BITS;
}

static void what_was_added_is_there_and_little_else(void **state)
{
    struct keyfilter f = {0};
    unsigned wrong = 0;
    (void)state;
    assert_false(keyfilter_has(&f, hash_of(1)));
    for (uint32_t n = 0; n < KEYS; n++) {
        keyfilter_add(&f, hash_of(n));
        keyfilter_add(&f, hash_of(n)); /* again: nothing more */
    }
    for (uint32_t n = 0; n < KEYS; n++)
        assert_true(keyfilter_has(&f, hash_of(n)));
    for (uint32_t n = KEYS; n < 2 * KEYS; n++)
        wrong += keyfilter_has(&f, hash_of(n));
    assert_true(wrong < KEYS / 20);
    assert_true(keyfilter_keys(&f) <= KEYS && keyfilter_keys(&f) > KEYS / 100 * 95);
    assert_true(keyfilter_bytes(&f) < KEYS * 5);
    keyfilter_fini(&f);
    assert_int_equal(keyfilter_bytes(&f), 0);
}

int main(void)
{
    CHECK_RUN(TEST(what_was_added_is_there_and_little_else));
}
