/* SPDX-License-Identifier: Apache-2.0 */
/* codec_number.h - numbers of JSON from their digits, eight at a time; what is unusual goes to cep/row/value.h.
 *
 * All of these read up to 8 bytes past the last one (CODEC_PADDING). Thread: any. */
#ifndef WEIR_IO_CODEC_NUMBER_H
#define WEIR_IO_CODEC_NUMBER_H
#include "cep/row/value.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? and nothing else */
bool codec_number_is(const char *p, size_t n);
/* The unusual forms, checked to be JSON before. False: not one, or it does not fit. */
bool codec_number_bigint(const char *p, size_t n, int64_t *out);
bool codec_number_decimal(const char *p, size_t n, unsigned precision, unsigned scale,
                          int64_t *out);
bool codec_number_double(const char *p, size_t n, double *out);

/* n digits, 1 to 8, as a number; false if one of them is none. */
static inline bool codec_number_digits8(const char *p, unsigned n, uint64_t *out)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t zeros = UINT64_C(0x3030303030303030), high = UINT64_C(0xf0f0f0f0f0f0f0f0);
    uint64_t w;
    memcpy(&w, p, sizeof w);
    if (n < 8) /* the last digit goes to the highest byte, zeros come in before the first */
        w = w << (64 - 8 * n) | zeros >> (8 * n);
    if ((w & high) != zeros || ((w + UINT64_C(0x0606060606060606)) & high) != zeros)
        return false;
    w -= zeros;
    w = w * 10 + (w >> 8); /* pairs of digits, in bytes 0, 2, 4, 6 */
    const uint64_t two = UINT64_C(0x000000ff000000ff);
    *out = ((w & two) * UINT64_C(0x000f424000000064) +
            ((w >> 16) & two) * UINT64_C(0x0000271000000001)) >>
           32;
    return true;
#else
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(p[i] - '0');
    }
    *out = v;
    return true;
#endif
}

/* n digits, 1 to 16, without a leading zero. */
static inline bool codec_number_digits16(const char *p, size_t n, uint64_t *out)
{
    uint64_t high, low;
    if (n > 16 || n == 0 || (p[0] == '0' && n > 1))
        return false;
    if (n <= 8)
        return codec_number_digits8(p, (unsigned)n, out);
    if (!codec_number_digits8(p, (unsigned)n - 8, &high) ||
        !codec_number_digits8(p + n - 8, 8, &low))
        return false;
    *out = high * 100000000 + low;
    return true;
}

/* A whole number. False: not one, or it does not fit. */
static inline bool codec_number_whole(const char *p, size_t n, int64_t *out)
{
    uint64_t v;
    bool negative = *p == '-';
    if (!codec_number_digits16(p + negative, n - negative, &v))
        return codec_number_bigint(p, n, out);
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

/* "58.54" and its like, up to 8 bytes: the point is taken out, and what is left is digits. False: something else. */
static inline bool codec_number_short(const char *p, size_t n, unsigned scale, uint64_t *out)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t points = UINT64_C(0x2e2e2e2e2e2e2e2e), ones = UINT64_C(0x0101010101010101);
    uint64_t w;
    if (n > 8)
        return false;
    memcpy(&w, p, sizeof w);
    uint64_t x = w ^ points,
             hit = (x - ones) & ~x & ones << 7; /* the lowest bit that is set is right */
    if (hit == 0)
        return false;
    unsigned point = (unsigned)__builtin_ctzll(hit) / 8, fraction = (unsigned)n - 1 - point;
    if (point == 0 || point + 1 >= n || fraction > scale || (p[0] == '0' && point > 1))
        return false;
    uint64_t before = (UINT64_C(1) << (8 * point)) - 1, digits = (w & before) | (w >> 8 & ~before);
    char text[8];
    memcpy(text, &digits, sizeof text);
    if (!codec_number_digits8(text, (unsigned)n - 1, out))
        return false;
    *out *= value_powers[scale - fraction];
    return true;
#else
    (void)p, (void)n, (void)scale, (void)out;
    return false;
#endif
}

/* A number at that scale, if it is not negative and has some digits, a point, and at most `scale` digits (8), or no
 * point. False: something else. */
static inline bool codec_number_fixed_fast(const char *p, size_t n, unsigned precision,
                                           unsigned scale, int64_t *out)
{
    uint64_t whole, part = 0, v;
    if (!codec_number_short(p, n, scale, &v)) {
        size_t fraction = scale <= 8 ? scale : 8;
        while (fraction > 0 && (n < fraction + 2 || p[n - 1 - fraction] != '.'))
            fraction--;
        size_t before = fraction > 0 ? n - 1 - fraction : n;
        if (before + scale > 18 || !codec_number_digits16(p, before, &whole) ||
            (fraction > 0 && !codec_number_digits8(p + before + 1, (unsigned)fraction, &part)))
            return false;
        v = whole * value_powers[scale] + part * value_powers[scale - fraction];
    }
    if (v >= value_powers[precision])
        return false;
    *out = (int64_t)v;
    return true;
}

/* A number at that scale. */
static inline bool codec_number_fixed(const char *p, size_t n, unsigned precision, unsigned scale,
                                      int64_t *out)
{
    return codec_number_fixed_fast(p, n, precision, scale, out) ||
           codec_number_decimal(p, n, precision, scale, out);
}

#endif
