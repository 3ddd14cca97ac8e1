/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/trials.h"
#include "tests/lib/check.h"

enum { RULE = 7, TRIAL = 9, KEYS = 1000 };

static struct rule_plan old_plan, new_plan = {.stands_for = RULE};

static struct result result_of(bool is_new, const char *key, evtime time)
{
    return (struct result){.rule = is_new ? &new_plan : &old_plan,
                           .rule_uid = is_new ? TRIAL : RULE,
                           .kind = RESULT_MATCH,
                           .time = time,
                           .key = (const uint8_t *)key,
                           .key_len = (uint32_t)strlen(key)};
}

static struct trials *trial_from(evtime began, unsigned percent)
{
    struct trials *t = trials_new();
    const struct catalog_trial_share share = {.w = began, .percent = percent};
    trials_put(t, &(struct catalog_trial){.uid = TRIAL,
                                          .rule = RULE,
                                          .old = 1,
                                          .version = 2,
                                          .began = began,
                                          .ended = EVTIME_MAX,
                                          .nshares = 1,
                                          .shares = &share});
    return t;
}

/* How many of KEYS keys the new version tells at that time; each is told by exactly one. */
static unsigned told_by_new(struct trials *t, evtime time)
{
    unsigned n = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %u", i);
        struct result old = result_of(false, key, time), new = result_of(true, key, time);
        struct trials_verdict a = trials_judge(t, &old), b = trials_judge(t, &new);
        assert_true(a.tell != b.tell);
        assert_int_equal(a.rule, RULE);
        assert_int_equal(b.rule, RULE);
        n += b.tell;
    }
    return n;
}

static void a_key_is_of_one_version_and_a_share_that_grows_keeps_its_keys(void **state)
{
    (void)state;
    struct trials *t = trial_from(100, 0);
    assert_int_equal(told_by_new(t, 150), 0);
    trials_share(t, TRIAL, 200, 20);
    assert_int_equal(told_by_new(t, 199), 0);
    assert_in_range(told_by_new(t, 200), KEYS * 15 / 100, KEYS * 25 / 100);
    trials_share(t, TRIAL, 300, 60);
    assert_in_range(told_by_new(t, 300), KEYS * 55 / 100, KEYS * 65 / 100);
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %u", i);
        struct result before = result_of(true, key, 250), after = result_of(true, key, 350);
        assert_true(!trials_judge(t, &before).tell || trials_judge(t, &after).tell);
    }
    trials_free(t);
}

static void before_its_beginning_and_after_its_end_all_is_the_old_versions(void **state)
{
    (void)state;
    struct trials *t = trial_from(100, 50);
    assert_int_equal(told_by_new(t, 99), 0);
    assert_in_range(told_by_new(t, 100), 1, KEYS - 1);
    trials_end(t, TRIAL, TRIAL_ENDS, 400);
    assert_in_range(told_by_new(t, 399), 1, KEYS - 1);
    assert_int_equal(told_by_new(t, 400), 0);
    struct result old = result_of(false, "k", 399);
    assert_int_equal(trials_judge(t, &old).trial, TRIAL);
    old.time = 400;
    assert_int_equal(trials_judge(t, &old).trial, 0);
    trials_free(t);
}

static void it_goes_when_time_has_passed_its_end(void **state)
{
    (void)state;
    struct trials_one one;
    struct trials *t = trial_from(100, 50);
    assert_int_equal(trials_due(t, 1000, 0), 0);
    trials_end(t, TRIAL, TRIAL_ENDS, 400);
    assert_true(trials_of(t, RULE, &one));
    assert_int_equal(one.state, TRIAL_ENDS);
    assert_int_equal(trials_due(t, 399, 0), 0);
    assert_int_equal(trials_due(t, 400, 0), TRIAL);
    trials_end(t, TRIAL, TRIAL_GONE, EVTIME_MAX);
    assert_int_equal(trials_due(t, 400, 0), 0);
    assert_false(trials_of(t, RULE, &one));
    assert_int_equal(told_by_new(t, 400), 0); /* a replay finds its end again */
    trials_free(t);
}

static void results_without_a_key_are_shared_out_by_their_event(void **state)
{
    (void)state;
    unsigned seen[2] = {0};
    for (uint64_t i = 0; i < KEYS; i++) {
        struct result_row row = {-1, {1, 0, i}, 0};
        struct result r = {.rule = &old_plan, .rule_uid = RULE, .nrows = 1, .rows = &row};
        seen[trials_point(RULE, &r) < 5000]++;
    }
    assert_in_range(seen[0], KEYS * 45 / 100, KEYS * 55 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_of_one_version_and_a_share_that_grows_keeps_its_keys),
        cmocka_unit_test(before_its_beginning_and_after_its_end_all_is_the_old_versions),
        cmocka_unit_test(it_goes_when_time_has_passed_its_end),
        cmocka_unit_test(results_without_a_key_are_shared_out_by_their_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
