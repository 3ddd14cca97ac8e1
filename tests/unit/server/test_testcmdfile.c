/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tests: their form, their places, and what the compiler is given of them. */
#include "base/mem.h"
#include "server/testcmd/testcmdfile.h"
#include "tests/lib/check.h"

static struct testcmdfile *parsed(const char *text)
{
    struct testcmdfile *f = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    if (testcmdfile_parse(text, strlen(text), &d, &f) != ERR_OK)
        fail_msg("%s\n  said %s", text, d.items[0].message);
    diag_fini(&d);
    return f;
}

static void refused(const char *text, int line, int column, const char *said)
{
    struct testcmdfile *f = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_err(testcmdfile_parse(text, strlen(text), &d, &f), ERR_INVALID);
    assert_null(f);
    if (strstr(d.items[0].message, said) == NULL)
        fail_msg("%s\n  said %s", text, d.items[0].message);
    assert_int_equal(d.items[0].line, line);
    assert_int_equal(d.items[0].column, column);
    diag_fini(&d);
}

static void events_and_expectations_are_read(void **state)
{
    (void)state;
    struct testcmdfile *f = parsed(
        "DEFAULT a = 1; TEST 'it''s' ON s AT 1m30s b = -1.50, \"C d\" = NULL {\"x\":\n1} WATERMARK "
        "2d EXPECT r TIME 0s (n = 'x') EXPECT NO TIMEOUT q NO END");
    const struct testcmdfile_test *t = f->tests;
    assert_string_equal(t->name, "it's");
    assert_true(t->no_end);
    assert_int_equal(t->nexpects, 2);
    const struct testcmdfile_event *e = t->events;
    assert_int_equal(e->time, TESTCMDFILE_START + 90000);
    assert_string_equal(e->fields->value.text, "-1.50");
    assert_string_equal(e->fields->next->name, "C d");
    assert_int_equal(e->fields->next->value.kind, TESTCMDFILE_NULL);
    assert_string_equal(e->defaults->field->name, "a");
    assert_string_equal(e->next->json, "{\"x\": 1}"); /* on one line */
    assert_int_equal(e->next->next->kind, TESTCMDFILE_WATERMARK);
    assert_true(t->expects->timed && t->expects->time == TESTCMDFILE_START);
    assert_true(t->expects->next->none && t->expects->next->kind == RESULT_TIMEOUT);
    testcmdfile_free(f);
}

static void defaults_of_a_test_end_with_it(void **state)
{
    (void)state;
    struct testcmdfile *f =
        parsed("TEST 'a' DEFAULT x = 1 AT 0s EXPECT r; TEST 'b' AT 0s EXPECT r;");
    assert_non_null(f->tests->events->defaults);
    assert_null(f->tests->next->events->defaults);
    testcmdfile_free(f);
}

static void the_compiler_gets_create_statements_where_they_stand(void **state)
{
    (void)state;
    struct testcmdfile *f = parsed("INCLUDE 'a';\nCREATE x 'y;' -- ;\n z;\nTEST 'a' EXPECT r;");
    assert_string_equal(f->sql, "            \nCREATE x 'y;' -- ;\n z;\n                  ");
    assert_int_equal(f->nincludes, 1);
    testcmdfile_free(f);
}

static void columns_may_have_the_names_of_steps(void **state)
{
    (void)state;
    struct testcmdfile *f = parsed("TEST 'a' AT 0s at = 1, expect = 2 AT 1s on = 3 EXPECT r;");
    assert_string_equal(f->tests->events->fields->next->name, "expect");
    assert_string_equal(f->tests->events->next->fields->name, "on");
    testcmdfile_free(f);
}

static void what_is_wrong_is_told_at_its_place(void **state)
{
    (void)state;
    refused("TEST 'a'\n AT 5 EXPECT r;", 2, 5, "a time (10s");
    refused("TEST 'a' AT 9999999999999d EXPECT r;", 1, 13, "is no length of time");
    refused("TEST 'a' AT 9999999d EXPECT r;", 1, 13, "after the year 9999");
    refused("TEST 'a' AT 0s a = EXPECT r;", 1, 20, "a value");
    refused("TEST 'a' {\"a\": 1 EXPECT r;", 1, 10, "has no end");
    refused("TEST 'a' AT 0s {} EXPECT r;", 1, 16, "column = value is expected");
    refused("TEST 'a' EXPECT r (a = 1;", 1, 25, ", or ) is expected");
    refused("TEST 'a' EXPECT r (a = 1", 1, 25, "the file ends");
    refused("SELECT 1;", 1, 1, "INCLUDE, CREATE, INSERT, DEFAULT or TEST");
    refused("TEST 'a' AT 0s;", 1, 6, "expects nothing");
}

static void limits_are_told(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_printf(&b, "TEST 'a'");
    for (unsigned i = 0; i <= TESTCMDFILE_EXPECTS_MAX; i++)
        bytes_printf(&b, " EXPECT r");
    bytes_u8(&b, 0);
    refused((const char *)b.p, 1, 9010, "at most 1000 EXPECT");
    bytes_reset(&b);
    bytes_printf(&b, "TEST 'a' AT 0s a = 1");
    for (unsigned i = 0; i < TESTCMDFILE_FIELDS_MAX; i++)
        bytes_printf(&b, ", a = 1");
    bytes_u8(&b, 0);
    refused((const char *)b.p, 1, 1808, "at most 256 columns");
    bytes_fini(&b);
}

int main(void)
{
    CHECK_RUN(TEST(events_and_expectations_are_read), TEST(defaults_of_a_test_end_with_it),
              TEST(the_compiler_gets_create_statements_where_they_stand),
              TEST(columns_may_have_the_names_of_steps), TEST(what_is_wrong_is_told_at_its_place),
              TEST(limits_are_told));
}
