/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/grammar.h"
#include "rules/lexer.h"
#include "tests/lib/check.h"

/* The kinds of a text, up to its end. */
static void kinds(const char *text, const int *expected)
{
    struct lexer l = {text, text, text + strlen(text)};
    for (int i = 0;; i++) {
        struct token t = lexer_next(&l);
        if (t.kind != expected[i])
            fail_msg("token %d of %s, %.*s, is of kind %d and not %d", i, text, (int)t.n, t.p,
                     t.kind, expected[i]);
        assert_ptr_equal(t.p, text + t.at.begin);
        assert_int_equal(t.n, t.at.end - t.at.begin);
        if (t.kind == LEXER_END)
            break;
    }
}
#define KINDS(text, ...) kinds(text, (const int[]){__VA_ARGS__, LEXER_END})

static void every_word_is_found_whatever_its_case(void **state)
{
    (void)state;
    int found = 0;
    for (int kind = 1; kind < 256; kind++) {
        const char *word = lexer_keyword(kind);
        char small[40];
        if (word == NULL)
            continue;
        found++;
        KINDS(word, kind);
        size_t n = strlen(word);
        for (size_t i = 0; i <= n; i++)
            small[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
        KINDS(small, kind);
        small[n] = 'x'; /* a longer word is another */
        small[n + 1] = '\0';
        KINDS(small, TOKEN_ID);
    }
    assert_true(found > 90);
    KINDS("selec", TOKEN_ID);
    KINDS("MATCH_RECOGNIZE MATCHES MATCH", TOKEN_MATCH_RECOGNIZE, TOKEN_MATCHES, TOKEN_MATCH);
}

static void numbers_are_whole_or_not(void **state)
{
    (void)state;
    KINDS("0 12 1.5 .5 5. 1e3 1.5E-3", TOKEN_INTEGER, TOKEN_INTEGER, TOKEN_NUMBER, TOKEN_NUMBER,
          TOKEN_NUMBER, TOKEN_NUMBER, TOKEN_NUMBER);
    KINDS("12abc", LEXER_BAD_NUMBER);
    KINDS("1.5x", LEXER_BAD_NUMBER);
    KINDS("a.b", TOKEN_ID, TOKEN_DOT, TOKEN_ID);
}

static void quotes_are_doubled_inside(void **state)
{
    (void)state;
    KINDS("'it''s' 'a\nb' ''", TOKEN_STRING, TOKEN_STRING, TOKEN_STRING);
    KINDS("\"a\"\"b\" `c``d`", TOKEN_ID, TOKEN_ID);
    KINDS("\"\"", LEXER_EMPTY_NAME);
    KINDS("x 'open", TOKEN_ID, LEXER_OPEN_STRING);
    KINDS("x \"open", TOKEN_ID, LEXER_OPEN_NAME);
    KINDS("x /* open *", TOKEN_ID, LEXER_OPEN_COMMENT);
}

static void comments_are_space(void **state)
{
    (void)state;
    KINDS("a -- b\n/* c * / ** */d--", TOKEN_ID, TOKEN_ID);
    KINDS("/**/a/***/", TOKEN_ID);
}

static void marks_of_patterns_are_longest_first(void **state)
{
    (void)state;
    KINDS("A->B", TOKEN_ID, TOKEN_ARROW, TOKEN_ID);
    KINDS("A ->> B", TOKEN_ID, TOKEN_ARROW2, TOKEN_ID);
    KINDS("{-A-}", TOKEN_LEXCLUDE, TOKEN_ID, TOKEN_REXCLUDE);
    KINDS("a{-1}", TOKEN_ID, TOKEN_LBRACE, TOKEN_MINUS, TOKEN_INTEGER, TOKEN_RBRACE);
    KINDS("a{ - 1}", TOKEN_ID, TOKEN_LBRACE, TOKEN_MINUS, TOKEN_INTEGER, TOKEN_RBRACE);
    KINDS("a || b | c", TOKEN_ID, TOKEN_CONCAT, TOKEN_ID, TOKEN_BAR, TOKEN_ID);
    KINDS("<= < <> != >= > =", TOKEN_LE, TOKEN_LT, TOKEN_NE, TOKEN_NE, TOKEN_GE, TOKEN_GT,
          TOKEN_EQ);
    KINDS("^A$!B;", TOKEN_CARET, TOKEN_ID, TOKEN_DOLLAR, TOKEN_BANG, TOKEN_ID, LEXER_SEMI);
}

static void a_nul_inside_is_no_end(void **state)
{
    (void)state;
    static const char text[] = "a\0b";
    struct lexer l = {text, text, text + 3};
    assert_int_equal(lexer_next(&l).kind, TOKEN_ID);
    assert_int_equal(lexer_next(&l).kind, LEXER_BAD_CHARACTER);
    assert_int_equal(lexer_next(&l).kind, TOKEN_ID);
    assert_int_equal(lexer_next(&l).kind, LEXER_END);
    assert_int_equal(lexer_next(&l).kind, LEXER_END);
}

int main(void)
{
    CHECK_RUN(TEST(every_word_is_found_whatever_its_case), TEST(numbers_are_whole_or_not),
              TEST(quotes_are_doubled_inside), TEST(comments_are_space),
              TEST(marks_of_patterns_are_longest_first), TEST(a_nul_inside_is_no_end));
}
