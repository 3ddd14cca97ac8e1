/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts are UTF-8 and valid (the decoder has seen to it); lengths and places count code points. UPPER and LOWER know
 * the letters of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic that have one counterpart of the same length. */
#include "base/bug.h"
#include "cep/expr/func.h"
#include "cep/expr/func_points.h"
#include <string.h>

/* Is the code point of n bytes at p one of those in `set`? */
static bool one_of(struct str set, const char *p, uint32_t n)
{
    for (uint32_t i = 0, end; i < set.n; i = end) {
        for (end = i + 1; end < set.n && !func_points_begins(set.p[end]); end++)
            continue;
        if (end - i == n && memcmp(set.p + i, p, n) == 0)
            return true;
    }
    return false;
}

static struct str trimmed(struct str s, struct str set, bool left, bool right)
{
    uint32_t from = 0, to = s.n, at;
    while (left && from < to) {
        for (at = from + 1; at < to && !func_points_begins(s.p[at]); at++)
            continue;
        if (!one_of(set, s.p + from, at - from))
            break;
        from = at;
    }
    while (right && to > from) {
        for (at = to - 1; at > from && !func_points_begins(s.p[at]); at--)
            continue;
        if (!one_of(set, s.p + at, to - at))
            break;
        to = at;
    }
    return func_points_part(s, from, to);
}

static bool substring(struct str s, const struct func_value *args, unsigned nargs, union cell *out)
{
    int64_t from = args[1].c.i, total = func_points_count(s),
            count = nargs > 2 ? args[2].c.i : total;
    int64_t start = from > 0 ? from - 1 : from < 0 ? total + from : 0;
    if (count < 0)
        return false;
    if (from < -total || start >= total) {
        out->s = func_points_part(s, 0, 0);
        return true;
    }
    int64_t end = total - start < count ? total : start + count;
    out->s = func_points_part(s, func_points_byte(s, start), func_points_byte(s, end));
    return true;
}

static const char *find(struct str s, uint32_t from, struct str what)
{
    if (what.n == 0 || from > s.n)
        return NULL;
    return memmem(s.p + from, s.n - from, what.p, what.n);
}

static int64_t position(struct str what, struct str s)
{
    const char *at = find(s, 0, what);
    if (what.n == 0)
        return 1;
    return at == NULL ? 0 : func_points_count(func_points_part(s, 0, (uint32_t)(at - s.p))) + 1;
}

static bool replace(struct str s, struct str what, struct str by, struct arena *scratch,
                    union cell *out)
{
    size_t n = 0, count = 0;
    for (const char *at = find(s, 0, what); at != NULL;
         at = find(s, (uint32_t)(at - s.p) + what.n, what))
        count++;
    size_t total = s.n - count * what.n + count * by.n;
    if (total > FUNC_TEXT_MAX)
        return false;
    char *text = arena_alloc(scratch, total + 1);
    uint32_t from = 0;
    while (count-- > 0) {
        uint32_t at = (uint32_t)(find(s, from, what) - s.p);
        memcpy(text + n, s.p + from, at - from);
        n += at - from;
        if (by.n > 0)
            memcpy(text + n, by.p, by.n);
        n += by.n;
        from = at + what.n;
    }
    if (s.n > from)
        memcpy(text + n, s.p + from, s.n - from);
    out->s = (struct str){text, (uint32_t)total, 0};
    return true;
}

static struct str reversed(struct str s, struct arena *scratch)
{
    char *text = arena_alloc(scratch, s.n + (size_t)1);
    for (uint32_t i = 0, end; i < s.n; i = end) {
        for (end = i + 1; end < s.n && !func_points_begins(s.p[end]); end++)
            continue;
        memcpy(text + (s.n - end), s.p + i, end - i);
    }
    return (struct str){text, s.n, 0};
}

/* Letters of two bytes. In Latin Extended-A capitals and small letters take turns, but for three places. */
static unsigned other_case(unsigned c, bool upper)
{
    if (c >= 0x100 && c <= 0x17e) {
        bool odd_is_capital = (c >= 0x139 && c <= 0x148) || c >= 0x179;
        if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x178)
            return c;
        bool is_capital = (c & 1) == odd_is_capital;
        return upper == is_capital ? c : upper ? c - 1 : c + 1;
    }
    if (upper) {
        if ((c >= 0xe0 && c <= 0xfe && c != 0xf7) || (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) ||
            (c >= 0x430 && c <= 0x44f))
            return c - 0x20;
        return c >= 0x450 && c <= 0x45f ? c - 0x50 : c;
    }
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

static struct str cased(struct str s, bool upper, struct arena *scratch)
{
    char *text = arena_alloc(scratch, s.n + (size_t)1);
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0xc3 && c <= 0xdf && i + 1 < s.n) {
            unsigned point = (c & 0x1fu) << 6 | ((unsigned char)s.p[i + 1] & 0x3fu);
            point = other_case(point, upper);
            text[i++] = (char)(0xc0 | point >> 6);
            text[i] = (char)(0x80 | (point & 0x3f));
        } else if (upper) {
            text[i] = (char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
        } else {
            text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
        }
    }
    return (struct str){text, s.n, 0};
}

static bool at_end(struct str s, struct str what, bool start)
{
    return what.n == 0 ||
           (s.n >= what.n && memcmp(start ? s.p : s.p + s.n - what.n, what.p, what.n) == 0);
}

bool func_text(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
               union cell *out)
{
    struct str s = args[0].c.s;
    switch (func) {
    case FUNC_UPPER:
    case FUNC_LOWER:
        out->s = cased(s, func == FUNC_UPPER, scratch);
        return true;
    case FUNC_TRIM:
    case FUNC_LTRIM:
    case FUNC_RTRIM:
        out->s = trimmed(s, nargs > 1 ? args[1].c.s : (struct str){" ", 1, 0}, func != FUNC_RTRIM,
                         func != FUNC_LTRIM);
        return true;
    case FUNC_LENGTH:
        out->i = func_points_count(s);
        return true;
    case FUNC_SUBSTRING:
        return substring(s, args, nargs, out);
    case FUNC_REPLACE:
        return replace(s, args[1].c.s, args[2].c.s, scratch, out);
    case FUNC_POSITION:
        out->i = position(s, args[1].c.s);
        return true;
    case FUNC_STARTS_WITH:
    case FUNC_ENDS_WITH:
        out->i = at_end(s, args[1].c.s, func == FUNC_STARTS_WITH);
        return true;
    case FUNC_REVERSE:
        out->s = reversed(s, scratch);
        return true;
    default:
        bug_abort(__FILE__, __LINE__, "function %u is not one of texts", func);
    }
}
