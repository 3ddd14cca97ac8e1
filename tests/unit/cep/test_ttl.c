/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/ttl.h"
#include "tests/lib/check.h"
#include <stdio.h>
#include <string.h>

static struct key *key_of(struct keytable *t, const char *text)
{
    uint64_t hash = keytable_hash(text, strlen(text));
    struct key *k = keytable_find(t, hash, text, strlen(text));
    return k != NULL ? k : keytable_add(t, hash, text, strlen(text));
}

static void takes(struct ttl *t, evtime to, const char *text, evtime when)
{
    evtime at = 0;
    const struct key *k = ttl_take(t, to, &at);
    if (text == NULL) {
        assert_null(k);
        return;
    }
    assert_non_null(k);
    assert_int_equal(k->len, strlen(text));
    assert_memory_equal(k->bytes, text, k->len);
    assert_int_equal(at, when);
}

static void keys_are_over_so_long_after_their_last_row(void **state)
{
    (void)state;
    struct keytable keys;
    struct ttl *t = ttl_new(100);
    keytable_init(&keys);
    assert_true(ttl_next(t) == EVTIME_MAX);
    ttl_touch(t, key_of(&keys, "a"), 10);
    ttl_touch(t, key_of(&keys, "b"), 20);
    ttl_touch(t, key_of(&keys, "a"), 50);
    ttl_touch(t, key_of(&keys, "a"), 30); /* a late one puts nothing back */
    assert_int_equal(ttl_next(t), 110); /* too early: the row at 50 did not move it */
    takes(t, 119, NULL, 0);
    takes(t, 149, "b", 120);
    takes(t, 149, NULL, 0);
    ttl_touch(t, key_of(&keys, "b"), 150);
    takes(t, 400, "a", 150);
    takes(t, 400, "b", 250);
    takes(t, EVTIME_MAX, NULL, 0);
    ttl_touch(t, key_of(&keys, "c"), 500); /* is freed with the rest */
    for (struct key *k; (k = keytable_any(&keys)) != NULL;)
        keytable_remove(&keys, k);
    ttl_free(t);
    keytable_fini(&keys);
}

/* Each key leaves once, at the right time, whatever the order of rows. */
static void many_keys_leave_in_order_of_time(void **state)
{
    (void)state;
    struct keytable keys;
    struct ttl *t = ttl_new(1000);
    evtime last[200], before = 0;
    keytable_init(&keys);
    for (unsigned i = 0; i < 2000; i++) {
        char text[16];
        snprintf(text, sizeof text, "k%u", i * 7 % 200);
        last[i * 7 % 200] = i;
        ttl_touch(t, key_of(&keys, text), i);
    }
    for (unsigned n = 0; n < 200; n++) {
        evtime at = 0;
        const struct key *k = ttl_take(t, 5000, &at);
        unsigned number = 0;
        assert_non_null(k);
        for (unsigned i = 1; i < k->len; i++)
            number = 10 * number + (unsigned)(k->bytes[i] - '0');
        assert_int_equal(at, last[number] + 1000);
        assert_true(at >= before);
        before = at;
    }
    takes(t, EVTIME_MAX, NULL, 0);
    for (struct key *k; (k = keytable_any(&keys)) != NULL;)
        keytable_remove(&keys, k);
    ttl_free(t);
    keytable_fini(&keys);
}

int main(void)
{
    CHECK_RUN(TEST(keys_are_over_so_long_after_their_last_row),
              TEST(many_keys_leave_in_order_of_time));
}
