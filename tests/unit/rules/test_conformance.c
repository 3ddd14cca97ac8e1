/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance cases, as far as the compiler goes: those that must be refused are, with the words and the place that
 * they want; of the others none is a syntax error, and what no operator does yet is refused as that.
 *
 * (What the rules then give is tests/e2e/test_conformance.py's.) */
#include "base/mem.h"
#include "rules/compile.h"
#include "tests/lib/check.h"
#include <jansson.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 1 << 20 };

/* Cases that contradict docs/language.md, with the reason. */
static const struct {
    const char *name, *why;
} contradicting[] = {
#define ALWAYS_FIRST "skips to a variable that is always the first row: an error in our language"
    {"AfterMatchSkipITCase.testSkipToFirstAtStartPosition", ALWAYS_FIRST},
    {"AfterMatchSkipITCase.testSkipToFirstWithOneOrMoreAtBeginning", ALWAYS_FIRST},
    {"random.skip.04", ALWAYS_FIRST},
    {"random.skip.20", ALWAYS_FIRST},
    {"random.skip.32", ALWAYS_FIRST},
    {"random.skip.37", ALWAYS_FIRST},
    {"random.skip.40", ALWAYS_FIRST},
    {"random.skip.62", ALWAYS_FIRST},
};

static bool contradicts(const char *name)
{
    for (size_t i = 0; i < sizeof contradicting / sizeof *contradicting; i++)
        if (strcmp(contradicting[i].name, name) == 0)
            return true;
    return false;
}

struct outcome {
    enum err e;
    struct diag d;
};

static struct outcome compile(const json_t *c)
{
    const char *sql = json_string_value(json_object_get(c, "sql"));
    struct script *s = NULL;
    struct outcome o;
    diag_init(&o.d, sql, strlen(sql));
    o.e = compile_script(sql, strlen(sql), NULL, &o.d, &s);
    compile_script_free(s);
    return o;
}

/* Each case of a file; how many there were. */
static unsigned each(const char *file, void (*check)(const char *name, const json_t *c))
{
    char *path = mem_printf("tests/conformance/%s.jsonl", file), *line = mem_alloc(LINE_MAX_BYTES);
    FILE *f = fopen(path, "r");
    unsigned n = 0;
    if (f == NULL)
        fail_msg("%s is not there; unit tests run at the top of the tree", path);
    while (fgets(line, LINE_MAX_BYTES, f) != NULL) {
        json_error_t error;
        json_t *c = json_loads(line, 0, &error);
        assert_non_null(c);
        check(json_string_value(json_object_get(c, "name")), c);
        json_decref(c);
        n++;
    }
    fclose(f);
    mem_free(line);
    mem_free(path);
    return n;
}

static bool item_fits(const struct diag_item *i, const json_t *error)
{
    const json_t *words = json_object_get(error, "contains");
    char *text = mem_printf("%s %s", i->message, i->hint != NULL ? i->hint : "");
    bool fits = !i->warning;
    for (size_t w = 0; w < json_array_size(words); w++)
        fits = fits && strcasestr(text, json_string_value(json_array_get(words, w))) != NULL;
    mem_free(text);
    if (json_object_get(error, "line") != NULL)
        fits = fits && i->line == json_integer_value(json_object_get(error, "line"));
    if (json_object_get(error, "column") != NULL)
        fits = fits && i->column == json_integer_value(json_object_get(error, "column"));
    return fits;
}

static void is_refused(const char *name, const json_t *c)
{
    struct outcome o = compile(c);
    const json_t *error = json_object_get(c, "error");
    bool fits = false;
    for (int i = 0; i < o.d.n; i++)
        fits = fits || item_fits(&o.d.items[i], error);
    if (o.e == ERR_OK || !fits) {
        char *text = diag_text(&o.d), *wanted = json_dumps(error, 0);
        fail_msg("%s: wanted %s\n  %s %s", name, wanted, err_name(o.e), text);
    }
    diag_fini(&o.d);
}

static bool wants_refusal(const json_t *c)
{
    const json_t *expect = json_object_get(c, "expect");
    for (size_t i = 0; i < json_array_size(expect); i++) {
        const char *kind = json_string_value(json_object_get(json_array_get(expect, i), "kind"));
        if (kind != NULL && strcmp(kind, "rejected") == 0)
            return true;
    }
    return false;
}

static void is_known(const char *name, const json_t *c)
{
    struct outcome o = compile(c);
    bool refused = o.e == ERR_INVALID || o.e == ERR_LIMIT;
    if (refused != (wants_refusal(c) || contradicts(name))) {
        char *text = diag_text(&o.d);
        fail_msg("%s: %s %s", name, err_name(o.e), text);
    }
    diag_fini(&o.d);
}

static void wrong_rules_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_int_equal(each("errors", is_refused), 104);
}

static void right_rules_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        unsigned cases;
    } files[] = {{"flink-cep", 212},     {"flink-cep-random", 319}, {"iso-trino", 127},
                 {"iso-generated", 129}, {"iso-oracle", 8},         {"calcite", 35},
                 {"flink-sql", 34},      {"windows", 69},           {"over", 16},
                 {"joins", 14}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_int_equal(each(files[i].file, is_known), files[i].cases);
}

int main(void)
{
    CHECK_RUN(TEST(wrong_rules_are_refused_at_their_place), TEST(right_rules_are_known));
}
