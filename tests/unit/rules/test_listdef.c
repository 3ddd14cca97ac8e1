/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "rules/compile.h"
#include "rules/listdef.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

#define LIST "CREATE LIST l (k STRING PRIMARY KEY, n DECIMAL(4,2));\n"

static void says(const char *sql, const char *want)
{
    enum err e;
    char *got = compiled_said(sql, strlen(sql), &e);
    if (strstr(got, want) == NULL)
        fail_msg("%s\n  wanted %s\n  said   %s", sql, want, got);
    mem_free(got);
}

static void a_list_has_one_key_and_plain_columns(void **state)
{
    (void)state;
    says(LIST, "OK");
    says("CREATE LIST l (k STRING);", "line 1, column 13: list l does not say which column");
    says("CREATE LIST l (k STRING PRIMARY KEY, n INT PRIMARY KEY);", "column 38: a list has one");
    says("CREATE LIST l (k STRING PRIMARY KEY, n AS k);", "a list has no computed column");
    says("CREATE LIST l (k STRING PRIMARY KEY, ts TIMESTAMP, WATERMARK FOR ts AS ts);",
         "a list has no WATERMARK");
    says("CREATE LIST l (k STRING FROM 'a.b' PRIMARY KEY);", "a list has no FROM");
    says("CREATE LIST l (k STRING PRIMARY KEY, K INT);", "column K is there twice");
    says("CREATE LIST l (k STRING PRIMARY KEY) WITH ('a'='b');", "a list has no options");
    says(LIST LIST, "there is a list l already");
    says(LIST "CREATE OR REPLACE LIST l (k BIGINT PRIMARY KEY); INSERT INTO l VALUES (1);", "OK");
}

static void values_are_constants_of_the_columns_types(void **state)
{
    (void)state;
    says(LIST "INSERT INTO l VALUES ('a', 1), ('b', -1.5), ('c', NULL), ('d', 1 + 1.25);", "OK");
    says(LIST "INSERT INTO L VALUES ('a', 1);", "OK");
    says(LIST "INSERT INTO l VALUES ('a');", "line 2, column 22: list l has 2 columns");
    says(LIST "INSERT INTO l VALUES (NULL, 1);", "column k cannot be NULL");
    says(LIST "INSERT INTO l VALUES (1, 1);", "column k is STRING, and 1 is BIGINT");
    says(LIST "INSERT INTO l VALUES ('a', 1.234);", "which 1.234 does not fit");
    says(LIST "INSERT INTO l VALUES ('a', 1000);", "which 1000 does not fit");
    says(LIST "INSERT INTO l VALUES ('a', k);", "no column k in VALUES");
    says(LIST "INSERT INTO l VALUES ('a', 'x');", "column n is DECIMAL(4,2), and 'x' is STRING");
    says("CREATE LIST blocked_cards (k STRING PRIMARY KEY); INSERT INTO blocked_card VALUES ('a');",
         "no list blocked_card (did you mean blocked_cards?)");
}

static void in_list(const char *list, const char *condition, const char *want)
{
    char *sql = mem_printf("%s%sCREATE RULE r AS SELECT s FROM t WHERE %s;", compiled_stream, list,
                           condition);
    says(sql, want);
    mem_free(sql);
}

static void what_is_looked_up_is_of_the_keys_type(void **state)
{
    (void)state;
    in_list(LIST, "s IN LIST l", "OK");
    in_list(LIST, "s NOT IN LIST L OR 'a' IN LIST l", "OK");
    in_list(LIST, "UPPER(s) IN LIST l AND NOT s IN LIST l", "OK");
    in_list(LIST, "b IN LIST l", "the keys of list l are STRING, and b is BIGINT");
    in_list(LIST, "NULL IN LIST l", "OK");
    in_list("CREATE LIST l (k DECIMAL(9,2) PRIMARY KEY);", "m IN LIST l", "OK");
    in_list("CREATE LIST l (k DECIMAL(9,2) PRIMARY KEY);", "k IN LIST l",
            "(CAST(k AS DECIMAL(9,2)))");
    in_list("CREATE LIST blocked (k STRING PRIMARY KEY);", "s IN LIST bloked",
            "no list bloked (did you mean blocked?)");
    in_list("CREATE LIST l (k STRING);", "s IN LIST l", "PRIMARY KEY is missing");
}

/* A server answers from its catalogue, which has no lists. */
static void where_there_are_none_they_are_refused(void **state)
{
    (void)state;
    static const char sql[] = LIST "INSERT INTO l VALUES ('a', 1);";
    struct scope scope = {0};
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    assert_int_equal(compile_script(sql, strlen(sql), &scope, &d, &s), ERR_UNSUPPORTED);
    assert_non_null(strstr(d.items[0].message, "a server has no lists yet"));
    assert_int_equal(d.errors, 1);
    diag_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_one_key_and_plain_columns),
        cmocka_unit_test(values_are_constants_of_the_columns_types),
        cmocka_unit_test(what_is_looked_up_is_of_the_keys_type),
        cmocka_unit_test(where_there_are_none_they_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
