/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cooldown.h"
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
    assert_true(cooldown_passes(c, &r, id, &count));
    r = match_at(5500, "a", 1);
    assert_false(cooldown_passes(c, &r, id, &count));
    assert_string_equal(id, first);
    assert_int_equal(count, 2);
    r = match_at(5999, "a", 1); /* measured from the alerted one, not from the last */
    assert_false(cooldown_passes(c, &r, id, &count));
    assert_int_equal(count, 3);
    r = match_at(6000, "a", 1);
    assert_true(cooldown_passes(c, &r, id, &count));
    r = match_at(6100, "a", 1);
    assert_false(cooldown_passes(c, &r, id, &count));
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
    assert_true(cooldown_passes(c, &r, id, &count));
    r = match_at(5000, "b", 1);
    assert_true(cooldown_passes(c, &r, id, &count));
    r = match_at(5000, "a", 2);
    assert_true(cooldown_passes(c, &r, id, &count));
    r = match_at(5000, "", 1);
    assert_true(cooldown_passes(c, &r, id, &count));
    cooldown_reset(c); /* a replay begins */
    r = match_at(5000, "a", 1);
    assert_true(cooldown_passes(c, &r, id, &count));
    cooldown_free(c);
}

int main(void)
{
    CHECK_RUN(TEST(a_match_within_the_interval_raises_the_count_of_the_last_alerted),
              TEST(keys_and_rules_are_apart));
}
