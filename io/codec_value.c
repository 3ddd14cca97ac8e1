/* SPDX-License-Identifier: Apache-2.0
 *
 * What the walk does not expect of a value: NULLs, escapes, numbers and times as strings, and all that is wrong. */
#include "io/codec_number.h"
#include "io/codec_walk.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void codec_value_problem(struct codec_walk *w, enum codec_problem_code code,
                         const struct codec_field *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, one line above; the analyzer loses it when inlining */
    vsnprintf(w->problem->text, sizeof w->problem->text, fmt, ap);
    va_end(ap);
    w->problem_column = f == NULL ? -1 : f->column;
    w->problem->code = code;
    w->problem->column = f == NULL || f->column < 0 ? NULL : w->schema->columns[f->column].name;
}

bool codec_value_is_scalar(const char *buf, uint32_t v, uint32_t next)
{
    uint32_t n = codec_walk_token_end(buf, next) - v;
    switch (buf[v]) {
    case '"':
        return n >= 2 && buf[v + n - 1] == '"';
    case 't':
        return n == 4 && memcmp(buf + v, "true", 4) == 0;
    case 'f':
        return n == 5 && memcmp(buf + v, "false", 5) == 0;
    case 'n':
        return n == 4 && memcmp(buf + v, "null", 4) == 0;
    default:
        return codec_number_is(buf + v, n);
    }
}

/* --- strings --- */

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'                 ? c - '0'
                : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                     : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* p: after "\u". How many bytes of it are the code point; 0: none. A surrogate counts only with its other half. */
static size_t code_point(const char *p, const char *end, unsigned *out)
{
    int high = end - p < 4 ? -1 : hex4(p);
    if (high < 0 || (high >= 0xdc00 && high < 0xe000))
        return 0;
    *out = (unsigned)high;
    if (high < 0xd800 || high >= 0xe000)
        return 4;
    if (end - p < 10 || p[4] != '\\' || p[5] != 'u')
        return 0;
    int low = hex4(p + 6);
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *out = 0x10000 + (((unsigned)high - 0xd800) << 10) + ((unsigned)low - 0xdc00);
    return 10;
}

size_t codec_value_unescape(const char *p, size_t n, char *out)
{
    static const char plain[] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                 ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    const char *end = p + n;
    char *to = out;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        if (++p == end)
            return SIZE_MAX;
        unsigned char c = (unsigned char)*p++;
        if (c == 'u') {
            unsigned point = 0;
            size_t used = code_point(p, end, &point);
            if (used == 0)
                return SIZE_MAX;
            p += used;
            to = put_utf8(to, point);
        } else if (c < sizeof plain && plain[c] != '\0') {
            *to++ = plain[c];
        } else {
            return SIZE_MAX;
        }
    }
    return (size_t)(to - out);
}

/* --- what is wrong --- */

static const char *expected(struct type t)
{
    static const char *const words[] = {
        [TYPE_NULL] = "null",
        [TYPE_BOOLEAN] = "true or false",
        [TYPE_BIGINT] = "a whole number",
        [TYPE_DOUBLE] = "a number",
        [TYPE_DECIMAL] = "a number or a numeric string",
        [TYPE_STRING] = "a string",
        [TYPE_TIMESTAMP] = "a time (milliseconds since 1970, or an ISO 8601 string)",
        [TYPE_INTERVAL] = "a whole number",
    };
    return words[t.kind];
}

static const char *found(char c)
{
    switch (c) {
    case '"':
        return "a string";
    case '{':
        return "an object";
    case '[':
        return "an array";
    case 't':
    case 'f':
        return "a boolean";
    default:
        return "a number";
    }
}

static bool wrong(struct codec_walk *w, const struct codec_field *f)
{
    colset_add(&w->bad, (unsigned)f->column);
    w->is_bad = true;
    return true; /* the line goes on: of a doubled key the last counts */
}

static bool wrong_type(struct codec_walk *w, const struct codec_field *f, char c)
{
    codec_value_problem(w, CODEC_TYPE, f, "field '%s' must be %s, is %s", f->path,
                        expected(f->type), found(c));
    return wrong(w, f);
}

/* A number that the column cannot hold. */
static bool wrong_number(struct codec_walk *w, const struct codec_field *f, const char *p, size_t n)
{
    char type[32];
    double d = INFINITY;
    bool small = value_parse_double(p, n, &d) && fabs(d) < 9.2e18;
    if (f->type.kind == TYPE_STRING || f->type.kind == TYPE_BOOLEAN)
        return wrong_type(w, f, '0');
    if (f->type.kind == TYPE_TIMESTAMP && (!small || d == floor(d)))
        codec_value_problem(w, CODEC_TIME, f, "field '%s' lies outside the years 1 to 9999",
                            f->path);
    else if (small && f->type.kind != TYPE_DECIMAL)
        codec_value_problem(w, CODEC_TYPE, f, "field '%s' must be a whole number, has a fraction",
                            f->path);
    else
        codec_value_problem(w, CODEC_RANGE, f, "field '%s' does not fit %s", f->path,
                            schema_type_name(f->type, type));
    return wrong(w, f);
}

/* A string, to a column that does or does not take one. `n` bytes after the quote at p[-1]. */
static bool take_text(struct codec_walk *w, const struct codec_field *f, const char *p, size_t n)
{
    int64_t v;
    if (w->has_escapes && memchr(p, '\\', n) != NULL) {
        char *plain = codec_walk_room(w, n);
        n = codec_value_unescape(p, n, plain);
        if (n == SIZE_MAX) {
            codec_value_problem(w, CODEC_UTF8, f, "field '%s' has an invalid escape", f->path);
            return wrong(w, f);
        }
        w->text.at += n;
        p = plain;
    }
    switch (f->type.kind) {
    case TYPE_STRING: /* only one with escapes comes here */
        if (f->wanted)
            w->b->columns[f->column].s[w->row] = (struct str){p, (uint32_t)n, 0};
        colset_add(&w->have, (unsigned)f->column);
        return true;
    case TYPE_DECIMAL:
        if (value_parse_decimal(p, n, f->type.precision, f->type.scale, &v)) {
            codec_walk_store(w, f, v);
            return true;
        }
        return codec_number_is(p, n) ? wrong_number(w, f, p, n) : wrong_type(w, f, '"');
    case TYPE_TIMESTAMP:
        if (timebase_parse(p, n, &v)) {
            codec_walk_store_time(w, f, v);
            return true;
        }
        codec_value_problem(w, CODEC_TIME, f,
                            "field '%s' is no ISO 8601 time in the years 1 to 9999", f->path);
        return wrong(w, f);
    default:
        return wrong_type(w, f, '"');
    }
}

bool codec_value_other(struct codec_walk *w, const struct codec_field *f, uint32_t v, uint32_t next)
{
    const char *p = w->buf + v;
    size_t n = codec_walk_token_end(w->buf, next) - v;
    w->have.w[f->column / 64] &= ~(UINT64_C(1) << (f->column % 64));
    if (*p == '{' || *p == '[')
        return wrong_type(w, f, *p);
    if (!codec_value_is_scalar(w->buf, v, next))
        return codec_walk_refuse(w, "a value is neither a string, a number, true, false nor null");
    switch (*p) {
    case 'n':
        colset_add(&w->null, (unsigned)f->column);
        return true;
    case 't':
    case 'f':
        return wrong_type(w, f, *p);
    case '"':
        return take_text(w, f, p + 1, n - 2);
    default:
        return wrong_number(w, f, p, n);
    }
}
