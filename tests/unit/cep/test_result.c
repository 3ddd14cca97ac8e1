/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/result.h"
#include "tests/lib/check.h"

static const struct rule_plan tumble = {.name = "t",
                                        .shape = RULE_WINDOW,
                                        .window = {.kind = WINDOW_TUMBLE}};
static const struct rule_plan session = {.name = "s",
                                         .shape = RULE_WINDOW,
                                         .window = {.kind = WINDOW_SESSION}};
static const struct rule_plan match = {.name = "m", .shape = RULE_MATCH};
static const uint8_t key[] = {5, 2, 'c', '1'};

static struct result made(const struct rule_plan *rule, const struct result_row *rows, unsigned n)
{
    return (struct result){.rule = rule,
                           .rule_uid = 42,
                           .kind = RESULT_MATCH,
                           .time = 1000,
                           .key = key,
                           .key_len = sizeof key,
                           .rows = rows,
                           .nrows = n,
                           .window_start = rule->shape == RULE_WINDOW ? 500 : EVTIME_MIN,
                           .window_end = rule->shape == RULE_WINDOW ? 1001 : EVTIME_MIN};
}

static bool same_id(struct result a, struct result b)
{
    result_make_id(&a);
    result_make_id(&b);
    return memcmp(a.id, b.id, sizeof a.id) == 0;
}

static void an_id_depends_on_rule_key_and_places_alone(void **state)
{
    (void)state;
    struct result_row rows[] = {{.var = 0, .place = {1, 0, 10}}, {.var = 1, .place = {1, 0, 12}}};
    struct result_row others[] = {{.var = 0, .place = {1, 0, 10}}, {.var = 1, .place = {1, 0, 13}}};
    struct result_row mapped[] = {{.var = 1, .place = {1, 0, 10}}, {.var = 1, .place = {1, 0, 12}}};
    struct result a = made(&match, rows, 2), b = a;
    b.time = 7;
    b.step = 9;
    b.mode = RULE_SHADOW;
    assert_true(same_id(a, b));
    b = a;
    b.rule_uid = 43;
    assert_false(same_id(a, b));
    b = a;
    b.key_len--;
    assert_false(same_id(a, b));
    b = a;
    b.kind = RESULT_TIMEOUT;
    assert_false(same_id(a, b));
    assert_false(same_id(a, made(&match, others, 2)));
    assert_false(same_id(a, made(&match, mapped, 2)));
    assert_false(same_id(a, made(&match, rows, 1)));
}

static void a_window_keeps_its_id_through_its_updates(void **state)
{
    (void)state;
    struct result_row row = {.var = -1, .place = {1, 0, 10}};
    struct result a = made(&tumble, &row, 1), b = a;
    b.kind = RESULT_UPDATE;
    b.revision = 2;
    b.nrows = 0;
    assert_true(same_id(a, b));
    b.window_end++;
    assert_false(same_id(a, b));
}

static void a_session_is_known_by_its_oldest_row_though_it_grows(void **state)
{
    (void)state;
    struct result_row row = {.var = -1, .place = {1, 0, 10}},
                      other = {.var = -1, .place = {1, 0, 11}};
    struct result a = made(&session, &row, 1), b = a;
    b.window_end += 100;
    assert_true(same_id(a, b));
    assert_false(same_id(a, made(&session, &other, 1)));
}

/* Alerts of an earlier release must find their ids again: this is the form that is on disk. */
static void ids_stay_the_same_across_releases(void **state)
{
    (void)state;
    struct result_row row = {.var = 0, .place = {1, 2, 3}};
    struct result r = made(&match, &row, 1);
    char text[RESULT_ID_TEXT];
    result_make_id(&r);
    result_id_text(r.id, text);
    assert_int_equal(strlen(text), RESULT_ID_TEXT - 1);
    assert_string_equal(text, "alt_22riialzp7wmmnaxblsoacidsi");
}

static void results_are_ordered_by_step_time_rule_key_and_places(void **state)
{
    (void)state;
    struct result_row rows[] = {{.var = 0, .place = {1, 0, 10}}, {.var = 1, .place = {1, 0, 12}}};
    struct result a = made(&match, rows, 2), b = a;
    assert_int_equal(result_compare(&a, &b), 0);
    b.nrows = 1;
    assert_true(result_compare(&a, &b) > 0);
    b.key_len--;
    b.nrows = 2;
    assert_true(result_compare(&a, &b) > 0);
    b.rule_index = 1;
    assert_true(result_compare(&a, &b) < 0);
    b.time = 999;
    assert_true(result_compare(&a, &b) > 0);
    b.step = 1;
    assert_true(result_compare(&a, &b) < 0);
}

int main(void)
{
    CHECK_RUN(TEST(an_id_depends_on_rule_key_and_places_alone),
              TEST(a_window_keeps_its_id_through_its_updates),
              TEST(a_session_is_known_by_its_oldest_row_though_it_grows),
              TEST(ids_stay_the_same_across_releases),
              TEST(results_are_ordered_by_step_time_rule_key_and_places));
}
