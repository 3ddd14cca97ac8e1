/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/intakelogtrim.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 20, ROWS = 10 };

struct place {
    char dir[64];
    struct intakelog *l;
    struct diag d;
};

static void append(struct place *p, uint32_t partition, evtime arrival)
{
    struct intakelog_row rows[ROWS];
    const struct intakelog_time t = {.arrival = arrival, .before = EVTIME_MIN, .w = arrival};
    uint64_t first = 0;
    for (unsigned i = 0; i < ROWS; i++)
        rows[i] = (struct intakelog_row){"{\"a\":1}", 7};
    assert_ok(intakelog_append(p->l, 5, partition, &t, rows, ROWS, 0, &first));
}

/* Two partitions of blocks that came at 0, 100, 200 … */
static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-trim-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    diag_init(&p->d, NULL, 0);
    assert_ok(intakelog_open(p->dir, &p->d, &p->l));
    for (unsigned i = 0; i < BLOCKS; i++)
        for (uint32_t partition = 0; partition < 2; partition++)
            append(p, partition, 100 * (evtime)i);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    char *command = mem_printf("rm -rf %s", p->dir);
    intakelog_close(p->l);
    diag_fini(&p->d);
    assert_int_equal(system(command), 0);
    mem_free(command);
    mem_free(p);
    return 0;
}

static void assert_readable(struct place *p, uint32_t partition, uint64_t from)
{
    char *text = NULL;
    size_t n = 0;
    assert_int_equal(intakelogtrim_first(p->l, 5, partition), from);
    for (uint64_t at = 0; at < BLOCKS * ROWS; at++) {
        enum err e = intakelog_event(p->l, 5, partition, at, &text, &n);
        assert_int_equal(e, at < from ? ERR_NOT_FOUND : ERR_OK);
        if (e == ERR_OK)
            mem_free(text);
    }
}

static void what_is_before_both_bounds_goes(void **state)
{
    struct place *p = *state;
    uint64_t blocks = 0;
    assert_ok(intakelogtrim(p->l, 5, 0, 57, 100000, &blocks)); /* the sixth block is needed */
    assert_int_equal(blocks, 5);
    assert_readable(p, 0, 50);
    assert_readable(p, 1, 0);
    assert_ok(
        intakelogtrim(p->l, 5, 0, 200, 800, &blocks)); /* that of 800 is young enough to stay */
    assert_int_equal(blocks, 3);
    assert_readable(p, 0, 80);
    assert_ok(intakelogtrim(p->l, 5, 0, 10, 100000, &blocks));
    assert_int_equal(blocks, 0);
}

static void the_end_is_known_after_all_was_trimmed(void **state)
{
    struct place *p = *state;
    uint64_t blocks = 0;
    assert_ok(intakelogtrim(p->l, 5, 1, UINT64_MAX, EVTIME_MAX, &blocks));
    assert_int_equal(blocks, BLOCKS - 1);
    assert_readable(p, 1, (BLOCKS - 1) * ROWS);
    assert_readable(p, 0, 0);
    intakelog_close(p->l);
    assert_ok(intakelog_open(p->dir, &p->d, &p->l));
    assert_int_equal(intakelog_end(p->l, 5, 1), BLOCKS * ROWS);
    assert_int_equal(intakelog_end(p->l, 5, 0), BLOCKS * ROWS);
    append(p, 1, 5000);
    assert_int_equal(intakelog_end(p->l, 5, 1), (BLOCKS + 1) * ROWS);
}

static void a_partition_that_is_not_there_has_nothing_to_trim(void **state)
{
    struct place *p = *state;
    uint64_t blocks = 7;
    assert_ok(intakelogtrim(p->l, 5, 9, UINT64_MAX, EVTIME_MAX, &blocks));
    assert_int_equal(blocks, 0);
    assert_int_equal(intakelogtrim_first(p->l, 5, 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_before_both_bounds_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_is_known_after_all_was_trimmed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_partition_that_is_not_there_has_nothing_to_trim, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
