/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cep/table.h"
#include "rules/compile.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"

#define S "CREATE STREAM s (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);\n"
#define LITE " WITH ('connector'='sqlite', 'path'='x.db')"
#define T "CREATE TABLE t (k STRING PRIMARY KEY, n BIGINT, v STRING)" LITE ";\n"
#define J "CREATE RULE r AS SELECT s.k, t.v FROM s JOIN t FOR SYSTEM_TIME AS OF s.ts ON "

static void says(const char *sql, const char *want)
{
    enum err e;
    char *got = compiled_said(sql, strlen(sql), &e);
    if (strstr(got, want) == NULL)
        fail_msg("%s\n  wanted %s\n  said   %s", sql, want, got);
    mem_free(got);
}

static void a_table_says_where_it_is(void **state)
{
    (void)state;
    says(T, "OK");
    says("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('path'='x.db');", "'connector' is missing");
    says("CREATE TABLE t (k STRING PRIMARY KEY);", "'connector' is missing");
    says("CREATE TABLE t (k STRING)" LITE ";", "table t does not say which column is looked up");
    says("CREATE TABLE t (k STRING PRIMARY KEY, n AS k)" LITE ";",
         "a table has no computed column");
    says("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'='mysql');",
         "'connector' is sqlite/postgres, not 'mysql'");
    says("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'='sqlite');", "'path' is missing");
    says("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'='sqlite', 'path'='x', "
         "'url'='y');",
         "'url' belongs to postgres");
    says("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'='postgres', 'path'='x', "
         "'url-env'='X');",
         "'path' belongs to sqlite");
    says("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'='postgres', 'url'='x', "
         "'url-env'='X');",
         "one of 'url', 'url-env', 'url-file' is enough");
    says(T T, "there is a table t already");
    says(S "CREATE TABLE s (k STRING PRIMARY KEY)" LITE ";", "there is a stream s already");
}

static void a_secret_is_not_taken(void **state)
{
    (void)state;
    const char *const urls[] = {"postgresql://a:b@h/d", "postgres://a:b@h", "host=h password=b",
                                "postgresql://h/d?user=a&PassWord=b", "sslpassword=x"};
    const char *const fine[] = {"postgresql://a@h:5432/d", "host=h user=a dbname=d",
                                "postgresql://h:5432/d@e:f"};
    for (unsigned i = 0; i < 5; i++) {
        char *sql = mem_printf("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'="
                               "'postgres', 'url'='%s');",
                               urls[i]);
        says(sql, "a password in the text");
        mem_free(sql);
    }
    for (unsigned i = 0; i < 3; i++) {
        char *sql = mem_printf("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'="
                               "'postgres', 'url'='%s');",
                               fine[i]);
        says(sql, "OK");
        mem_free(sql);
    }
}

static void with(const char *option, const char *want)
{
    char *sql = mem_printf("CREATE TABLE t (k STRING PRIMARY KEY) WITH ('connector'='sqlite', "
                           "'path'='x', %s);",
                           option);
    says(sql, want);
    mem_free(sql);
}

static void options_have_their_bounds(void **state)
{
    (void)state;
    with("'timeout'='1 s', 'retries'='0', 'retry-delay'='0 ms', 'cache-rows'='0'", "OK");
    with("'timeout'='0 s'", "'timeout' is a duration longer than 0");
    with("'cache-ttl'='0'", "'cache-ttl' is a duration longer than 0");
    with("'capacity'='0'", "'capacity' is a number from 1");
    with("'batch'='1001'", "'batch' is at most 1000");
    with("'connections'='33'", "'connections' is at most 32");
    with("'retries'='-1'", "'retries' is a number from 0");
    with("'cache-missing'='maybe'", "'cache-missing' is true/false");
    with("'output'='random'", "'output' is ordered/unordered");
    with("'on-error'='ignore'", "'on-error' is dead-letter/null/fail");
    with("'cash-rows'='1'", "no option 'cash-rows' (did you mean cache-rows?)");
}

static void a_table_is_looked_up_by_its_key(void **state)
{
    (void)state;
    says(S T J "t.k = s.k;", "OK");
    says(S T J "s.k = t.k AND t.n > 1 AND s.n > 2;", "OK");
    says(S T J "UPPER(s.k) = t.k;", "OK");
    says(S T J "t.n = s.n;", "a table is looked up by its key: ON needs an equality with t.k");
    says(S T J "t.k = s.n;", "t.k is STRING, and what is looked up is BIGINT");
    says(S T J "t.k = 'a' OR s.n = 1;", "a table is looked up by its key");
    says(S T "CREATE RULE r AS SELECT s.k FROM s RIGHT JOIN t FOR SYSTEM_TIME AS OF s.ts ON t.k = "
             "s.k;",
         "RIGHT JOIN with a table cannot be done");
    says(S T "CREATE RULE r AS SELECT s.k FROM s JOIN t FOR SYSTEM_TIME AS OF s.n ON t.k = s.k;",
         "FOR SYSTEM_TIME AS OF takes the stream's time, ts");
    says(S "CREATE TABLE people (k STRING PRIMARY KEY)" LITE ";"
           "CREATE RULE r AS SELECT s.k FROM s JOIN poeple FOR SYSTEM_TIME AS OF s.ts AS p ON p.k "
           "= s.k;",
         "no list or table poeple (did you mean people?)");
    says(S T "CREATE RULE r AS SELECT k FROM t;", "t is a table: it cannot stand after FROM");
    says(S T "CREATE RULE r AS SELECT k FROM s WHERE k IN LIST t;", "no list t");
}

/* The same look-up is the same stream, whoever asks; another key is another. */
static void look_ups_are_shared(void **state)
{
    (void)state;
    static const char sql[] = S T J
        "t.k = s.k;\n"
        "CREATE RULE a AS SELECT s.k FROM s JOIN t FOR SYSTEM_TIME AS OF s.ts AS x ON s.k = x.k "
        "WHERE s.n > 5 AND x.n = 1;\n"
        "CREATE RULE b AS SELECT s.k FROM s JOIN t FOR SYSTEM_TIME AS OF s.ts ON t.k = LOWER(s.k);";
    struct script *script = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    assert_ok(compile_script(sql, strlen(sql), NULL, &d, &script));
    const struct rule_plan *r = script->statements[2].rule, *a = script->statements[3].rule,
                           *b = script->statements[4].rule;
    assert_int_equal(r->nlookups, 1);
    assert_ptr_equal(r->lookups[0].rows, a->lookups[0].rows);
    assert_ptr_equal(r->input, r->lookups[0].rows);
    assert_int_not_equal(r->lookups[0].rows->id, b->lookups[0].rows->id);
    assert_null(r->lookups[0].when);
    assert_non_null(a->lookups[0].when); /* s.n > 5, and not what the table decides */
    assert_string_equal(r->input->columns[3].name, "t.k");
    assert_int_equal(r->input->ncolumns, 6);
    const struct schema *streams[PLAN_STREAMS_MAX];
    assert_int_equal(plan_streams(r, streams), 1);
    assert_ptr_equal(streams[0], script->statements[0].schema);
    assert_false(plan_is_derived(r));
    compile_script_free(script);
    diag_fini(&d);
}

int main(void)
{
    CHECK_RUN(cmocka_unit_test(a_table_says_where_it_is), cmocka_unit_test(a_secret_is_not_taken),
              cmocka_unit_test(options_have_their_bounds),
              cmocka_unit_test(a_table_is_looked_up_by_its_key),
              cmocka_unit_test(look_ups_are_shared));
}
