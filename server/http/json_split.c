/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/json_split.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(const char *s, size_t i, size_t n)
{
    while (i < n && is_blank(s[i]))
        i++;
    return i;
}

/* i: after the opening quote. The place after the closing one, or n + 1 if there is none. */
static size_t skip_string(const char *s, size_t i, size_t n)
{
    while (i < n) {
        const char *quote = memchr(s + i, '"', n - i);
        if (!quote)
            return n + 1;
        size_t at = (size_t)(quote - s), slashes = 0;
        while (at - slashes > i && s[at - slashes - 1] == '\\')
            slashes++;
        i = at + 1;
        if (slashes % 2 == 0)
            return i;
    }
    return n + 1;
}

struct nesting {
    uint64_t is_array[JSON_SPLIT_DEPTH / 64]; /* bit: what the bracket at that depth is */
    unsigned depth;
};

static bool enter(struct nesting *d, bool array)
{
    if (d->depth == JSON_SPLIT_DEPTH)
        return false;
    uint64_t bit = UINT64_C(1) << d->depth % 64;
    if (array)
        d->is_array[d->depth / 64] |= bit;
    else
        d->is_array[d->depth / 64] &= ~bit;
    d->depth++;
    return true;
}

static bool leave(struct nesting *d, bool array)
{
    d->depth--;
    return (d->is_array[d->depth / 64] >> d->depth % 64 & 1) == array;
}

/* From the start of an element to the comma or bracket after it. False: *why. */
static bool skip_element(const char *s, size_t *i, size_t n, struct json_split_problem *why)
{
    struct nesting d = {.depth = 0};
    for (size_t at = *i; at < n; at++) {
        switch (s[at]) {
        case '"':
            why->at = at;
            at = skip_string(s, at + 1, n) - 1;
            if (at >= n) {
                why->text = "a string is not closed";
                return false;
            }
            break;
        case '{':
        case '[':
            if (!enter(&d, s[at] == '[')) {
                *why = (struct json_split_problem){"brackets are nested too deep", at};
                return false;
            }
            break;
        case ',':
            if (d.depth > 0)
                break;
            *i = at;
            return true;
        case ']':
            if (d.depth == 0) {
                *i = at;
                return true;
            }
            /* fall through */
        case '}':
            if (d.depth == 0 || !leave(&d, s[at] == ']')) {
                *why = (struct json_split_problem){"a bracket closes what was not opened", at};
                return false;
            }
            break;
        default:
            break;
        }
    }
    *why = (struct json_split_problem){"the array is not closed", n};
    return false;
}

enum err json_split_array(const char *body, size_t len, struct json_split_text *out, unsigned max,
                          unsigned *n, struct json_split_problem *why)
{
    *n = 0;
    size_t i = skip_blanks(body, 0, len);
    if (i == len || body[i] != '[') {
        *why = (struct json_split_problem){"the body is not an array", i};
        return ERR_INVALID;
    }
    i = skip_blanks(body, i + 1, len);
    bool more = !(i < len && body[i] == ']');
    while (more) {
        size_t from = i = skip_blanks(body, i, len);
        if (!skip_element(body, &i, len, why))
            return ERR_INVALID;
        size_t to = i;
        while (to > from && is_blank(body[to - 1]))
            to--;
        if (to == from) {
            *why = (struct json_split_problem){"an element is missing", from};
            return ERR_INVALID;
        }
        if (*n == max)
            return ERR_LIMIT;
        out[(*n)++] = (struct json_split_text){body + from, to - from};
        more = body[i] == ',';
        i += more;
    }
    i = skip_blanks(body, i + 1, len);
    if (i < len) {
        *why = (struct json_split_problem){"there is text after the array", i};
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err json_split_lines(const char *body, size_t len, struct json_split_text *out, unsigned max,
                          unsigned *n)
{
    const char *p = body, *end = len ? body + len : body;
    *n = 0;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end, *next = newline ? newline + 1 : end;
        while (p < stop && is_blank(*p))
            p++;
        while (stop > p && is_blank(stop[-1]))
            stop--;
        if (stop > p) {
            if (*n == max)
                return ERR_LIMIT;
            out[(*n)++] = (struct json_split_text){p, (size_t)(stop - p)};
        }
        p = next;
    }
    return ERR_OK;
}

enum err json_split_member(const char *body, size_t len, struct json_split_text *out)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};
    size_t from = 0;
    while (from < len && body[from] != '"')
        from++;
    for (from++; from < len && body[from] != '"'; from++)
        from += body[from] == '\\';
    while (from < len && body[from] != ':')
        from++;
    while (len > 0 && body[len - 1] != '}')
        len--;
    if (++from >= len)
        return ERR_INVALID;
    len--;
    while (from < len && memchr(blanks, body[from], sizeof blanks))
        from++;
    while (len > from && memchr(blanks, body[len - 1], sizeof blanks))
        len--;
    *out = (struct json_split_text){body + from, len - from};
    return from < len ? ERR_OK : ERR_INVALID;
}

char json_split_first(const char *body, size_t len)
{
    size_t i = skip_blanks(body, 0, len);
    return i < len ? body[i] : 0;
}

void json_split_place(const char *body, size_t at, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (body[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)body[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}
