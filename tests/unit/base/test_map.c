/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "tests/lib/check.h"

struct account {
    char *id;
    int seen;
    MAP_LINK;
};

struct place {
    struct {
        unsigned partition;
        unsigned offset;
    } key;
    int rows;
    MAP_LINK;
};

static void items_are_found_by_text_and_leave_while_walking(void **state)
{
    (void)state;
    struct account *map = NULL, *a = NULL, *next = NULL;
    for (int i = 0; i < 1000; i++) {
        a = mem_new(sizeof *a);
        a->id = mem_printf("acc-%d", i);
        a->seen = i;
        MAP_PUT_STR(map, a, a->id);
    }
    assert_int_equal(MAP_COUNT(map), 1000);
    assert_int_equal(MAP_GET_STR(map, "acc-777")->seen, 777);
    assert_null(MAP_GET_STR(map, "acc-1000"));
    assert_int_equal(MAP_GET(map, "acc-12345", 6)->seen, 12);
    int order = 0;
    MAP_EACH(map, a, next) {
        assert_int_equal(a->seen, order++);
        MAP_DEL(map, a);
        mem_free(a->id);
        mem_free(a);
    }
    assert_null(map);
    assert_int_equal(MAP_COUNT(map), 0);
    assert_null(MAP_GET_STR(map, "acc-1"));
}

static void a_key_may_be_bytes_in_the_item(void **state)
{
    (void)state;
    struct place rows[3] = {{.key = {0, 7}, .rows = 1},
                            {.key = {1, 7}, .rows = 2},
                            {.key = {1, 8}, .rows = 3}};
    struct place *map = NULL;
    for (size_t i = 0; i < 3; i++)
        MAP_PUT(map, &rows[i], &rows[i].key, sizeof rows[i].key);
    assert_int_equal(MAP_GET(map, &rows[1].key, sizeof rows[1].key)->rows, 2);
    MAP_DEL(map, &rows[1]);
    assert_null(MAP_GET(map, &rows[1].key, sizeof rows[1].key));
    MAP_DEL(map, &rows[0]);
    MAP_DEL(map, &rows[2]);
    assert_null(map);
}

int main(void)
{
    CHECK_RUN(TEST(items_are_found_by_text_and_leave_while_walking),
              TEST(a_key_may_be_bytes_in_the_item));
}
