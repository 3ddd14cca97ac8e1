/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/value.h"
#include "base/bug.h"
#include <math.h>
#include <string.h>

const uint64_t value_powers[19] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

/* Tags of key bytes are on disk and in alert ids: they are the numbers of enum type_kind, which must not move. */
_Static_assert(TYPE_NULL == 0 && TYPE_BOOLEAN == 1 && TYPE_BIGINT == 2 && TYPE_DOUBLE == 3 &&
                   TYPE_DECIMAL == 4 && TYPE_STRING == 5 && TYPE_TIMESTAMP == 6 &&
                   TYPE_INTERVAL == 7,
               "type kinds are tags on disk");

static int compare_double(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int compare_str(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int compare_decimal(const struct value *a, const struct value *b)
{
    __int128 x = a->c.i, y = b->c.i; /* 18 digits and up to 18 more: below 2^127 */
    for (unsigned s = a->type.scale; s < b->type.scale; s++)
        x *= 10;
    for (unsigned s = b->type.scale; s < a->type.scale; s++)
        y *= 10;
    return (x > y) - (x < y);
}

int value_compare(const struct value *a, const struct value *b)
{
    switch (a->type.kind) {
    case TYPE_DOUBLE:
        return compare_double(a->c.d, b->c.d);
    case TYPE_STRING:
        return compare_str(a->c.s, b->c.s);
    case TYPE_DECIMAL:
        return compare_decimal(a, b);
    default:
        return (a->c.i > b->c.i) - (a->c.i < b->c.i);
    }
}

static void put_be64(uint8_t *to, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(to, &v, sizeof v);
}

/* Bytes that sort as the doubles do: negatives turned over, -0.0 and every NaN made one. */
static uint64_t double_to_key(double d)
{
    uint64_t u;
    if (isnan(d))
        d = (double)NAN;
    if (d == 0)
        d = 0;
    memcpy(&u, &d, sizeof u);
    if (isnan(d))
        u &= INT64_MAX;
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

static double double_from_key(uint64_t u)
{
    double d;
    u = u >> 63 ? u & INT64_MAX : ~u;
    memcpy(&d, &u, sizeof d);
    return d;
}

void value_key(const struct value *v, struct bytes *out)
{
    enum { FIXED_MAX = 9, STRING_HEAD_MAX = 6 };
    unsigned kind = v->null ? (unsigned)TYPE_NULL : v->type.kind;
    if (kind == TYPE_STRING) {
        uint8_t *p = bytes_reserve(out, STRING_HEAD_MAX + v->c.s.n), *at = p;
        uint32_t n = v->c.s.n;
        *at++ = TYPE_STRING;
        for (; n >= 0x80; n >>= 7)
            *at++ = (uint8_t)(n | 0x80);
        *at++ = (uint8_t)n;
        if (v->c.s.n)
            memcpy(at, v->c.s.p, v->c.s.n);
        out->n += (size_t)(at - p) + v->c.s.n;
        return;
    }
    uint8_t *p = bytes_reserve(out, FIXED_MAX);
    p[0] = (uint8_t)kind;
    switch (kind) {
    case TYPE_NULL:
        out->n += 1;
        return;
    case TYPE_BOOLEAN:
        p[1] = v->c.i != 0;
        out->n += 2;
        return;
    case TYPE_DOUBLE:
        put_be64(p + 1, double_to_key(v->c.d));
        break;
    default: /* the sign bit turned over: memcmp orders as numbers */
        put_be64(p + 1, (uint64_t)v->c.i ^ UINT64_C(1) << 63);
    }
    out->n += FIXED_MAX;
}

bool value_key_is_text(const uint8_t *key, size_t len, const char *p, uint32_t n)
{
    return len == (size_t)n + 2 && key[0] == TYPE_STRING && key[1] == n &&
           (n == 0 || memcmp(key + 2, p, n) == 0);
}

bool value_from_key(struct bytes_reader *r, struct type type, struct value *out)
{
    unsigned tag = bytes_get_u8(r);
    struct value v = {.type = type, .null = tag == TYPE_NULL};
    size_t n = 0;
    if (r->bad || (!v.null && tag != type.kind))
        return false;
    switch (tag) {
    case TYPE_NULL:
        break;
    case TYPE_BOOLEAN:
        v.c.i = bytes_get_u8(r);
        if (v.c.i > 1)
            return false;
        break;
    case TYPE_STRING:
        v.c.s.p = bytes_get_str(r, &n);
        if (n > UINT32_MAX)
            return false;
        v.c.s.n = (uint32_t)n;
        break;
    case TYPE_DOUBLE:
        v.c.d = double_from_key(bytes_get_be64(r));
        break;
    default:
        v.c.i = (int64_t)(bytes_get_be64(r) ^ UINT64_C(1) << 63);
    }
    if (r->bad)
        return false;
    *out = v;
    return true;
}

void value_json_string(const char *p, size_t n, struct bytes *out)
{
    static const char hex[] = "0123456789abcdef";
    static const char letter[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    uint8_t *at = bytes_reserve(out, 6 * n + 2);
    *at++ = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            *at++ = c;
        } else if (letter[c]) {
            *at++ = '\\';
            *at++ = (uint8_t)letter[c];
        } else {
            at[0] = '\\';
            at[1] = 'u';
            at[2] = '0';
            at[3] = '0';
            at[4] = (uint8_t)hex[c >> 4];
            at[5] = (uint8_t)hex[c & 15];
            at += 6;
        }
    }
    *at++ = '"';
    out->n = (size_t)(at - out->p);
}

void value_json(const struct value *v, struct bytes *out)
{
    char text[VALUE_TEXT];
    if (v->null || v->type.kind == TYPE_NULL) {
        bytes_put(out, "null", 4);
        return;
    }
    switch (v->type.kind) {
    case TYPE_BOOLEAN:
        bytes_put(out, v->c.i ? "true" : "false", v->c.i ? 4 : 5);
        break;
    case TYPE_DOUBLE:
        if (!isfinite(v->c.d)) {
            bytes_put(out, "null", 4);
            break;
        }
        bytes_put(out, text, value_format_double(v->c.d, text));
        break;
    case TYPE_DECIMAL:
        value_format_decimal(v->c.i, v->type.scale, text);
        bytes_put(out, text, strlen(text));
        break;
    case TYPE_STRING:
        value_json_string(v->c.s.p, v->c.s.n, out);
        break;
    case TYPE_TIMESTAMP: {
        char time[TIMEBASE_TEXT];
        size_t n = timebase_format(v->c.i, time);
        value_json_string(time, n, out);
        break;
    }
    default:
        value_format_decimal(v->c.i, 0, text);
        bytes_put(out, text, strlen(text));
    }
}
