/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/cooldown.h"
#include "tests/lib/check.h"

static struct rule_plan plan = {.cooldown_ms = 1000};

static struct result match_at(evtime time, const char *key, uint64_t uid)
{
    struct result r = {.rule = &plan,
                       .rule_uid = uid,
                       .kind = RESULT_MATCH,
                       .time = time,
                       .key = (const uint8_t *)key,
                       .key_len = (uint32_t)strlen(key)};
    r.id[0] = (uint8_t)(time / 100);
    return r;
}

static void a_match_within_the_interval_raises_the_count_of_the_last_alerted(void **state)
{
    (void)state;
    struct cooldown *c = cooldown_new();
    char id[RESULT_ID_TEXT], first[RESULT_ID_TEXT];
    uint32_t count = 0;
    struct result r = match_at(5000, "a", 1);
    result_id_text(r.id, first);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    r = match_at(5500, "a", 1);
    assert_false(cooldown_passes(c, &r, 1, 0, id, &count));
    assert_string_equal(id, first);
    assert_int_equal(count, 2);
    r = match_at(5999, "a", 1); /* measured from the alerted one, not from the last */
    assert_false(cooldown_passes(c, &r, 1, 0, id, &count));
    assert_int_equal(count, 3);
    r = match_at(6000, "a", 1);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    r = match_at(6100, "a", 1);
    assert_false(cooldown_passes(c, &r, 1, 0, id, &count));
    assert_int_equal(count, 2);
    cooldown_free(c);
}

static void keys_and_rules_are_apart(void **state)
{
    (void)state;
    struct cooldown *c = cooldown_new();
    char id[RESULT_ID_TEXT];
    uint32_t count = 0;
    struct result r = match_at(5000, "a", 1);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    r = match_at(5000, "b", 1);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    r = match_at(5000, "a", 2);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    r = match_at(5000, "", 1);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    assert_true(cooldown_passes(c, &r, 2, 0, id, &count)); /* a version begins anew */
    cooldown_reset(c); /* a replay begins */
    r = match_at(5000, "a", 1);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    cooldown_free(c);
}

static void entries_come_back_from_a_checkpoint_as_their_workers_left_them(void **state)
{
    (void)state;
    struct cooldown *c = cooldown_new(), *again = cooldown_new();
    char id[RESULT_ID_TEXT], first[RESULT_ID_TEXT];
    struct bytes b = {0};
    uint32_t count = 0;
    struct result r = match_at(5000, "a", 1);
    result_id_text(r.id, first);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    r = match_at(5100, "b", 1);
    assert_true(cooldown_passes(c, &r, 1, 1, id, &count));
    cooldown_save(c, 0, &b);
    r = match_at(5200, "a", 1); /* comes after worker 0's barrier */
    assert_false(cooldown_passes(c, &r, 1, 0, id, &count));
    cooldown_save(c, 1, &b);
    assert_ok(cooldown_load(again, b.p, b.n));
    assert_false(cooldown_passes(again, &r, 1, 3, id, &count));
    assert_string_equal(id, first);
    assert_int_equal(count, 2); /* not 3 */
    r = match_at(5200, "b", 1);
    assert_false(cooldown_passes(again, &r, 1, COOLDOWN_NOBODY, id, &count));
    bytes_reset(&b);
    cooldown_save(again, COOLDOWN_NOBODY, &b); /* b; what worker 3 has touched is its to save */
    cooldown_reset(c);
    assert_int_equal(cooldown_load(c, b.p, b.n - 1), ERR_CORRUPT);
    r = match_at(5000, "a", 1);
    assert_true(cooldown_passes(c, &r, 1, 0, id, &count));
    bytes_fini(&b);
    cooldown_free(c);
    cooldown_free(again);
}

int main(void)
{
    CHECK_RUN(TEST(a_match_within_the_interval_raises_the_count_of_the_last_alerted),
              TEST(keys_and_rules_are_apart),
              TEST(entries_come_back_from_a_checkpoint_as_their_workers_left_them));
}
