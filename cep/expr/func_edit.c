/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that cut texts and put them together. Lengths and places count code points, as in func_text.c. */
#include "base/bug.h"
#include "cep/expr/func.h"
#include "cep/expr/func_points.h"
#include <string.h>

static struct str end_of(struct str s, int64_t n, bool left)
{
    int64_t total = func_points_count(s);
    if (n <= 0)
        return func_points_part(s, 0, 0);
    if (n >= total)
        return s;
    return left ? func_points_part(s, 0, func_points_byte(s, n))
                : func_points_part(s, func_points_byte(s, total - n), s.n);
}

/* `n` code points of `by`, over and over. */
static uint32_t fill(char *text, struct str by, int64_t n)
{
    uint32_t at = 0;
    for (int64_t whole = n / func_points_count(by); whole > 0; whole--) {
        memcpy(text + at, by.p, by.n);
        at += by.n;
    }
    uint32_t rest = func_points_byte(by, n % func_points_count(by));
    if (n % func_points_count(by) > 0) {
        memcpy(text + at, by.p, rest);
        at += rest;
    }
    return at;
}

static bool pad(struct str s, int64_t n, struct str by, bool left, struct arena *scratch,
                union cell *out)
{
    int64_t total = func_points_count(s);
    if (n < 0 || by.n == 0)
        return false;
    if (n <= total) {
        out->s = end_of(s, n, true);
        return true;
    }
    if (n - total > (FUNC_TEXT_MAX - (int64_t)s.n) / 4)
        return false;
    char *text = arena_alloc(scratch, (size_t)(n - total) * 4 + s.n + 1);
    uint32_t at = left ? fill(text, by, n - total) : 0;
    if (s.n > 0)
        memcpy(text + at, s.p, s.n);
    at += s.n;
    if (!left)
        at += fill(text + at, by, n - total);
    out->s = (struct str){text, at, 0};
    return true;
}

static bool repeat(struct str s, int64_t n, struct arena *scratch, union cell *out)
{
    if (n <= 0 || s.n == 0) {
        out->s = func_points_part(s, 0, 0);
        return true;
    }
    if (n > FUNC_TEXT_MAX / (int64_t)s.n)
        return false;
    char *text = arena_alloc(scratch, (size_t)n * s.n + 1);
    for (int64_t i = 0; i < n; i++)
        memcpy(text + i * s.n, s.p, s.n);
    out->s = (struct str){text, (uint32_t)(n * s.n), 0};
    return true;
}

static bool split_index(struct str s, struct str by, int64_t index, union cell *out)
{
    const char *p = s.p, *end = s.p + s.n;
    if (index < 0 || by.n == 0 || s.n == 0)
        return false;
    for (;; index--) {
        const char *at = memmem(p, (size_t)(end - p), by.p, by.n);
        if (index == 0) {
            at = at != NULL ? at : end;
            out->s = func_points_part(s, (uint32_t)(p - s.p), (uint32_t)(at - s.p));
            return true;
        }
        if (at == NULL)
            return false;
        p = at + by.n;
    }
}

/* A word is what has letters and digits; a letter beyond ASCII is in one, and stays as it is. */
static struct str initcap(struct str s, struct arena *scratch)
{
    char *text = arena_alloc(scratch, s.n + (size_t)1);
    bool inside = false;
    for (uint32_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool small = c >= 'a' && c <= 'z', large = c >= 'A' && c <= 'Z';
        if (small && !inside)
            c = (char)(c - 0x20);
        else if (large && inside)
            c = (char)(c + 0x20);
        inside = small || large || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
        text[i] = c;
    }
    return (struct str){text, s.n, 0};
}

static bool concat_ws(const struct func_value *args, unsigned nargs, struct arena *scratch,
                      union cell *out)
{
    struct str by = args[0].c.s;
    size_t total = 0;
    bool first = true;
    if (args[0].null)
        return false;
    for (unsigned i = 1; i < nargs; i++)
        if (!args[i].null)
            total += args[i].c.s.n + (size_t)by.n;
    if (total > FUNC_TEXT_MAX)
        return false;
    char *text = arena_alloc(scratch, total + 1), *at = text;
    for (unsigned i = 1; i < nargs; i++) {
        if (args[i].null)
            continue;
        if (!first && by.n > 0)
            at = (char *)memcpy(at, by.p, by.n) + by.n;
        if (args[i].c.s.n > 0)
            at = (char *)memcpy(at, args[i].c.s.p, args[i].c.s.n) + args[i].c.s.n;
        first = false;
    }
    out->s = (struct str){text, (uint32_t)(at - text), 0};
    return true;
}

static int64_t locate(struct str what, struct str s, int64_t start)
{
    if (start < 1 || start > func_points_count(s) + 1)
        return 0;
    uint32_t from = func_points_byte(s, start - 1);
    if (what.n == 0)
        return start;
    const char *at = s.n > from ? memmem(s.p + from, s.n - from, what.p, what.n) : NULL;
    return at == NULL ? 0 : func_points_count(func_points_part(s, 0, (uint32_t)(at - s.p))) + 1;
}

bool func_edit(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out)
{
    struct str s = args[0].c.s;
    switch (func) {
    case FUNC_LEFT:
    case FUNC_RIGHT:
        out->s = end_of(s, args[1].c.i, func == FUNC_LEFT);
        return true;
    case FUNC_LPAD:
    case FUNC_RPAD:
        return pad(s, args[1].c.i, nargs > 2 ? args[2].c.s : (struct str){" ", 1, 0},
                   func == FUNC_LPAD, scratch, out);
    case FUNC_REPEAT:
        return repeat(s, args[1].c.i, scratch, out);
    case FUNC_SPLIT_INDEX:
        return split_index(s, args[1].c.s, args[2].c.i, out);
    case FUNC_INITCAP:
        out->s = initcap(s, scratch);
        return true;
    case FUNC_CONCAT_WS:
        return concat_ws(args, nargs, scratch, out);
    case FUNC_LOCATE:
        out->i = locate(s, args[1].c.s, nargs > 2 ? args[2].c.i : 1);
        return true;
    case FUNC_INSTR:
        out->i = locate(args[1].c.s, s, 1);
        return true;
    default:
        bug_abort(__FILE__, __LINE__, "function %u cuts no text", func);
    }
}
