/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/intakelogcopy.h"
#include "state/intakelogtrim.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 50, ROWS = 4, STREAM = 5 };

struct place {
    char dir[64];
    char *log, *copy;
    struct intakelog *l;
    struct diag d;
};

/* Block i of partition 1 holds the rows [4 i, 4 i + 4); the watermark behind it is 100 i. Partition 2 is like it, at
 * twice the time. */
static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-copy-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    p->log = mem_printf("%s/log", p->dir);
    p->copy = mem_printf("%s/copy", p->dir);
    diag_init(&p->d, NULL, 0);
    assert_ok(intakelog_open(p->log, &p->d, &p->l));
    for (unsigned i = 0; i < BLOCKS; i++)
        for (uint32_t partition = 1; partition <= 2; partition++) {
            struct intakelog_row rows[ROWS];
            const evtime w = 100 * (evtime)i * (evtime)partition;
            const struct intakelog_time t = {.arrival = w, .before = EVTIME_MIN, .w = w};
            uint64_t first = 0;
            for (unsigned k = 0; k < ROWS; k++)
                rows[k] = (struct intakelog_row){"{\"a\":1}", 7};
            assert_ok(intakelog_append(p->l, STREAM, partition, &t, rows, ROWS, 0, &first));
        }
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
    mem_free(p->log);
    mem_free(p->copy);
    mem_free(p);
    return 0;
}

static void seeks(struct intakelog *l, uint32_t partition, evtime from, int64_t delay_ms,
                  uint64_t offset, evtime w)
{
    uint64_t at = 99999;
    evtime found = 0;
    assert_ok(intakelogcopy_seek(l, STREAM, partition, from, delay_ms, &at, &found));
    assert_int_equal(at, offset);
    assert_int_equal(found, w);
}

static void reading_begins_at_the_first_block_that_reaches_the_time(void **state)
{
    struct place *p = *state;
    seeks(p->l, 1, EVTIME_MIN, 0, 0, EVTIME_MIN);
    seeks(p->l, 1, 0, 0, 0, EVTIME_MIN);
    seeks(p->l, 1, 1, 0, 4, 0);
    seeks(p->l, 1, 1000, 0, 40, 900);
    seeks(p->l, 1, 1001, 0, 44, 1000);
    seeks(p->l, 1, 1001, 150, 36, 800); /* the watermark may be so far behind the row */
    seeks(p->l, 2, 1000, 0, 20, 800);
    seeks(p->l, 1, 99999, 0, (uint64_t)BLOCKS * ROWS, 4900);
    seeks(p->l, 3, 1000, 0, 0, EVTIME_MIN); /* nothing was ever there */
}

static void reading_begins_where_a_trimmed_log_does(void **state)
{
    struct place *p = *state;
    uint64_t blocks = 0;
    assert_ok(intakelogtrim(p->l, STREAM, 1, 100, 2000, &blocks));
    assert_int_equal(intakelogtrim_first(p->l, STREAM, 1), 80);
    seeks(p->l, 1, 1000, 0, 80, EVTIME_MIN);
    seeks(p->l, 1, 3000, 0, 120, 2900);
}

static void a_copy_is_the_log_as_it_was(void **state)
{
    struct place *p = *state;
    struct intakelog *copy = NULL;
    const struct intakelog_row row = {"{\"a\":2}", 7};
    const struct intakelog_time t = {.arrival = 1, .before = EVTIME_MIN, .w = 99999};
    uint64_t blocks = 0, first = 0;
    char *text = NULL;
    size_t n = 0;
    assert_ok(intakelogcopy(p->l, p->copy, &p->d));
    assert_ok(intakelogtrim(p->l, STREAM, 1, 150, EVTIME_MAX, &blocks));
    assert_ok(intakelog_append(p->l, STREAM, 1, &t, &row, 1, 0, &first));
    assert_ok(intakelog_open(p->copy, &p->d, &copy)); /* beside the log, which is open */
    assert_int_equal(intakelog_end(copy, STREAM, 1), BLOCKS * ROWS);
    assert_int_equal(intakelog_w(copy, STREAM, 2), 9800);
    assert_ok(intakelog_event(copy, STREAM, 1, 0, &text, &n));
    mem_free(text);
    seeks(copy, 1, 1000, 0, 40, 900);
    intakelog_close(copy);
    assert_err(intakelogcopy(p->l, p->copy, &p->d), ERR_IO); /* it is there already */
    assert_int_equal(p->d.errors, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reading_begins_at_the_first_block_that_reaches_the_time,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(reading_begins_where_a_trimmed_log_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_is_the_log_as_it_was, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
