/* SPDX-License-Identifier: Apache-2.0 */
/* EXPLAIN: the rules of the benchmark as text, and as JSON that is JSON. */
#include "base/mem.h"
#include "rules/compile.h"
#include "tests/lib/check.h"
#include "tests/lib/compiled.h"
#include <jansson.h>

static char *query(const char *name)
{
    char *path = mem_printf("tests/bench/queries/%s.sql", name);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("%s is not there; unit tests run at the top of the tree", path);
    char *text = mem_new(1 << 16);
    size_t n = fread(text, 1, (1 << 16) - 1, f);
    text[n] = '\0';
    fclose(f);
    mem_free(path);
    return text;
}

static struct script *compiled(const char *name, char **text)
{
    char *stream = query("payments"), *rule = query(name);
    *text = mem_printf("%s%s", stream, rule);
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, *text, strlen(*text));
    assert_ok(compile_script(*text, strlen(*text), NULL, &d, &s));
    assert_int_equal(s->n, 2);
    diag_fini(&d);
    mem_free(stream);
    mem_free(rule);
    return s;
}

static void explains(const char *name, const char *expected)
{
    char *text;
    struct script *s = compiled(name, &text);
    struct bytes out = {0};
    compile_explain(s->statements[1].rule, EXPLAIN_TEXT, &out);
    bytes_u8(&out, 0);
    assert_string_equal((const char *)out.p, expected);
    bytes_fini(&out);
    compile_script_free(s);
    mem_free(text);
}

static void a_filter_reads_few_columns(void **state)
{
    (void)state;
    explains("filter", "rule filter: filter over stream payments\n"
                       "  mode       active, severity medium\n"
                       "  reads      id, amount\n"
                       "  where      amount > 3000.00\n"
                       "  output     id STRING = id\n");
}

static void a_pattern_keeps_what_later_rows_ask(void **state)
{
    (void)state;
    explains("travel", "rule travel: pattern over stream payments\n"
                       "  mode       active, severity medium\n"
                       "  reads      id, type, card, country\n"
                       "  key        card\n"
                       "  pattern    (A B)\n"
                       "  within     30 min\n"
                       "  skip       none: every match\n"
                       "  rows       one a match\n"
                       "  define A\n"
                       "    row      type = 'payment'\n"
                       "  define B\n"
                       "    row      type = 'payment'\n"
                       "    path     country <> LAST(A: country)\n"
                       "  keeps      id, card, country\n"
                       "  output     card STRING = card\n"
                       "  output     a_country STRING = LAST(A: country)\n"
                       "  output     b_country STRING = LAST(B: country)\n"
                       "  output     a_id STRING = LAST(A: id)\n"
                       "  output     b_id STRING = LAST(B: id)\n");
}

static void a_window_shows_its_slots(void **state)
{
    (void)state;
    explains("velocity", "rule velocity: window over stream payments\n"
                         "  mode       active, severity medium\n"
                         "  reads      type, card\n"
                         "  where      type = 'payment'\n"
                         "  group by   card\n"
                         "  window     HOP of 1 min every 10 s\n"
                         "  fires      when the watermark passes its end\n"
                         "  slots      #0 to #3: key, window_start, window_end, window_time\n"
                         "  slot #4    COUNT(*)\n"
                         "  having     #4 >= 10\n"
                         "  output     card STRING = #0\n"
                         "  output     window_start TIMESTAMP(3) = #1\n"
                         "  output     window_end TIMESTAMP(3) = #2\n"
                         "  output     n BIGINT = #4\n");
}

static json_t *explained(const char *name)
{
    char *text;
    struct script *s = compiled(name, &text);
    struct bytes out = {0};
    json_error_t error;
    compile_explain(s->statements[1].rule, EXPLAIN_JSON, &out);
    json_t *j = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, &error);
    if (j == NULL)
        fail_msg("%s: %s\n%.*s", name, error.text, (int)out.n, out.p);
    bytes_fini(&out);
    compile_script_free(s);
    mem_free(text);
    return j;
}

static const char *text_at(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static void json_has_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"filter", "seq", "kleene", "unconfirmed", "spend"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *j = explained(names[i]);
        assert_string_equal(text_at(j, "rule"), names[i]);
        json_decref(j);
    }
    json_t *j = explained("travel");
    assert_string_equal(text_at(j, "shape"), "pattern");
    assert_string_equal(text_at(j, "pattern"), "(A B)");
    assert_int_equal(json_integer_value(json_object_get(j, "within_ms")), 1800000);
    const json_t *b = json_array_get(json_object_get(j, "variables"), 1);
    assert_string_equal(text_at(b, "path"), "country <> LAST(A: country)");
    assert_int_equal(json_array_size(json_object_get(j, "outputs")), 5);
    json_decref(j);
    j = explained("velocity");
    const json_t *w = json_object_get(j, "window");
    assert_int_equal(json_integer_value(json_object_get(w, "slide_ms")), 10000);
    assert_string_equal(text_at(j, "having"), "#4 >= 10");
    json_decref(j);
}

static void notes_say_what_may_surprise(void **state)
{
    (void)state;
    char *sql =
        mem_printf("%sCREATE RULE r WITH ('cooldown'='10 min', 'mode'='shadow') AS SELECT * "
                   "FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES A.b AS x PATTERN (A) DEFINE A "
                   "AS s = 'it''s') WHERE x > 1;",
                   compiled_stream);
    char *got = compiled_script(sql, strlen(sql));
    assert_string_equal(got,
                        "rule r: pattern over stream t\n"
                        "  mode       shadow, severity medium\n"
                        "  cooldown   10 min\n"
                        "  reads      s, b\n"
                        "  pattern    A\n"
                        "  skip       past the last row\n"
                        "  rows       one a match\n"
                        "  define A\n"
                        "    row      s = 'it''s'\n"
                        "  keeps      b\n"
                        "  having     LAST(A: b) > 1\n"
                        "  output     x BIGINT = LAST(A: b)\n"
                        "  note       without WITHIN, partial matches wait as long as the rule "
                        "lives\n"
                        "  note       without PARTITION BY all events are one sequence, on one "
                        "worker\n");
    mem_free(got);
    mem_free(sql);
}

int main(void)
{
    CHECK_RUN(TEST(a_filter_reads_few_columns), TEST(a_pattern_keeps_what_later_rows_ask),
              TEST(a_window_shows_its_slots), TEST(json_has_the_same),
              TEST(notes_say_what_may_surprise));
}
