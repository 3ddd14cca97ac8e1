/* SPDX-License-Identifier: Apache-2.0 */
#include "io/codec_number.h"

static size_t digits(const char *p, size_t i, size_t n)
{
    size_t from = i;
    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    return i - from;
}

bool codec_number_is(const char *p, size_t n)
{
    size_t i = n > 0 && p[0] == '-', whole = digits(p, i, n);
    if (whole == 0 || (whole > 1 && p[i] == '0'))
        return false;
    i += whole;
    if (i < n && p[i] == '.') {
        size_t fraction = digits(p, i + 1, n);
        if (fraction == 0)
            return false;
        i += 1 + fraction;
    }
    if (i < n && (p[i] == 'e' || p[i] == 'E')) {
        i++;
        i += i < n && (p[i] == '+' || p[i] == '-');
        size_t exponent = digits(p, i, n);
        if (exponent == 0)
            return false;
        i += exponent;
    }
    return i == n;
}

bool codec_number_bigint(const char *p, size_t n, int64_t *out)
{
    return codec_number_is(p, n) && value_parse_bigint(p, n, out);
}

bool codec_number_decimal(const char *p, size_t n, unsigned precision, unsigned scale, int64_t *out)
{
    return codec_number_is(p, n) && value_parse_decimal(p, n, precision, scale, out);
}

bool codec_number_double(const char *p, size_t n, double *out)
{
    return codec_number_is(p, n) && value_parse_double(p, n, out);
}
