/* SPDX-License-Identifier: Apache-2.0
 *
 * A number's text is taken apart once into sign, digits and the place of the point; what is kept of the digits then
 * depends on the type. Nothing passes through double but what becomes one. */
#include "base/mem.h"
#include "cep/row/value.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DIGITS_MAX = 18, /* of a DECIMAL */
    BIGINT_DIGITS_MAX = 19,
    EXPONENT_MAX = 1 << 30, /* far past what any text of a megabyte can make up for */
    DOUBLE_EXACT_POWER = 22, /* 10^22 is the last power of ten that is a double */
};

struct number {
    bool negative;
    const char *digits; /* may have the point inside */
    size_t length; /* of that, the point included */
    size_t whole, fraction; /* digits before and after the point */
    int64_t exponent;
};

static bool scan_exponent(const char *p, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t e = 0;
    if (p < end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        if (e < EXPONENT_MAX)
            e = e * 10 + (*p - '0');
    }
    *out = negative ? -e : e;
    return true;
}

static size_t count_digits(const char *p, const char *end)
{
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return (size_t)(p - from);
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit, nothing else. */
static bool scan_number(const char *s, size_t n, struct number *out)
{
    struct number x = {0};
    const char *p = s, *end = s + n;
    if (p < end && (*p == '-' || *p == '+'))
        x.negative = *p++ == '-';
    x.digits = p;
    x.whole = count_digits(p, end);
    p += x.whole;
    if (p < end && *p == '.') {
        x.fraction = count_digits(p + 1, end);
        p += 1 + x.fraction;
    }
    if (x.whole + x.fraction == 0)
        return false;
    x.length = (size_t)(p - x.digits);
    if (p < end) {
        if (*p != 'e' && *p != 'E')
            return false;
        if (!scan_exponent(p + 1, end, &x.exponent))
            return false;
    }
    *out = x;
    return true;
}

/* The number times 10^scale, cut to an integer. *dropped: the first digit that was cut off (0 if none), *rest: whether
 * any later one was not 0. False: more than max_digits digits. */
static bool take_digits(const struct number *x, int64_t scale, unsigned max_digits, uint64_t *out,
                        unsigned *dropped, bool *rest)
{
    /* Digits with a place value of at least 10^-scale; may be negative (all cut) or more than there are (zeros follow). */
    int64_t keep = (int64_t)x->whole + x->exponent + scale;
    int64_t i = 0; /* which digit */
    uint64_t v = 0;
    unsigned significant = 0;
    *dropped = 0;
    *rest = false;
    for (const char *p = x->digits; p < x->digits + x->length; p++) {
        if (*p == '.')
            continue;
        unsigned d = (unsigned)(*p - '0');
        if (i < keep) {
            if ((d != 0 || significant) && ++significant > max_digits)
                return false;
            v = v * 10 + d;
        } else if (i == keep) {
            *dropped = d;
        } else if (d != 0) {
            *rest = true;
            break;
        }
        i++;
    }
    for (; v != 0 && i < keep; i++) {
        if (++significant > max_digits)
            return false;
        v *= 10;
    }
    *out = v;
    return true;
}

bool value_parse_decimal(const char *s, size_t n, unsigned precision, unsigned scale, int64_t *out)
{
    struct number x;
    uint64_t v = 0;
    unsigned dropped = 0;
    bool rest = false;
    if (!scan_number(s, n, &x) || !take_digits(&x, scale, DIGITS_MAX, &v, &dropped, &rest))
        return false;
    v += dropped >= 5; /* half up: away from zero */
    if (v >= value_powers[precision <= DIGITS_MAX ? precision : DIGITS_MAX])
        return false;
    *out = x.negative ? -(int64_t)v : (int64_t)v;
    return true;
}

bool value_parse_bigint(const char *s, size_t n, int64_t *out)
{
    struct number x;
    uint64_t v = 0;
    unsigned dropped = 0;
    bool rest = false;
    if (!scan_number(s, n, &x) || !take_digits(&x, 0, BIGINT_DIGITS_MAX, &v, &dropped, &rest))
        return false;
    if (dropped || rest || v > (uint64_t)INT64_MAX + x.negative)
        return false;
    *out = x.negative ? (int64_t)-v : (int64_t)v;
    return true;
}

static bool double_from_text(const char *s, size_t n, double *out)
{
    char small[64];
    char *text = n < sizeof small ? small : mem_alloc(n + 1);
    memcpy(text, s, n);
    text[n] = '\0';
    double d = strtod(text, NULL);
    if (text != small)
        mem_free(text);
    if (!isfinite(d))
        return false;
    *out = d;
    return true;
}

/* Up to 15 digits and a small power of ten are both exact as doubles, so one multiplication or division rounds right. */
bool value_parse_double(const char *s, size_t n, double *out)
{
    enum { EXACT_DIGITS = 15 };
    static const double powers[DOUBLE_EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,
                                                          1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                          1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
                                                          1e18, 1e19, 1e20, 1e21, 1e22};
    struct number x;
    if (!scan_number(s, n, &x))
        return false;
    if (x.whole + x.fraction > EXACT_DIGITS)
        return double_from_text(s, n, out);
    uint64_t v = 0;
    for (const char *p = x.digits; p < x.digits + x.length; p++)
        if (*p != '.')
            v = v * 10 + (uint64_t)(*p - '0');
    int64_t power = x.exponent - (int64_t)x.fraction;
    if (power < -DOUBLE_EXACT_POWER || power > DOUBLE_EXACT_POWER)
        return double_from_text(s, n, out);
    double d = power < 0 ? (double)v / powers[-power] : (double)v * powers[power];
    *out = x.negative ? -d : d;
    return true;
}

static bool parse_boolean(const char *s, size_t n, int64_t *out)
{
    *out = n == 4;
    return (n == 4 && strncasecmp(s, "true", 4) == 0) ||
           (n == 5 && strncasecmp(s, "false", 5) == 0);
}

bool value_parse_text(struct type t, const char *s, size_t n, union cell *out)
{
    switch ((enum type_kind)t.kind) {
    case TYPE_BOOLEAN:
        return parse_boolean(s, n, &out->i);
    case TYPE_BIGINT:
        return value_parse_bigint(s, n, &out->i);
    case TYPE_DOUBLE:
        return value_parse_double(s, n, &out->d);
    case TYPE_DECIMAL:
        return value_parse_decimal(s, n, t.precision, t.scale, &out->i);
    case TYPE_TIMESTAMP:
        return timebase_parse(s, n, &out->i);
    case TYPE_STRING:
        out->s = (struct str){s, (uint32_t)n, 0};
        return n <= UINT32_MAX;
    default:
        return false;
    }
}
