/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/parse.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "rules/compile.h"
#include "rules/grammar.h"
#include "rules/grammar_tables.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parse {
    struct lexer lexer;
    struct token ahead; /* read, not yet fed */
    bool has_ahead;
    struct diag *d;
    void *parser;
    /* The states before the last token, for what could have come instead of it. */
    unsigned short stack[GRAMMAR_TABLES_STACK_MAX];
    unsigned nstack;
};

struct parse *parse_new(const char *text, size_t n, struct diag *d)
{
    struct parse *p = mem_new(sizeof *p);
    p->lexer = (struct lexer){.text = text, .at = text, .end = text + n};
    p->d = d;
    p->parser = mem_new(grammar_tables_size());
    return p;
}

void parse_free(struct parse *p)
{
    if (p == NULL)
        return;
    mem_free(p->parser);
    mem_free(p);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static bool is_name(int kind)
{
    return kind == TOKEN_ID || (kind > 0 && grammar_Fallback(kind) == TOKEN_ID);
}

/* Words that are words only before something, and names elsewhere: a column may be called `interval` or `final`. */
static int kind_before(int kind, int next)
{
    switch (kind) {
    case TOKEN_FINAL:
    case TOKEN_RUNNING:
        return is_name(next) ? kind : TOKEN_ID;
    case TOKEN_TIMESTAMP:
        return next == TOKEN_STRING ? kind : TOKEN_ID;
    case TOKEN_INTERVAL:
        return next == TOKEN_STRING || next == TOKEN_INTEGER || next == TOKEN_NUMBER ? kind
                                                                                     : TOKEN_ID;
    case TOKEN_PERMUTE:
    case TOKEN_EXTRACT:
    case TOKEN_DESCRIPTOR:
        return next == TOKEN_LP ? kind : TOKEN_ID;
    case TOKEN_ARROW:
    case TOKEN_ARROW2: /* an arrow directly before a quantifier belongs to it */
        if (next == TOKEN_PLUS || next == TOKEN_STAR || next == TOKEN_QUESTION ||
            next == TOKEN_LBRACE)
            return kind == TOKEN_ARROW ? TOKEN_ARROW_LOOP : TOKEN_ARROW2_LOOP;
        return kind;
    default:
        return kind;
    }
}

static struct token next_token(struct parse *p)
{
    struct token t = p->has_ahead ? p->ahead : lexer_next(&p->lexer);
    p->has_ahead = false;
    switch (t.kind) {
    case TOKEN_FINAL:
    case TOKEN_RUNNING:
    case TOKEN_TIMESTAMP:
    case TOKEN_INTERVAL:
    case TOKEN_PERMUTE:
    case TOKEN_EXTRACT:
    case TOKEN_DESCRIPTOR:
    case TOKEN_ARROW:
    case TOKEN_ARROW2:
        p->ahead = lexer_next(&p->lexer);
        p->has_ahead = true;
        t.kind = kind_before(t.kind, p->ahead.kind);
        break;
    default:
        break;
    }
    return t;
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void say_bad_token(struct parse *p, struct token t)
{
    struct span begin = {t.at.begin, t.at.begin + 1};
    switch (t.kind) {
    case LEXER_OPEN_STRING:
        diag_error(p->d, "syntax", begin, "a quote inside a text is written twice: 'O''Neil'",
                   "the text that begins here with ' has no end: the closing ' is missing");
        break;
    case LEXER_OPEN_NAME:
        diag_error(p->d, "syntax", begin, NULL,
                   "the quoted name that begins here has no end: the closing %c is missing",
                   t.p[0]);
        break;
    case LEXER_OPEN_COMMENT:
        diag_error(p->d, "syntax", begin, NULL,
                   "the comment that begins here has no end: */ is missing");
        break;
    case LEXER_BAD_NUMBER:
        diag_error(p->d, "syntax", t.at, NULL, "%.*s is neither a number nor a name",
                   (int)(t.n < 60 ? t.n : 60), t.p);
        break;
    case LEXER_EMPTY_NAME:
        diag_error(p->d, "syntax", t.at, NULL, "a quoted name cannot be empty");
        break;
    default:
        if ((unsigned char)t.p[0] > ' ')
            diag_error(p->d, "syntax", t.at, NULL, "the character %c means nothing here", t.p[0]);
        else
            diag_error(p->d, "syntax", t.at, NULL, "the character with code %d means nothing here",
                       (unsigned char)t.p[0]);
    }
}

struct expected {
    bool has[GRAMMAR_TABLES_TOKENS_MAX];
    struct bytes text;
    unsigned n;
};

static void offer(struct expected *e, const char *text)
{
    if (e->n++ > 0)
        bytes_put(&e->text, ", ", 2);
    bytes_put(&e->text, text, strlen(text));
}

/* A group of tokens under one name, when `mark` (which stands in no other group) could come. */
static void offer_group(struct expected *e, int mark, const char *name, const int *kinds)
{
    if (!e->has[mark])
        return;
    offer(e, name);
    for (; *kinds != 0; kinds++)
        e->has[*kinds] = false;
}

static void offer_groups(struct expected *e)
{
    static const int expression[] = {TOKEN_NULL,      TOKEN_TRUE,
                                     TOKEN_FALSE,     TOKEN_INTEGER,
                                     TOKEN_NUMBER,    TOKEN_STRING,
                                     TOKEN_ID,        TOKEN_LP,
                                     TOKEN_MINUS,     TOKEN_PLUS,
                                     TOKEN_NOT,       TOKEN_CASE,
                                     TOKEN_CAST,      TOKEN_EXTRACT,
                                     TOKEN_TRY_CAST,  TOKEN_FINAL,
                                     TOKEN_TIMESTAMP, TOKEN_INTERVAL,
                                     TOKEN_RUNNING,   TOKEN_LEFT,
                                     TOKEN_RIGHT,     0};
    static const int operators[] = {TOKEN_EQ,      TOKEN_NE,
                                    TOKEN_LT,      TOKEN_LE,
                                    TOKEN_GT,      TOKEN_GE,
                                    TOKEN_PLUS,    TOKEN_MINUS,
                                    TOKEN_STAR,    TOKEN_SLASH,
                                    TOKEN_PERCENT, TOKEN_CONCAT,
                                    TOKEN_AND,     TOKEN_OR,
                                    TOKEN_IS,      TOKEN_IN,
                                    TOKEN_BETWEEN, TOKEN_LIKE,
                                    TOKEN_REGEXP,  TOKEN_AT,
                                    TOKEN_NOT,     0};
    static const int element[] = {TOKEN_ID,       TOKEN_LP,     TOKEN_BANG,    TOKEN_CARET,
                                  TOKEN_LEXCLUDE, TOKEN_DOLLAR, TOKEN_PERMUTE, 0};
    static const int quantifier[] = {
        TOKEN_PLUS,        TOKEN_STAR, TOKEN_QUESTION, TOKEN_LBRACE, TOKEN_ARROW_LOOP,
        TOKEN_ARROW2_LOOP, 0};
    /* Closing marks first: what is missing is most often one of them. */
    static const int closing[] = {TOKEN_RP, TOKEN_REXCLUDE, TOKEN_RBRACE, TOKEN_COMMA};
    static const char *const closing_text[] = {"')'", "'-}'", "'}'", "','"};
    for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
        if (e->has[closing[i]]) {
            offer(e, closing_text[i]);
            e->has[closing[i]] = false;
        }
    offer_group(e, TOKEN_BANG, "a pattern element", element);
    offer_group(e, TOKEN_ARROW_LOOP, "a quantifier", quantifier);
    offer_group(e, TOKEN_CASE, "an expression", expression);
    offer_group(e, TOKEN_CONCAT, "an operator", operators);
    if (e->n > 0) /* after a name: what would make it a call or a qualifier says little */
        e->has[TOKEN_DOT] = e->has[TOKEN_LP] = false;
}

static const char *token_text(int kind)
{
    static const struct {
        int kind;
        const char *text;
    } marks[] = {
        {0, "';'"},
        {TOKEN_ID, "a name"},
        {TOKEN_STRING, "a text in quotes"},
        {TOKEN_INTEGER, "a whole number"},
        {TOKEN_NUMBER, "a number"},
        {TOKEN_LP, "'('"},
        {TOKEN_RP, "')'"},
        {TOKEN_COMMA, "','"},
        {TOKEN_DOT, "'.'"},
        {TOKEN_EQ, "'='"},
        {TOKEN_NE, "'<>'"},
        {TOKEN_LT, "'<'"},
        {TOKEN_LE, "'<='"},
        {TOKEN_GT, "'>'"},
        {TOKEN_GE, "'>='"},
        {TOKEN_PLUS, "'+'"},
        {TOKEN_MINUS, "'-'"},
        {TOKEN_STAR, "'*'"},
        {TOKEN_SLASH, "'/'"},
        {TOKEN_PERCENT, "'%'"},
        {TOKEN_QUESTION, "'?'"},
        {TOKEN_BAR, "'|'"},
        {TOKEN_LBRACE, "'{'"},
        {TOKEN_RBRACE, "'}'"},
        {TOKEN_ARROW, "'->'"},
        {TOKEN_ARROW2, "'->>'"},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i].kind == kind)
            return marks[i].text;
    return lexer_keyword(kind);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *offer_all(struct parse *p, struct expected *e)
{
    enum { OFFERED_MAX = 14 };
    unsigned char tokens[GRAMMAR_TABLES_TOKENS_MAX];
    const char *texts[GRAMMAR_TABLES_TOKENS_MAX] = {0};
    unsigned n = grammar_tables_expected(p->stack, p->nstack, tokens), ntexts = 0;
    for (unsigned i = 0; i < n; i++)
        e->has[tokens[i]] = true;
    offer_groups(e);
    for (unsigned i = 0; i < n; i++) {
        const char *text = e->has[tokens[i]] ? token_text(tokens[i]) : NULL;
        if (text != NULL)
            texts[ntexts++] = text;
    }
    qsort(texts, ntexts, sizeof *texts, by_text);
    for (unsigned i = 0; i < ntexts && e->n < OFFERED_MAX; i++)
        offer(e, texts[i]);
    bytes_u8(&e->text, 0);
    return (const char *)e->text.p;
}

/* Words that others' SQL has, or that people try. */
static const char *hint_for(const struct expected *e, struct token t)
{
    if (t.n == 7 && strncasecmp(t.p, "INITIAL", 7) == 0)
        return "a stream has no first search to begin with: leave INITIAL out";
    if (t.n == 4 && strncasecmp(t.p, "SEEK", 4) == 0)
        return "every match is searched for: leave SEEK out";
    if (t.kind == TOKEN_PLUS || t.kind == TOKEN_STAR || t.kind == TOKEN_QUESTION ||
        t.kind == TOKEN_LBRACE)
        return e->has[TOKEN_UNTIL] ? "a quantifier on a quantifier needs a group: (A+)*" : NULL;
    if (t.kind > 0 && e->has[TOKEN_ID] && lexer_keyword(t.kind) != NULL)
        return "a reserved word can be a name when it is quoted: \"like this\"";
    return NULL;
}

static void say_unexpected(struct parse *p, struct token t, struct token before)
{
    struct expected e = {0};
    const char *list = offer_all(p, &e);
    struct bytes what = {0};
    if (t.kind == LEXER_END)
        bytes_printf(&what, "the text ends");
    else
        bytes_printf(&what, "unexpected %.*s", (int)(t.n < 60 ? t.n : 60), t.p);
    if (before.n > 0)
        bytes_printf(&what, " after %.*s", (int)(before.n < 60 ? before.n : 60), before.p);
    bytes_u8(&what, 0);
    const char *hint = hint_for(&e, t);
    if (e.n > 0)
        diag_error(p->d, "syntax", t.at, hint, "%s; expected %s%s", (const char *)what.p,
                   e.n > 1 ? "one of " : "", list);
    else
        diag_error(p->d, "syntax", t.at, hint, "%s", (const char *)what.p);
    bytes_fini(&what);
    bytes_fini(&e.text);
}

/* --- statements ------------------------------------------------------------------------------- */

enum feed { FEED_ON, FEED_END, FEED_FAILED };

/* One token to the grammar. `first` is the statement's, `before` the last one fed. */
static enum feed feed(struct parse *p, struct ast *a, struct token t, struct token first,
                      struct token before)
{
    bool end = t.kind == LEXER_SEMI || t.kind == LEXER_END;
    if (t.kind < 0 && !end) {
        say_bad_token(p, t);
        return FEED_FAILED;
    }
    if (t.at.end - first.at.begin > COMPILE_RULE_MAX) {
        diag_error(p->d, "limit", first.at, NULL,
                   "the statement that begins here is longer than %d bytes", COMPILE_RULE_MAX);
        return FEED_FAILED;
    }
    p->nstack = grammar_tables_stack(p->parser, p->stack);
    grammar_(p->parser, end ? 0 : t.kind, t);
    if (a->too_deep) {
        diag_error(p->d, "limit", t.at, NULL, "this is nested deeper than %d levels",
                   AST_DEPTH_MAX);
        return FEED_FAILED;
    }
    if (a->failed) {
        say_unexpected(p, t, before);
        return FEED_FAILED;
    }
    return end ? FEED_END : FEED_ON;
}

bool parse_next(struct parse *p, struct arena *arena, struct ast_statement **out)
{
    struct token t = next_token(p), first, before = {0};
    while (t.kind == LEXER_SEMI) /* an empty statement */
        t = next_token(p);
    if (t.kind == LEXER_END)
        return false;
    first = t;
    struct ast a = {.arena = arena, .d = p->d};
    int errors = p->d->errors;
    grammar_Init(p->parser, &a);
    enum feed f;
    while ((f = feed(p, &a, t, first, before)) == FEED_ON) {
        before = t;
        t = next_token(p);
    }
    grammar_Finalize(p->parser);
    while (t.kind != LEXER_SEMI && t.kind != LEXER_END)
        t = next_token(p);
    *out = f == FEED_END && p->d->errors == errors ? a.statement : NULL;
    if (*out != NULL)
        (*out)->at = (struct span){first.at.begin, before.at.end};
    return true;
}
