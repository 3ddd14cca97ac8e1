/* SPDX-License-Identifier: Apache-2.0 */
#include "server/testcmd/testcmdtext.h"
#include "cep/row/value.h"
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

/* False: a comment is not closed; *p is left at its beginning. */
static bool skip_blank(const char **p, const char *end)
{
    const char *s = *p;
    for (;;) {
        while (s < end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n' || *s == '\f'))
            s++;
        *p = s;
        if (end - s < 2)
            return true;
        if (s[0] == '-' && s[1] == '-') {
            s = memchr(s, '\n', (size_t)(end - s));
            s = s ? s : end;
        } else if (s[0] == '/' && s[1] == '*') {
            for (s += 2; s < end && !(*s == '*' && s + 1 < end && s[1] == '/'); s++)
                ;
            if (s >= end)
                return false;
            s += 2;
        } else {
            return true;
        }
    }
}

/* After the closing quote; a doubled one stands for one. NULL: there is none. */
static const char *skip_quoted(const char *p, const char *end)
{
    char quote = *p++;
    for (; p < end; p++)
        if (*p == quote) {
            if (p + 1 >= end || p[1] != quote)
                return p + 1;
            p++;
        }
    return NULL;
}

/* After the brace that closes; what is between need not be JSON. */
static const char *skip_json(const char *p, const char *end)
{
    size_t depth = 0;
    bool quoted = false;
    for (; p < end; p++) {
        if (quoted) {
            if (*p == '\\' && p + 1 < end)
                p++;
            else if (*p == '"')
                quoted = false;
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '{') {
            depth++;
        } else if (*p == '}' && --depth == 0) {
            return p + 1;
        }
    }
    return NULL;
}

/* 12  1.50  1e3, or a duration if letters follow. */
static const char *skip_number(const char *p, const char *end, enum testcmdtext_kind *kind)
{
    *kind = TESTCMDTEXT_NUMBER;
    while (p < end && is_digit(*p))
        p++;
    if (end - p > 1 && *p == '.' && is_digit(p[1]))
        for (p++; p < end && is_digit(*p);)
            p++;
    const char *e = p;
    if (e < end && (*e == 'e' || *e == 'E')) {
        e++;
        e += e < end && (*e == '+' || *e == '-');
        if (e < end && is_digit(*e)) {
            while (e < end && is_digit(*e))
                e++;
            if (e == end || !is_letter(*e))
                return e;
        }
    }
    if (p == end || !is_letter(*p))
        return p;
    *kind = TESTCMDTEXT_DURATION;
    while (p < end &&
           (is_digit(*p) || is_letter(*p) || (*p == '.' && end - p > 1 && is_digit(p[1]))))
        p++;
    return p;
}

static const char *skip_word(const char *p, const char *end, enum testcmdtext_kind *kind)
{
    if (is_letter(*p)) {
        *kind = TESTCMDTEXT_WORD;
        while (p < end && (is_letter(*p) || is_digit(*p) || *p == '$'))
            p++;
        return p;
    }
    if (is_digit(*p))
        return skip_number(p, end, kind);
    if (*p == '\'' || *p == '"' || *p == '`') {
        *kind = *p == '\'' ? TESTCMDTEXT_TEXT : TESTCMDTEXT_QUOTED;
        return skip_quoted(p, end);
    }
    if (*p == '{') {
        *kind = TESTCMDTEXT_JSON;
        return skip_json(p, end);
    }
    *kind = TESTCMDTEXT_MARK;
    return p + 1;
}

struct testcmdtext_word testcmdtext_next(struct testcmdtext *t)
{
    enum testcmdtext_kind kind = TESTCMDTEXT_OPEN;
    const char *after = NULL;
    if (skip_blank(&t->p, t->end)) {
        kind = TESTCMDTEXT_END;
        after = t->p;
        if (t->p < t->end)
            after = skip_word(t->p, t->end, &kind);
    }
    const char *from = t->p;
    if (!after) {
        kind = TESTCMDTEXT_OPEN;
        after = t->end;
    }
    t->p = after;
    unsigned begin = (unsigned)(from - t->text), end = (unsigned)(after - t->text);
    if (kind == TESTCMDTEXT_OPEN)
        end = begin + 1;
    return (struct testcmdtext_word){kind, from, (size_t)(after - from), {begin, end}};
}

size_t testcmdtext_skip_statement(struct testcmdtext *t)
{
    for (;;) {
        if (!skip_blank(&t->p, t->end))
            t->p = t->end;
        if (t->p >= t->end)
            return (size_t)(t->end - t->text);
        const char *from = t->p;
        if (*from == ';') {
            t->p++;
            return (size_t)(from - t->text);
        }
        const char *after =
            *from == '\'' || *from == '"' || *from == '`' ? skip_quoted(from, t->end) : from + 1;
        t->p = after ? after : t->end;
    }
}

bool testcmdtext_is(const struct testcmdtext_word *w, const char *keyword)
{
    return w->kind == TESTCMDTEXT_WORD && strlen(keyword) == w->n &&
           strncasecmp(w->p, keyword, w->n) == 0;
}

bool testcmdtext_is_mark(const struct testcmdtext_word *w, char c)
{
    return w->kind == TESTCMDTEXT_MARK && *w->p == c;
}

static bool unit_of(const char *p, size_t n, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1},      {"s", 1000},    {"m", 60000},
                 {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == n && strncasecmp(units[i].name, p, n) == 0) {
            *ms = units[i].ms;
            return true;
        }
    return false;
}

bool testcmdtext_duration(const struct testcmdtext_word *w, int64_t *ms)
{
    const char *p = w->p, *end = w->p + w->n;
    int64_t sum = 0;
    while (p < end) {
        const char *number = p;
        int64_t thousandths, unit, part;
        while (p < end && (is_digit(*p) || *p == '.'))
            p++;
        if (!value_parse_decimal(number, (size_t)(p - number), 18, 3, &thousandths))
            return false;
        const char *name = p;
        while (p < end && is_letter(*p))
            p++;
        if (!unit_of(name, (size_t)(p - name), &unit) ||
            __builtin_mul_overflow(thousandths, unit, &part) ||
            __builtin_add_overflow(sum, part / 1000, &sum))
            return false;
    }
    *ms = sum;
    return true;
}
