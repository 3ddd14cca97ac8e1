/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "base/mem.h"
#include "tests/lib/check.h"

static void assert_text(const struct diag *d, const char *expected)
{
    char *text = diag_text(d);
    assert_string_equal(text, expected);
    mem_free(text);
}

static void a_message_says_where_and_what_to_do(void **state)
{
    (void)state;
    static const char rule[] = "SELECT card\nFROM payments\nWHERE amout > 5";
    struct diag d;
    diag_init(&d, rule, strlen(rule));
    unsigned at = (unsigned)(strstr(rule, "amout") - rule);
    diag_error(&d, "unknown-column", (struct span){at, at + 5}, "did you mean 'amount'?",
               "no column '%s' in stream %s", "amout", "payments");
    assert_int_equal(d.errors, 1);
    assert_int_equal(d.items[0].end_line, 3);
    assert_int_equal(d.items[0].end_column, 12);
    assert_text(&d,
                "line 3, column 7: no column 'amout' in stream payments (did you mean 'amount'?)");
    diag_fini(&d);
}

static void columns_count_code_points(void **state)
{
    (void)state;
    static const char rule[] = "-- Größe €\n'日本' x";
    struct diag d;
    diag_init(&d, rule, strlen(rule));
    unsigned at = (unsigned)(strstr(rule, "x") - rule);
    diag_error(&d, "syntax", (struct span){at, at + 1}, NULL, "x");
    assert_int_equal(d.items[0].line, 2);
    assert_int_equal(d.items[0].column, 6);
    diag_fini(&d);
}

static void a_span_past_the_end_is_the_end(void **state)
{
    (void)state;
    struct diag d;
    diag_init(&d, "ab", 2);
    diag_error(&d, "syntax", (struct span){7, 9}, NULL, "the text ends here");
    assert_text(&d, "line 1, column 3: the text ends here");
    diag_fini(&d);
}

static void items_without_a_text_have_no_place(void **state)
{
    (void)state;
    struct diag d;
    diag_init(&d, NULL, 0);
    diag_error(&d, "syntax", (struct span){1, 2}, NULL, "one");
    diag_say(&d, "config", "set it in weir.yaml", "two");
    diag_warn(&d, "slow", (struct span){0, 0}, NULL, "three");
    assert_int_equal(d.errors, 2);
    assert_text(&d, "one\ntwo (set it in weir.yaml)\nwarning: three");
    diag_fini(&d);
    assert_text(&d, "");
}

static void errors_past_the_room_are_counted_and_warnings_give_way(void **state)
{
    (void)state;
    struct diag d;
    diag_init(&d, NULL, 0);
    for (int i = 0; i < 40; i++)
        diag_warn(&d, "w", (struct span){0, 0}, NULL, "warning %d", i);
    assert_int_equal(d.n, DIAG_ITEMS_MAX);
    for (int i = 0; i < 40; i++)
        diag_error(&d, "e", (struct span){0, 0}, NULL, "error %d", i);
    assert_int_equal(d.n, DIAG_ITEMS_MAX);
    assert_int_equal(d.errors, 40);
    for (int i = 0; i < d.n; i++)
        assert_false(d.items[i].warning);
    char *text = diag_text(&d);
    assert_non_null(strstr(text, "error 31\nand 8 more"));
    mem_free(text);
    diag_fini(&d);
}

static void a_long_message_is_kept_whole(void **state)
{
    (void)state;
    static char name[5000];
    memset(name, 'n', sizeof name - 1);
    struct diag d;
    diag_init(&d, NULL, 0);
    diag_say(&d, "long", NULL, "%s!", name);
    assert_int_equal(strlen(d.items[0].message), 5000);
    diag_fini(&d);
}

static void the_nearest_name_is_offered(void **state)
{
    (void)state;
    static const char *const columns[] = {"card", "amount", "account", "merchant", "ts", "device"};
    enum { N = sizeof columns / sizeof *columns };
    assert_string_equal(diag_nearest("amout", columns, N), "amount");
    assert_string_equal(diag_nearest("AMONUT", columns, N), "amount");
    assert_string_equal(diag_nearest("merchnat", columns, N), "merchant");
    assert_string_equal(diag_nearest("crad", columns, N), "card");
    assert_string_equal(diag_nearest("TS", columns, N), "ts");
    assert_null(diag_nearest("country", columns, N));
    assert_null(diag_nearest("st", columns, N));
    assert_null(diag_nearest("", columns, N));
    assert_null(diag_nearest("amout", NULL, 0));
}

int main(void)
{
    CHECK_RUN(TEST(a_message_says_where_and_what_to_do), TEST(columns_count_code_points),
              TEST(a_span_past_the_end_is_the_end), TEST(items_without_a_text_have_no_place),
              TEST(errors_past_the_room_are_counted_and_warnings_give_way),
              TEST(a_long_message_is_kept_whole), TEST(the_nearest_name_is_offered));
}
