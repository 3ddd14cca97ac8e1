/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts: several statements, several errors, names among them, limits. */
#include "base/mem.h"
#include "rules/compile.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"
#include <strings.h>

static void says(const char *sql, const char *what)
{
    char *got = compiled_said(sql, strlen(sql), NULL);
    if (strcmp(got, what) != 0)
        fail_msg("%s\n  said %s\n  and not %s", sql, got, what);
    mem_free(got);
}

static void every_statement_is_looked_at(void **state)
{
    (void)state;
    says("CREATE STREAM s (ts TIMESTAMP, WATERMARK FOR ts AS ts);\n"
         "CREATE RULE a AS SELECT x FROM s;\n"
         "CREATE RULE b AS SELEC ts FROM s;\n"
         "CREATE RULE c AS SELECT ts FROM s WHERE ts > ;\n"
         ";;\n"
         "CREATE RULE d AS SELECT y FROM s WHERE z;\n"
         "CREATE RULE e AS SELECT ts FROM s",
         "INVALID line 2, column 25: no column x in stream s\n"
         "line 3, column 18: unexpected SELEC after AS; expected SELECT\n"
         "line 4, column 46: unexpected ; after >; expected an expression\n"
         "line 6, column 25: no column y in stream s\n"
         "line 6, column 40: no column z in stream s");
}

static void a_wrong_stream_is_said_once(void **state)
{
    (void)state;
    says("CREATE STREAM s (a BIGNIT, ts TIMESTAMP, WATERMARK FOR ts AS ts);\n"
         "CREATE RULE a AS SELECT x FROM s;\nCREATE RULE b AS SELECT x FROM s;",
         "INVALID line 1, column 20: no type BIGNIT (did you mean BIGINT?)");
}

static void what_is_missing_is_offered(void **state)
{
    (void)state;
    says("CREATE",
         "INVALID line 1, column 7: the text ends after CREATE; expected one of LIST, OR, "
         "RULE, SINK, STREAM, TABLE");
    says("CREATE RULE r AS SELECT a FROM s WHERE (b",
         "INVALID line 1, column 42: the text ends after "
         "b; expected one of ')', an operator");
    says("CREATE RULE r AS SELECT a, FROM s",
         "INVALID line 1, column 28: unexpected FROM after ,; expected one of an expression, '*'");
    says("CREATE RULE r AS SELECT a FROM s GROUP a",
         "INVALID line 1, column 40: unexpected a after GROUP; expected BY");
    says("DROP RULE r", "INVALID line 1, column 1: unexpected DROP; expected one of ';', CREATE, "
                        "EXPLAIN, INSERT, SELECT");
    says("CREATE RULE r AS SELECT a # b",
         "INVALID line 1, column 27: the character # means nothing here");
    says("CREATE RULE r AS SELECT \x01",
         "INVALID line 1, column 25: the character with code 1 means nothing here");
    says("CREATE RULE r AS SELECT \xff", "INVALID line 1, column 25: the text is not UTF-8 here");
    says("CREATE RULE r AS SELECT 'ü' # ",
         "INVALID line 1, column 29: the character # means nothing here");
}

static void names_are_used_once(void **state)
{
    (void)state;
    says(
        "CREATE STREAM s (ts TIMESTAMP, WATERMARK FOR ts AS ts);\n"
        "CREATE STREAM S (ts TIMESTAMP, WATERMARK FOR ts AS ts);\n"
        "CREATE RULE s AS SELECT ts FROM s;\n"
        "CREATE RULE r AS SELECT ts FROM s;\n"
        "CREATE OR REPLACE RULE r AS SELECT ts FROM s;\n"
        "CREATE RULE r AS SELECT ts FROM r;",
        "INVALID line 2, column 15: there is a stream S already\n"
        "line 3, column 13: there is a stream s already\n"
        "line 6, column 13: there is a rule r already\n"
        "line 6, column 33: rules cannot read each other in a circle: r -> r (let one of them read "
        "a stream)");
    says("CREATE RULE r AS SELECT a FROM paymnts;", "INVALID line 1, column 32: no stream paymnts");
}

static void what_no_operator_does_is_unsupported(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "SELECT b FROM (SELECT s, b FROM t MATCH_RECOGNIZE (ORDER BY ts PATTERN (A)) AS m)",
        "SELECT b FROM (SELECT b FROM t GROUP BY b)",
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char *sql = mem_printf("%sCREATE RULE r AS %s;", compiled_stream, rules[i]);
        enum err e;
        char *got = compiled_said(sql, strlen(sql), &e);
        if (e != ERR_UNSUPPORTED)
            fail_msg("%s\n  said %s", rules[i], got);
        mem_free(got);
        mem_free(sql);
    }
    says("CREATE SINK ops WITH ('connector'='webhook');",
         "UNSUPPORTED line 1, column 35: 'connector'='webhook': this release does not do that yet");
}

static void sinks_are_checked(void **state)
{
    (void)state;
    says("CREATE SINK ops;", "INVALID line 1, column 13: sink ops does not say what it writes to: "
                             "'connector' is missing (WITH ('connector'='file'))");
    says("CREATE SINK ops WITH ('connector'='file', 'path'='/etc');",
         "INVALID line 1, column 13: sink ops: the path '/etc' begins with /: it is a folder below "
         "--sinks-folder ('path'='alerts/high')");
    says("CREATE SINK ops WITH ('connector'='file', 'path'='a/../b');",
         "INVALID line 1, column 13: sink ops: the path 'a/../b' has a part that begins with a dot "
         "('path'='alerts/high')");
    says("CREATE SINK ops WITH ('connector'='file', 'roll-size'='much');",
         "INVALID line 1, column 55: 'roll-size' is a size like 128 MiB, not 'much'");
    says("CREATE SINK ops WITH ('connector'='file', 'roll-size'='1 KiB');",
         "INVALID line 1, column 55: 'roll-size' is at least 4 KiB, not '1 KiB'");
    struct script *s = NULL;
    static const char good[] =
        "CREATE STREAM t (a BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);"
        "CREATE SINK ops WITH ('connector'='file', 'path'='x/y', 'roll-size'='1 MiB',"
        " 'roll-interval'='5 min');"
        "CREATE RULE r AS SELECT a FROM t WHERE a > 1 EMIT TO OPS, LATE TO ops;";
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_ok(compile_script(good, strlen(good), NULL, &d, &s));
    const struct sink *k = s->statements[1].sink;
    assert_string_equal(k->path, "x/y");
    assert_int_equal(k->roll_bytes, 1 << 20);
    assert_int_equal(k->roll_interval_ms, 300000);
    const struct rule_plan *p = s->statements[2].rule;
    assert_int_equal(p->nemits, 2);
    assert_int_equal(p->emits[0].what, PLAN_EMIT_RESULTS);
    assert_int_equal(p->emits[1].what, PLAN_EMIT_LATE);
    compile_script_free(s);
    diag_fini(&d);
}

static void joins_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *said;
    } list[] = {
        {"SELECT a.b FROM t AS a FULL JOIN t AS c ON a.b = c.b",
         "line 2, column 41: FULL JOIN cannot"},
        {"SELECT a.b FROM t AS a RIGHT OUTER JOIN t AS c ON a.b = c.b",
         "RIGHT JOIN cannot be done"},
        {"SELECT b FROM t AS a JOIN t AS c ON a.b = c.b", "column b is in more than one stream"},
        {"SELECT a.b FROM t AS a JOIN t AS c ON a.b = x.b", "no stream or alias x here"},
        {"SELECT a.b FROM t AS a JOIN t AS c ON a.b = c.s", "a.b cannot be compared with c.s"},
        {"SELECT LEAD(b) OVER (ORDER BY ts) AS x FROM t",
         "LEAD looks at rows that have not come yet"},
        {"SELECT SUM(b) OVER (ORDER BY ts ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS x FROM t",
         "FOLLOWING: the frame of OVER"},
        {"SELECT SUMM(b) OVER (ORDER BY ts) AS x FROM t", "no function SUMM (did you mean SUM?)"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *sql = mem_printf("%sCREATE RULE r AS %s;", compiled_stream, list[i].rule);
        enum err e;
        char *got = compiled_said(sql, strlen(sql), &e);
        if (e != ERR_INVALID || strstr(got, list[i].said) == NULL)
            fail_msg("%s\n  said %s\n  and not %s", list[i].rule, got, list[i].said);
        mem_free(got);
        mem_free(sql);
    }
}

static void options_of_rules_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *options, *said;
    } list[] = {
        {"'severity'='high', 'mode'='shadow', 'cooldown'='10 min', 'title'='{b} of {S}', "
         "'description'='x'",
         "OK"},
        {"'severity'='huge'", "'severity' is low/medium/high/critical, not 'huge'"},
        {"'mode'='activ'", "'mode' is active/shadow/paused, not 'activ'"},
        {"'cooldown'='-1 s'", "'cooldown' is a duration"},
        {"'coldown'='1 s'", "no option 'coldown' (did you mean cooldown?)"},
        {"'title'='{bb}'", "the title names {bb}, which is no column of the result"},
        {"'title'='{b'", "the { in the title has no }"},
        {"'allowed-lateness'='1 s'", "'allowed-lateness' belongs to rules with a window"},
        {"'order'='arrival'", "UNSUPPORTED line 2, column 29: 'order'='arrival'"},
        {"'order'='time'", "OK"},
        {"'state-ttl'='1 h'", "'state-ttl' has no meaning here"},
        {"'mode'='active', 'mode'='active'", "option 'mode' is there twice"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *sql = mem_printf("%sCREATE RULE r WITH (%s) AS SELECT b, s FROM t;", compiled_stream,
                               list[i].options);
        char *got = compiled_said(sql, strlen(sql), NULL);
        if (strstr(got, list[i].said) == NULL)
            fail_msg("%s\n  said %s\n  and not %s", list[i].options, got, list[i].said);
        mem_free(got);
        mem_free(sql);
    }
}

static char *repeated(const char *before, const char *what, int n, const char *after)
{
    struct bytes b = {0};
    bytes_printf(&b, "%s", before);
    for (int i = 0; i < n; i++)
        bytes_printf(&b, "%s", what);
    bytes_printf(&b, "%s", after);
    bytes_u8(&b, 0);
    return (char *)b.p;
}

static void limited(char *sql, const char *what)
{
    enum err e;
    char *got = compiled_said(sql, strlen(sql), &e);
    if (e != ERR_LIMIT || strstr(got, what) == NULL)
        fail_msg("%.80s...\n  said %.200s", sql, got);
    mem_free(got);
    mem_free(sql);
}

static void depth_and_length_have_their_limits(void **state)
{
    (void)state;
    limited(repeated("CREATE RULE r AS SELECT a FROM t WHERE ", "(", 100000, ""),
            "nested deeper than 250");
    limited(repeated("CREATE RULE r AS SELECT a FROM t WHERE ", "NOT ", 100000, ""),
            "nested deeper");
    limited(repeated("CREATE RULE r AS SELECT ", "- ", 100000, "1"), "nested deeper");
    limited(repeated("CREATE RULE r AS SELECT 1", " + 1", 300, " AS x FROM t"), "nested deeper");
    limited(repeated("CREATE RULE r AS SELECT ", "CASE WHEN ", 2000, ""), "nested deeper");
    limited(repeated("CREATE RULE r AS SELECT a FROM ", "(SELECT a FROM ", 20000, ""),
            "nested deeper");
    limited(repeated("CREATE RULE r AS SELECT a FROM t MATCH_RECOGNIZE (ORDER BY ts PATTERN ", "(",
                     5000, ""),
            "nested deeper");
    limited(repeated("CREATE RULE r AS SELECT 'x", "yyyyyyyyyy", 30000, "' AS x FROM t"),
            "the statement that begins here is longer than 262144 bytes");
    limited(repeated("", "-- a comment\n", 330000, ""), "the text is longer than 4194304 bytes");
}

static void long_conditions_are_wide_and_not_deep(void **state)
{
    (void)state;
    char *sql = repeated(compiled_stream, "", 0, "CREATE RULE r AS SELECT b FROM t WHERE b = 1");
    char *more = repeated(sql, " OR b > 2 AND s <> 'x'", 8000, "");
    enum err e;
    char *got = compiled_said(more, strlen(more), &e);
    assert_string_equal(got, "OK");
    mem_free(got);
    mem_free(more);
    mem_free(sql);
    sql = repeated(compiled_stream, "", 0, "CREATE RULE r AS SELECT b FROM t WHERE b IN (1");
    more = repeated(sql, ", 22", 50000, ")");
    got = compiled_said(more, strlen(more), &e);
    assert_string_equal(got, "OK");
    mem_free(got);
    mem_free(more);
    mem_free(sql);
}

/* --- compile_rule and scopes ------------------------------------------------------------------ */

static const struct schema *scope_stream(void *ctx, const char *name)
{
    const struct script *s = ctx;
    return strcasecmp(name, "t") == 0 ? s->statements[0].schema : NULL;
}

static const char *scope_name(void *ctx, unsigned i)
{
    (void)ctx;
    return i == 0 ? "t" : NULL;
}

static void rule_says(const struct scope *scope, const char *name, const char *sql,
                      const char *what)
{
    struct rule_plan *p = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    enum err e = compile_rule(name, sql, strlen(sql), scope, &d, &p);
    char *text = diag_text(&d);
    if (strstr(text, what) == NULL || (e == ERR_OK) != (what[0] == '\0'))
        fail_msg("%s\n  said %s\n  and not %s", sql, text, what);
    if (e == ERR_OK) {
        assert_string_equal(p->name, name != NULL ? name : "r");
        assert_string_equal(p->sql, sql);
        plan_unref(plan_ref(p));
    }
    plan_unref(p);
    mem_free(text);
    diag_fini(&d);
}

static void one_rule_is_compiled_against_a_scope(void **state)
{
    (void)state;
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, compiled_stream, strlen(compiled_stream));
    assert_ok(compile_script(compiled_stream, strlen(compiled_stream), NULL, &d, &s));
    diag_fini(&d);
    struct scope scope = {.ctx = s, .stream = scope_stream, .stream_name = scope_name};
    rule_says(&scope, "mine", "SELECT b FROM T", "");
    rule_says(&scope, NULL, "CREATE RULE r AS SELECT b FROM t", "");
    rule_says(&scope, "R", "CREATE RULE x AS SELECT b FROM t",
              "this rule is x, and R was asked for");
    rule_says(&scope, NULL, "SELECT b FROM t", "the rule has no name");
    rule_says(&scope, "a", "SELECT b FROM t; SELECT b FROM t", "one rule is enough here");
    rule_says(&scope, "a", "", "the text is empty");
    rule_says(&scope, "a", compiled_stream, "a rule is a SELECT, or CREATE RULE name AS SELECT");
    rule_says(&scope, "a", "SELECT b FROM tt", "no stream tt");
    rule_says(&scope, "a", "SELECT b FROM", "the text ends after FROM");
    compile_script_free(s);
}

static void input_that_ends_may_be_looked_ahead_in(void **state)
{
    (void)state;
    static const char sql[] =
        "CREATE STREAM t (b BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS ts);\n"
        "CREATE RULE r AS SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts PATTERN (^ A $)\n"
        " DEFINE A AS NEXT(b) > 1);\n"
        "CREATE RULE s AS SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts PATTERN (()));";
    char *got = compiled_said(sql, sizeof sql - 1, NULL);
    assert_string_equal(
        got, "INVALID line 2, column 72: the anchor ^ can be used on input that ends only\n"
             "line 2, column 76: the anchor $ can be used on input that ends only\n"
             "line 4, column 72: the pattern has no variable");
    mem_free(got);
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, sizeof sql - 1);
    assert_ok(compile_script_bounded(sql, sizeof sql - 1, NULL, &d, &s));
    compile_script_free(s);
    diag_fini(&d);
}

static void explain_names_a_rule_and_a_format(void **state)
{
    (void)state;
    static const char sql[] = "EXPLAIN RULE r;\nEXPLAIN RULE r (FORMAT dot);";
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, sizeof sql - 1);
    assert_ok(compile_script(sql, sizeof sql - 1, NULL, &d, &s));
    assert_int_equal(s->n, 2);
    assert_int_equal(s->statements[0].kind, STATEMENT_EXPLAIN);
    assert_string_equal(s->statements[0].name, "r");
    assert_null(s->statements[0].format);
    assert_string_equal(s->statements[1].format, "DOT");
    compile_script_free(s);
    diag_fini(&d);
    says("EXPLAIN RULE r (FORMAT dott)",
         "INVALID line 1, column 24: FORMAT is TEXT, JSON or DOT, not dott (did you mean DOT?)");
    says("SELECT 1 FROM t",
         "INVALID line 1, column 1: a SELECT by itself has no name; it must be a "
         "rule's (CREATE RULE name AS SELECT ...)");
}

static void what_can_never_be_true_is_warned_of(void **state)
{
    (void)state;
    char *sql = mem_printf("%sCREATE RULE r AS SELECT b FROM t WHERE b = NULL;\n"
                           "CREATE RULE q AS SELECT b FROM t WHERE o AND 1 > 2;",
                           compiled_stream);
    says(sql, "OK line 2, column 40: warning: a comparison with NULL is never true nor false (IS "
              "NULL asks for it)\n"
              "line 2, column 40: warning: WHERE is never true\n"
              "line 3, column 40: warning: WHERE is never true");
    mem_free(sql);
}

static void words_may_be_names_where_nothing_waits_for_them(void **state)
{
    (void)state;
    says("CREATE STREAM s (type STRING, value BIGINT, day BIGINT, first BIGINT, last BIGINT, final "
         "BIGINT, interval BIGINT, timestamp BIGINT, row BIGINT, rule BIGINT, \"end\" BIGINT, list "
         "BIGINT, step BIGINT, ts TIMESTAMP, WATERMARK FOR ts AS ts);\n"
         "CREATE RULE rule AS SELECT type, value, day, first, last + final AS final, interval, "
         "timestamp, step.row, rule, \"end\", list FROM s step WHERE step.first > last;",
         "OK");
}

int main(void)
{
    CHECK_RUN(TEST(every_statement_is_looked_at), TEST(a_wrong_stream_is_said_once),
              TEST(what_is_missing_is_offered), TEST(names_are_used_once),
              TEST(what_no_operator_does_is_unsupported), TEST(sinks_are_checked),
              TEST(joins_are_checked), TEST(options_of_rules_are_checked),
              TEST(depth_and_length_have_their_limits), TEST(long_conditions_are_wide_and_not_deep),
              TEST(one_rule_is_compiled_against_a_scope),
              TEST(input_that_ends_may_be_looked_ahead_in), TEST(explain_names_a_rule_and_a_format),
              TEST(what_can_never_be_true_is_warned_of),
              TEST(words_may_be_names_where_nothing_waits_for_them));
}
