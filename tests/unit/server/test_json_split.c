/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/json_split.h"
#include "tests/lib/check.h"

enum { MAX = 8 };

static void assert_array(const char *body, const char *expected)
{
    struct json_split_text texts[MAX];
    struct json_split_problem why = {0};
    unsigned n = 0;
    char got[512] = "";
    assert_ok(json_split_array(body, strlen(body), texts, MAX, &n, &why));
    for (unsigned i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "<%.*s>", (int)texts[i].n,
                 texts[i].p);
    assert_string_equal(got, expected);
}

static void assert_no_array(const char *body, const char *text, size_t at)
{
    struct json_split_text texts[MAX];
    struct json_split_problem why = {0};
    unsigned n = 0;
    assert_err(json_split_array(body, strlen(body), texts, MAX, &n, &why), ERR_INVALID);
    assert_string_equal(why.text, text);
    assert_int_equal(why.at, at);
}

static void an_array_is_cut_at_its_top_level(void **state)
{
    (void)state;
    assert_array("[]", "");
    assert_array(" \r\n[ \t] ", "");
    assert_array("[{\"a\":1.50},{\"b\":[1,{\"c\":2}]}]", "<{\"a\":1.50}><{\"b\":[1,{\"c\":2}]}>");
    assert_array("[ 1 ,\n \"x\" , null ]\n", "<1><\"x\"><null>");
    assert_array("[[]]", "<[]>");
}

static void brackets_and_commas_in_strings_are_text(void **state)
{
    (void)state;
    assert_array("[{\"a\":\"],[}{\"},2]", "<{\"a\":\"],[}{\"}><2>");
    assert_array("[\"\\\"],\",\"\\\\\",3]", "<\"\\\"],\"><\"\\\\\"><3>");
}

/* What is wrong inside an element is the decoder's to tell, for that row alone. */
static void a_bad_element_is_one_element(void **state)
{
    (void)state;
    assert_array("[{\"a\":},tru,{\"b\":1}]", "<{\"a\":}><tru><{\"b\":1}>");
}

static void a_doubtful_cut_is_an_error_with_its_place(void **state)
{
    (void)state;
    assert_no_array("", "the body is not an array", 0);
    assert_no_array("{}", "the body is not an array", 0);
    assert_no_array("[", "the array is not closed", 1);
    assert_no_array("[1", "the array is not closed", 2);
    assert_no_array("[1,", "the array is not closed", 3);
    assert_no_array("[1,]", "an element is missing", 3);
    assert_no_array("[,1]", "an element is missing", 1);
    assert_no_array("[1]x", "there is text after the array", 3);
    assert_no_array("[1][2]", "there is text after the array", 3);
    assert_no_array("[{\"a]", "a string is not closed", 2);
    assert_no_array("[\"a\\\"", "a string is not closed", 1);
    assert_no_array("[{]}]", "a bracket closes what was not opened", 2);
    assert_no_array("[1}]", "a bracket closes what was not opened", 2);
    assert_no_array("[{\"a\":[1}", "a bracket closes what was not opened", 8);
}

static void depth_and_number_are_bounded(void **state)
{
    (void)state;
    char deep[2 * JSON_SPLIT_DEPTH];
    struct json_split_text texts[MAX];
    struct json_split_problem why = {0};
    unsigned n = 0;
    memset(deep, '[', sizeof deep);
    assert_err(json_split_array(deep, sizeof deep, texts, MAX, &n, &why), ERR_INVALID);
    assert_string_equal(why.text, "brackets are nested too deep");
    assert_int_equal(why.at, JSON_SPLIT_DEPTH + 1);
    assert_err(json_split_array("[1,2,3]", 7, texts, 2, &n, &why), ERR_LIMIT);
    assert_int_equal(n, 2);
    assert_err(json_split_lines("1\n2\n3", 5, texts, 2, &n), ERR_LIMIT);
    assert_int_equal(n, 2);
}

static void lines_lose_their_ends_and_blank_ones_do_not_count(void **state)
{
    (void)state;
    static const char body[] = "\n{\"a\":1}\r\n  \r\n\n {\"b\":2} \n{\"c\"";
    struct json_split_text texts[MAX];
    unsigned n = 0;
    assert_ok(json_split_lines(body, strlen(body), texts, MAX, &n));
    assert_int_equal(n, 3);
    assert_int_equal(texts[0].n, 7);
    assert_memory_equal(texts[1].p, "{\"b\":2}", texts[1].n);
    assert_memory_equal(texts[2].p, "{\"c\"", texts[2].n);
    assert_ok(json_split_lines("", 0, texts, MAX, &n));
    assert_int_equal(n, 0);
}

static void a_place_is_line_and_column_in_code_points(void **state)
{
    (void)state;
    int line = 0, column = 0;
    json_split_place("[\n\"é\",x", 6, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 4);
    assert_int_equal(json_split_first(" \n\t x", 5), 'x');
    assert_int_equal(json_split_first("  ", 2), 0);
}

static void the_value_of_the_only_member_is_as_it_was_written(void **state)
{
    static const struct {
        const char *body, *value;
    } cases[] = {{"{\"event\":{\"a\":12.50}}", "{\"a\":12.50}"},
                 {" {\t\"event\" :\r\n {\"a\" : \"}\" } \n} ", "{\"a\" : \"}\" }"},
                 {"{\"\\\"e:v\\\\\": null}", "null"},
                 {"{\"e\":1}", "1"}};
    struct json_split_text got;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(json_split_member(cases[i].body, strlen(cases[i].body), &got));
        assert_int_equal(got.n, strlen(cases[i].value));
        assert_memory_equal(got.p, cases[i].value, got.n);
    }
    for (size_t n = 0; n < strlen("{\"e\":1}"); n++)
        assert_err(json_split_member("{\"e\":1}", n, &got), ERR_INVALID);
}

int main(void)
{
    CHECK_RUN(TEST(an_array_is_cut_at_its_top_level), TEST(brackets_and_commas_in_strings_are_text),
              TEST(a_bad_element_is_one_element), TEST(a_doubtful_cut_is_an_error_with_its_place),
              TEST(depth_and_number_are_bounded),
              TEST(the_value_of_the_only_member_is_as_it_was_written),
              TEST(lines_lose_their_ends_and_blank_ones_do_not_count),
              TEST(a_place_is_line_and_column_in_code_points));
}
