/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/lookupcache.h"
#include "tests/lib/check.h"

enum { MS = 1000000 };

static void put(struct lookupcache *c, const char *key, const char *row, montime now)
{
    lookupcache_put(c, key, strlen(key), row, row != NULL ? strlen(row) + 1 : 0, now);
}

/* "?": not known; "-": known not to be there. */
static const char *get(struct lookupcache *c, const char *key, montime now)
{
    const uint8_t *row = NULL;
    if (!lookupcache_get(c, key, strlen(key), now, &row))
        return "?";
    return row == NULL ? "-" : (const char *)row;
}

static void what_was_put_is_there_for_its_time(void **state)
{
    (void)state;
    struct lookupcache *c = lookupcache_new(10, 100);
    put(c, "a", "one", 0);
    put(c, "b", NULL, 50 * MS);
    assert_string_equal(get(c, "a", 99 * MS), "one");
    assert_string_equal(get(c, "b", 99 * MS), "-");
    assert_string_equal(get(c, "c", 99 * MS), "?");
    assert_string_equal(get(c, "a", 100 * MS), "?"); /* however often it was asked for */
    assert_int_equal(lookupcache_rows(c), 1);
    put(c, "a", "two", 100 * MS);
    assert_string_equal(get(c, "a", 199 * MS), "two");
    lookupcache_free(c);
}

static void the_key_not_asked_for_the_longest_goes_first(void **state)
{
    (void)state;
    struct lookupcache *c = lookupcache_new(3, 1000);
    put(c, "a", "1", 0);
    put(c, "b", "2", 0);
    put(c, "c", "3", 0);
    assert_string_equal(get(c, "a", 1), "1");
    put(c, "d", "4", 2);
    assert_string_equal(get(c, "b", 3), "?");
    assert_string_equal(get(c, "a", 3), "1");
    assert_string_equal(get(c, "c", 3), "3");
    put(c, "e", "5", 4);
    assert_string_equal(get(c, "d", 5), "?");
    assert_int_equal(lookupcache_rows(c), 3);
    size_t bytes = lookupcache_bytes(c);
    put(c, "e", "55555", 5);
    assert_int_equal(lookupcache_bytes(c), bytes + 4);
    lookupcache_free(c);
}

static void none_keeps_nothing(void **state)
{
    (void)state;
    struct lookupcache *c = lookupcache_new(0, 1000);
    put(c, "a", "1", 0);
    assert_string_equal(get(c, "a", 1), "?");
    assert_int_equal(lookupcache_bytes(c), 0);
    lookupcache_free(c);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(what_was_put_is_there_for_its_time),
              cmocka_unit_test(the_key_not_asked_for_the_longest_goes_first),
              cmocka_unit_test(none_keeps_nothing));
}
