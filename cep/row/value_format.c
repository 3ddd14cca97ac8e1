/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/row/value.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void value_format_decimal(int64_t v, unsigned scale, char out[32])
{
    char digits[24]; /* backwards */
    unsigned n = 0;
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    do
        digits[n++] = (char)('0' + u % 10);
    while ((u /= 10) != 0);
    while (n <= scale)
        digits[n++] = '0';
    char *at = out;
    if (v < 0)
        *at++ = '-';
    while (n > 0) {
        if (n-- == scale)
            *at++ = '.';
        *at++ = digits[n];
    }
    *at = '\0';
}

/* The fewest digits that read back as the same double; at most 17 are ever needed. */
size_t value_format_double(double d, char out[32])
{
    if (isnan(d))
        return (size_t)snprintf(out, VALUE_TEXT, "NaN");
    if (isinf(d))
        return (size_t)snprintf(out, VALUE_TEXT, d < 0 ? "-Infinity" : "Infinity");
    if (fabs(d) < 1e15 && d == (double)(int64_t)d) {
        value_format_decimal((int64_t)d, 0, out);
        return strlen(out);
    }
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, VALUE_TEXT, "%.*g", digits, d);
        if (strtod(out, NULL) == d)
            break;
    }
    return (size_t)n;
}
