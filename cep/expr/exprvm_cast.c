/* SPDX-License-Identifier: Apache-2.0
 *
 * CAST between any two types. What has no value in the target type (a text that is no number, a number too large) is
 * NULL, for CAST as for TRY_CAST: a row must not end a stream. White space around a text does not count. */
#include "cep/expr/exprvm_code.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 48 };

static struct str trimmed(struct str s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL && s.p[s.n - 1] != '\0')
        s.n--;
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
        s.p++, s.n--;
    return s;
}

static bool same_word(struct str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static bool boolean_from_text(struct str s, int64_t *out)
{
    static const char *const words[2][5] = {{"false", "f", "no", "n", "0"},
                                            {"true", "t", "yes", "y", "1"}};
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 5; i++)
            if (same_word(s, words[v][i])) {
                *out = v;
                return true;
            }
    return false;
}

static bool double_from_text(struct str s, double *out)
{
    if (same_word(s, "nan"))
        *out = (double)NAN;
    else if (same_word(s, "infinity") || same_word(s, "+infinity"))
        *out = (double)INFINITY;
    else if (same_word(s, "-infinity"))
        *out = -(double)INFINITY;
    else
        return value_parse_double(s.p, s.n, out);
    return true;
}

static bool from_text(struct str text, struct type to, union cell *out)
{
    struct str s = trimmed(text);
    switch (to.kind) {
    case TYPE_BOOLEAN:
        return boolean_from_text(s, &out->i);
    case TYPE_BIGINT:
        return value_parse_bigint(s.p, s.n, &out->i);
    case TYPE_DOUBLE:
        return double_from_text(s, &out->d);
    case TYPE_DECIMAL:
        return value_parse_decimal(s.p, s.n, to.precision, to.scale, &out->i);
    case TYPE_TIMESTAMP:
        return timebase_parse(s.p, s.n, &out->i);
    case TYPE_INTERVAL:
        return timebase_parse_duration(s.p, s.n, &out->i);
    default:
        return false;
    }
}

/* "2026-11-21 06:48:51.120", as Flink writes it. */
static size_t timestamp_text(evtime t, char out[TEXT_MAX])
{
    size_t n = timebase_format(t, out);
    char *sep = memchr(out, 'T', n);
    if (sep != NULL)
        *sep = ' ';
    return n > 0 && out[n - 1] == 'Z' ? n - 1 : n;
}

/* "+1 02:03:04.005": days, then the time of day. */
static size_t interval_text(int64_t ms, char out[TEXT_MAX])
{
    uint64_t u = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    return (size_t)snprintf(out, TEXT_MAX, "%c%llu %02u:%02u:%02u.%03u", ms < 0 ? '-' : '+',
                            (unsigned long long)(u / 86400000), (unsigned)(u / 3600000 % 24),
                            (unsigned)(u / 60000 % 60), (unsigned)(u / 1000 % 60),
                            (unsigned)(u % 1000));
}

static bool to_text(struct type from, union cell in, struct arena *scratch, union cell *out)
{
    char text[TEXT_MAX];
    size_t n = 0;
    switch (from.kind) {
    case TYPE_BOOLEAN:
        out->s = in.i ? (struct str){"TRUE", 4, 0} : (struct str){"FALSE", 5, 0};
        return true;
    case TYPE_DOUBLE:
        n = value_format_double(in.d, text);
        break;
    case TYPE_TIMESTAMP:
        n = timestamp_text(in.i, text);
        break;
    case TYPE_INTERVAL:
        n = interval_text(in.i, text);
        break;
    default:
        value_format_decimal(in.i, from.kind == TYPE_DECIMAL ? from.scale : 0, text);
        n = strlen(text);
    }
    out->s = (struct str){arena_dup(scratch, text, n), (uint32_t)n, 0};
    return true;
}

/* As people read it: 0.285 is 0.285, not the 0.284999… that the double is. */
static bool decimal_from_double(double d, struct type to, int64_t *out)
{
    char text[VALUE_TEXT];
    if (!isfinite(d))
        return false;
    size_t n = value_format_double(d, text);
    return value_parse_decimal(text, n, to.precision, to.scale, out);
}

static bool from_double(double d, struct type to, union cell *out)
{
    const double end = 9223372036854775808.0; /* 2^63 */
    switch (to.kind) {
    case TYPE_BOOLEAN:
        out->i = d != 0;
        return true;
    case TYPE_DECIMAL:
        return decimal_from_double(d, to, &out->i);
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL: /* towards zero, as SQL's integers; also refuses NaN */
        if (!(d < end && d >= -end))
            return false;
        out->i = (int64_t)d;
        return exprvm_arith_fits(out->i, to);
    default:
        return false;
    }
}

/* Both exact up to 2^53 and 10^18, so the division rounds right; longer ones go by their text. */
static bool decimal_to_double(int64_t v, unsigned scale, double *out)
{
    enum { EXACT_BITS = 53 };
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    if (v < INT64_C(1) << EXACT_BITS && v > -(INT64_C(1) << EXACT_BITS)) {
        *out = (double)v / powers[scale];
        return true;
    }
    char text[VALUE_TEXT];
    value_format_decimal(v, scale, text);
    return value_parse_double(text, strlen(text), out);
}

/* From BOOLEAN, BIGINT, DECIMAL, TIMESTAMP (ms) and INTERVAL (ms). */
static bool from_int(struct type from, int64_t v, struct type to, union cell *out)
{
    unsigned scale = from.kind == TYPE_DECIMAL ? from.scale : 0;
    switch (to.kind) {
    case TYPE_BOOLEAN:
        out->i = v != 0;
        return true;
    case TYPE_DOUBLE:
        return decimal_to_double(v, scale, &out->d);
    case TYPE_DECIMAL:
        return exprvm_arith_rescale(v, scale, to.scale, &out->i) && exprvm_arith_fits(out->i, to);
    default:
        for (; scale > 0; scale--)
            v /= 10; /* towards zero, as from DOUBLE */
        out->i = v;
        return exprvm_arith_fits(v, to);
    }
}

bool exprvm_cast(struct type from, union cell in, struct type to, struct arena *scratch,
                 union cell *out)
{
    if (from.kind == TYPE_NULL)
        return false;
    if (schema_type_same(from, to)) {
        *out = in;
        return true;
    }
    if (to.kind == TYPE_STRING)
        return to_text(from, in, scratch, out);
    if (from.kind == TYPE_STRING)
        return from_text(in.s, to, out);
    if (from.kind == TYPE_DOUBLE)
        return from_double(in.d, to, out);
    return from_int(from, in.i, to, out);
}
