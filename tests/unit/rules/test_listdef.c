/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "rules/compile.h"
#include "rules/listdef.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"
#include <strings.h>

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

/* --- where lists are edited while rules run --- */

static struct list *known;

static struct list *scope_list(void *ctx, const char *name)
{
    (void)ctx;
    return known != NULL && strcasecmp(name, list_name(known)) == 0 ? list_ref(known) : NULL;
}

static const char *scope_list_name(void *ctx, unsigned i)
{
    (void)ctx;
    return i == 0 ? list_name(known) : NULL;
}

static struct script *compile_there(const char *sql, enum err want, const char *message)
{
    static const struct scope scope = {.list = scope_list, .list_name = scope_list_name};
    struct script *s = NULL;
    struct diag d;
    if (known == NULL) {
        static const struct column columns[] = {{.name = "k", .type.kind = TYPE_STRING},
                                                {.name = "n", .type.kind = TYPE_BIGINT}};
        static const struct schema schema = {.name = "known", .ncolumns = 2, .columns = columns};
        known = list_new(&schema, 0);
    }
    diag_init(&d, sql, strlen(sql));
    assert_int_equal(compile_script(sql, strlen(sql), &scope, &d, &s), want);
    if (message != NULL) {
        assert_int_equal(d.errors, 1);
        assert_non_null(strstr(d.items[0].message, message));
    }
    diag_fini(&d);
    return s;
}

static void items_of_insert_are_given_to_the_server(void **state)
{
    (void)state;
    struct script *s =
        compile_there("INSERT INTO known VALUES ('a', 1), ('b', NULL);", ERR_OK, NULL);
    assert_int_equal(s->statements[0].kind, STATEMENT_INSERT);
    assert_ptr_equal(s->statements[0].list, known);
    assert_int_equal(s->statements[0].nrows, 2);
    assert_memory_equal(s->statements[0].rows[1][0].c.s.p, "b", 1);
    assert_true(s->statements[0].rows[1][1].null);
    assert_int_equal(list_count(known), 0);
    compile_script_free(s);
}

#define WINDOW                                                                                     \
    "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY k, window_start"
#define STREAM "CREATE STREAM t (k STRING, n BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS ts);"

static void a_plan_holds_the_lists_that_it_reads(void **state)
{
    (void)state;
    struct script *s = compile_there(STREAM "CREATE RULE r AS SELECT n FROM t WHERE k IN LIST known"
                                            " AND k NOT IN LIST known;",
                                     ERR_OK, NULL);
    struct rule_plan *p = plan_ref(s->statements[1].rule);
    compile_script_free(s);
    assert_int_equal(p->nlists, 1);
    assert_ptr_equal(p->lists[0], known);
    plan_unref(p);
    compile_there(STREAM "CREATE RULE r AS SELECT n FROM t WHERE k IN LIST knwn;", ERR_INVALID,
                  "no list knwn");
}

static void a_list_is_asked_only_where_there_is_a_row(void **state)
{
    (void)state;
    compile_there(STREAM "CREATE RULE r AS SELECT k, COUNT(*) AS c FROM " WINDOW
                         " HAVING k IN LIST known;",
                  ERR_UNSUPPORTED, "over the sums of a window");
    compile_there(STREAM "CREATE RULE r AS SELECT k, k IN LIST known AS c FROM " WINDOW ";",
                  ERR_UNSUPPORTED, "over the sums of a window");
    compile_script_free(compile_there(
        STREAM
        "CREATE RULE r AS SELECT k, COUNT(*) FILTER (WHERE k IN LIST known) AS c FROM " WINDOW ";",
        ERR_OK, NULL));
    compile_there("CREATE STREAM t (k STRING, b AS k IN LIST known, ts TIMESTAMP, "
                  "WATERMARK FOR ts AS ts);",
                  ERR_UNSUPPORTED, "a list belongs to rules");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_one_key_and_plain_columns),
        cmocka_unit_test(values_are_constants_of_the_columns_types),
        cmocka_unit_test(what_is_looked_up_is_of_the_keys_type),
        cmocka_unit_test(items_of_insert_are_given_to_the_server),
        cmocka_unit_test(a_plan_holds_the_lists_that_it_reads),
        cmocka_unit_test(a_list_is_asked_only_where_there_is_a_row),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    list_unref(known);
    return failed;
}
