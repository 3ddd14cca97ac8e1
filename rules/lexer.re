/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lexer.h"
#include "rules/grammar.h"
#include <string.h>
#include <strings.h>

/* In the order of the alphabet (of small letters, where _ comes first), for the search. The grammar says which of them may also be names (%fallback). */
#define KEYWORD_LIST(X)                                                                            \
    X(AFTER) X(ALL) X(AND) X(AS) X(ASC) X(AT) X(BETWEEN) X(BY) X(CASE) X(CAST) X(CREATE) X(CURRENT)      \
    X(DEFINE) X(DESC) X(DESCRIPTOR) X(DISTINCT) X(EACH) X(ELSE) X(EMIT) X(EMPTY) X(END) X(ERRORS)  \
    X(ESCAPE) X(EXPLAIN) X(EXTRACT) X(FALSE) X(FILTER) X(FINAL) X(FIRST) X(FOLLOWING) X(FOR)       \
    X(FORMAT) X(FROM) X(FULL) X(GROUP) X(HAVING) X(IN) X(INNER) X(INSERT) X(INTERVAL) X(INTO) X(IS) X(JOIN) X(KEY)   \
    X(LAST) X(LATE) X(LEFT) X(LIKE) X(LIST) X(MATCH) X(MATCH_RECOGNIZE) X(MATCHES) X(MEASURES)     \
    X(NEXT) X(NO) X(NOT) X(NULL) X(OF) X(OMIT) X(ON) X(ONE) X(OR) X(ORDER) X(OUTER) X(OVER)        \
    X(PARTITION) X(PAST) X(PATTERN) X(PER) X(PERMUTE) X(PRECEDING) X(PRIMARY) X(PUNCTUATED)        \
    X(QUALIFY) X(RANGE) X(REGEXP) X(REPLACE) X(RIGHT) X(ROW) X(ROWS) X(RULE) X(RUNNING) X(SELECT) X(SHOW)    \
    X(SINK) X(SKIP) X(STEP) X(STREAM) X(SUBSET) X(SYSTEM_TIME) X(TABLE) X(THEN) X(TIME) X(TIMEOUTS)        \
    X(TIMESTAMP) X(TO) X(TRUE) X(TRY_CAST) X(UNBOUNDED) X(UNKNOWN) X(UNMATCHED) X(UNTIL) X(VALUES) X(WATERMARK) \
    X(WHEN) X(WHERE) X(WITH) X(WITHIN) X(ZONE)

static const struct keyword {
    const char *word;
    int kind;
} keywords[] = {
#define KEYWORD_ROW(w) {#w, TOKEN_##w},
    KEYWORD_LIST(KEYWORD_ROW)
#undef KEYWORD_ROW
};

static int keyword_kind(const char *p, size_t n)
{
    size_t lo = 0, hi = sizeof keywords / sizeof *keywords;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = strncasecmp(p, keywords[mid].word, n);
        if (c == 0 && keywords[mid].word[n] != '\0')
            c = -1;
        if (c == 0)
            return keywords[mid].kind;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return TOKEN_ID;
}

const char *lexer_keyword(int kind)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (keywords[i].kind == kind)
            return keywords[i].word;
    return NULL;
}

static struct token token_of(const struct lexer *l, int kind, const char *from)
{
    struct token t = {.kind = kind,
                      .at = {(unsigned)(from - l->text), (unsigned)(l->at - l->text)},
                      .p = from,
                      .n = (unsigned)(l->at - from)};
    return t;
}

/* What has no end reaches to the end of the text. */
static struct token open_ended(struct lexer *l, int kind, const char *from)
{
    l->at = l->end;
    return token_of(l, kind, from);
}

struct token lexer_next(struct lexer *l)
{
    const char *from, *marker;
#define EMIT(kind) return token_of(l, kind, from)
    for (;;) {
        from = l->at;
        /*!re2c
        re2c:api:style = free-form;
        re2c:define:YYCTYPE = "unsigned char";
        re2c:define:YYCURSOR = "l->at";
        re2c:define:YYLIMIT = "l->end";
        re2c:define:YYMARKER = marker;
        re2c:yyfill:enable = 0;
        re2c:eof = 0;
        re2c:flags:tags = 0;

        space = [ \t\r\n\f\v]+;
        line_comment = "--" [^\n]*;
        block_comment = "/" "*" ([^*] | [*]+ [^*/])* [*]+ "/";
        letter = [A-Za-z_\x80-\xff];
        digits = [0-9]+;
        word = letter (letter | [0-9])*;
        fraction = digits "." digits | digits "." | "." digits;
        exponent = [eE] [+-]? digits;

        space | line_comment | block_comment { continue; }
        $ { EMIT(LEXER_END); }

        word { EMIT(keyword_kind(from, (size_t)(l->at - from))); }
        "\"" ([^"] | "\"\"")* "\"" { EMIT(l->at - from > 2 ? TOKEN_ID : LEXER_EMPTY_NAME); }
        "`" ([^`] | "``")* "`" { EMIT(l->at - from > 2 ? TOKEN_ID : LEXER_EMPTY_NAME); }
        "'" ([^'] | "''")* "'" { EMIT(TOKEN_STRING); }
        digits { EMIT(TOKEN_INTEGER); }
        fraction | fraction exponent | digits exponent { EMIT(TOKEN_NUMBER); }
        (digits | fraction) letter (letter | [0-9])* { EMIT(LEXER_BAD_NUMBER); }

        "'" { return open_ended(l, LEXER_OPEN_STRING, from); }
        ["`] { return open_ended(l, LEXER_OPEN_NAME, from); }
        "/" "*" { return open_ended(l, LEXER_OPEN_COMMENT, from); }

        "->" { EMIT(TOKEN_ARROW); }
        "->>" { EMIT(TOKEN_ARROW2); }
        "{-" { /* a{-1} is a wrong number, not an exclusion */
            const char *p = l->at;
            while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
                p++;
            if (*p >= '0' && *p <= '9') {
                l->at = from + 1;
                EMIT(TOKEN_LBRACE);
            }
            EMIT(TOKEN_LEXCLUDE);
        }
        "-}" { EMIT(TOKEN_REXCLUDE); }
        "{" { EMIT(TOKEN_LBRACE); }
        "}" { EMIT(TOKEN_RBRACE); }
        "(" { EMIT(TOKEN_LP); }
        ")" { EMIT(TOKEN_RP); }
        "," { EMIT(TOKEN_COMMA); }
        ";" { EMIT(LEXER_SEMI); }
        "." { EMIT(TOKEN_DOT); }
        "+" { EMIT(TOKEN_PLUS); }
        "-" { EMIT(TOKEN_MINUS); }
        "*" { EMIT(TOKEN_STAR); }
        "/" { EMIT(TOKEN_SLASH); }
        "%" { EMIT(TOKEN_PERCENT); }
        "?" { EMIT(TOKEN_QUESTION); }
        "|" { EMIT(TOKEN_BAR); }
        "||" { EMIT(TOKEN_CONCAT); }
        "^" { EMIT(TOKEN_CARET); }
        "$" { EMIT(TOKEN_DOLLAR); }
        "!" { EMIT(TOKEN_BANG); }
        "=" { EMIT(TOKEN_EQ); }
        "<>" | "!=" { EMIT(TOKEN_NE); }
        "<" { EMIT(TOKEN_LT); }
        "<=" { EMIT(TOKEN_LE); }
        ">" { EMIT(TOKEN_GT); }
        ">=" { EMIT(TOKEN_GE); }
        * { EMIT(LEXER_BAD_CHARACTER); }
        */
    }
#undef EMIT
}
