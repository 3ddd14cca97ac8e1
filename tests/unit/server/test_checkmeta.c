/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/checkpoint/checkmeta.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <string.h>

static const char stream[] =
    "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)";
static const char sql[] = "SELECT id FROM s WHERE id > 5";

struct rig {
    struct registry *r;
    struct diag d;
};

static int set_up(void **state)
{
    struct rig *x = mem_new(sizeof *x);
    diag_init(&x->d, NULL, 0);
    x->r = registry_new();
    assert_ok(registry_add_stream(x->r, 1, 0, stream, strlen(stream), &x->d));
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *x = *state;
    registry_free(x->r);
    diag_fini(&x->d);
    mem_free(x);
    return 0;
}

static void put_rule(struct rig *x, uint64_t uid, uint32_t version, uint64_t offset)
{
    const struct job_mark mark = {0, offset, 100, 1};
    const struct job_cut cut = {.deployed = true, .w = 100, .nmarks = 1, .marks = &mark};
    char name[16];
    snprintf(name, sizeof name, "r%u", (unsigned)uid);
    const struct control_rule rule = {
        .uid = uid, .version = version, .name = name, .sql = sql, .ncuts = 1, .cuts = &cut};
    registry_remove_rule(x->r, uid);
    assert_ok(registry_put_rule(x->r, &rule, NULL, &x->d));
}

/* Of the rules that live now, read up to 50; through its text and back. */
static struct checkmeta *made(struct rig *x)
{
    struct checkmeta *m = checkmeta_new(), *out = NULL;
    struct bytes text = {0};
    m->id = 7;
    strcpy(m->trigger, "manual");
    m->started = 1700000000000;
    m->workers = 2;
    m->key_groups = 128;
    m->worker[1].done.files = 3;
    m->cooldown_bytes = 5;
    m->cooldown_sum = UINT64_MAX;
    checkmeta_add_rules(m, x->r);
    const struct control_position at = {1, 0, 50, EVTIME_MIN, 40, 2, 0};
    checkmeta_add_position(m, "s", &at);
    checkmeta_put(m, &text);
    assert_ok(checkmeta_get((const char *)text.p, text.n, &x->d, &out));
    for (size_t n = 0; n + 1 < text.n; n += 7) {
        struct checkmeta *none = NULL;
        struct diag d;
        diag_init(&d, NULL, 0);
        assert_int_equal(checkmeta_get((const char *)text.p, n, &d, &none), ERR_CORRUPT);
        diag_fini(&d);
    }
    bytes_fini(&text);
    checkmeta_free(m);
    return out;
}

static void it_comes_back_from_its_text(void **state)
{
    struct rig *x = *state;
    put_rule(x, 1, 1, 10);
    struct checkmeta *m = made(x);
    assert_int_equal(m->id, 7);
    assert_string_equal(m->trigger, "manual");
    assert_int_equal(m->workers, 2);
    assert_int_equal(m->worker[1].done.files, 3);
    assert_true(m->cooldown_sum == UINT64_MAX);
    assert_int_equal(m->npositions, 1);
    assert_string_equal(m->positions[0].stream, "s");
    assert_int_equal(m->positions[0].at.offset, 50);
    assert_true(m->positions[0].at.w == EVTIME_MIN);
    assert_int_equal(m->nrules, 1);
    assert_string_equal(m->rules[0].sql, sql);
    checkmeta_free(m);
}

static void it_fits_rules_it_has_and_rules_that_begin_behind_it(void **state)
{
    struct rig *x = *state;
    put_rule(x, 1, 1, 10);
    struct checkmeta *m = made(x);
    assert_true(checkmeta_fits(m, x->r, &x->d));
    assert_true(checkmeta_is_same(m, x->r));
    put_rule(x, 2, 1, 50); /* its first event is the next one */
    assert_true(checkmeta_fits(m, x->r, &x->d));
    assert_false(checkmeta_is_same(m, x->r));
    put_rule(x, 3, 1, 49);
    assert_false(checkmeta_fits(m, x->r, &x->d));
    assert_non_null(strstr(x->d.items[0].message, "rule r3"));
    registry_remove_rule(x->r, 3);
    registry_remove_rule(x->r, 1); /* what is gone does not matter */
    assert_true(checkmeta_fits(m, x->r, &x->d));
    checkmeta_free(m);
}

static void the_same_text_from_another_place_is_another_rule(void **state)
{
    struct rig *x = *state;
    put_rule(x, 1, 1, 10);
    struct checkmeta *m = made(x);
    put_rule(x, 1, 1, 20);
    assert_false(checkmeta_fits(m, x->r, &x->d));
    put_rule(x, 1, 2, 60); /* replaced after it */
    assert_true(checkmeta_fits(m, x->r, &x->d));
    assert_false(checkmeta_is_same(m, x->r));
    checkmeta_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_comes_back_from_its_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_fits_rules_it_has_and_rules_that_begin_behind_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_same_text_from_another_place_is_another_rule, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
