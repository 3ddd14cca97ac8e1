/* SPDX-License-Identifier: Apache-2.0 */
#include "io/result_json.h"
#include "tests/lib/check.h"

static const struct match_var vars[] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};
static const struct plan_output outputs[] = {{.name = "card"}, {.name = "total"}};
static const struct rule_plan match = {.name = "probe \"1\"",
                                       .shape = RULE_MATCH,
                                       .noutputs = 2,
                                       .outputs = outputs,
                                       .match = {.nvars = 3, .vars = vars}};
static const struct rule_plan window = {.name = "w",
                                        .shape = RULE_WINDOW,
                                        .noutputs = 2,
                                        .outputs = outputs};
static const struct value values[] = {
    {.type = {.kind = TYPE_STRING}, .c.s = {"c1", 2, 0}},
    {.type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}, .c.i = 1250},
};

static void assert_line(const struct result *r, const char *expected)
{
    struct bytes b = {0};
    result_json_line(r, &b);
    bytes_u8(&b, 0);
    assert_string_equal((char *)b.p, expected);
    bytes_fini(&b);
}

static void a_match_names_its_events_by_variable(void **state)
{
    (void)state;
    struct result_row rows[] = {{.var = 2, .place.offset = 1},
                                {.var = 0, .place.offset = 3},
                                {.var = 2, .place.offset = 12},
                                {.var = -1, .place.offset = 13}};
    struct result r = {.rule = &match,
                       .kind = RESULT_MATCH,
                       .time = 1000,
                       .nvalues = 2,
                       .values = values,
                       .nrows = 4,
                       .rows = rows};
    assert_line(
        &r,
        "{\"rule\":\"probe \\\"1\\\"\",\"kind\":\"match\",\"time\":\"1970-01-01T00:00:01.000Z\","
        "\"vars\":{\"A\":[3],\"C\":[1,12]},\"row\":{\"card\":\"c1\",\"total\":12.50}}\n");
}

static void an_update_has_its_revision(void **state)
{
    (void)state;
    struct result r = {.rule = &window,
                       .kind = RESULT_UPDATE,
                       .time = EVTIME_MAX,
                       .nvalues = 2,
                       .values = values,
                       .revision = 2,
                       .retracted = true};
    assert_line(
        &r, "{\"rule\":\"w\",\"kind\":\"update\",\"time\":null,\"revision\":2,\"retracted\":true,"
            "\"row\":{\"card\":\"c1\",\"total\":12.50}}\n");
}

static void a_late_event_is_shown_with_its_own_columns(void **state)
{
    (void)state;
    struct value pairs[] = {{.type = {.kind = TYPE_STRING}, .c.s = {"n", 1, 0}},
                            {.type = {.kind = TYPE_BIGINT}, .c.i = 7},
                            {.type = {.kind = TYPE_STRING}, .c.s = {"s", 1, 0}},
                            {.type = {.kind = TYPE_STRING}, .null = true}};
    struct result_row row = {.var = -1, .place.offset = 5};
    struct result r = {.rule = &match,
                       .kind = RESULT_LATE,
                       .time = 0,
                       .nvalues = 4,
                       .values = pairs,
                       .nrows = 1,
                       .rows = &row};
    assert_line(&r,
                "{\"rule\":\"probe "
                "\\\"1\\\"\",\"kind\":\"late\",\"time\":\"1970-01-01T00:00:00.000Z\",\"place\":5,"
                "\"row\":{\"n\":7,\"s\":null}}\n");
}

static void an_error_says_why(void **state)
{
    (void)state;
    struct result r = {.rule = &window,
                       .kind = RESULT_ERROR,
                       .time = 0,
                       .reason = "no \"B\" to skip to"};
    assert_line(&r, "{\"rule\":\"w\",\"kind\":\"error\",\"time\":\"1970-01-01T00:00:00.000Z\","
                    "\"reason\":\"no \\\"B\\\" to skip to\",\"row\":{}}\n");
}

int main(void)
{
    CHECK_RUN(TEST(a_match_names_its_events_by_variable), TEST(an_update_has_its_revision),
              TEST(a_late_event_is_shown_with_its_own_columns), TEST(an_error_says_why));
}
