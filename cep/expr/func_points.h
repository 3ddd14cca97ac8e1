/* SPDX-License-Identifier: Apache-2.0 */
/* func_points.h - places in a text counted in code points, for the functions that cut texts and look into them.
 *
 * Room:   [func_points] -> func_text, func_edit
 * Owns:   nothing; results point into the text.  Thread: any.
 *
 * Texts are UTF-8 and valid (the decoder has seen to it). */
#ifndef WEIR_CEP_FUNC_POINTS_H
#define WEIR_CEP_FUNC_POINTS_H
#include "cep/row/value.h"

/* A code point counts at its first byte; the bytes that continue it are 10xxxxxx. */
static inline bool func_points_begins(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static inline int64_t func_points_count(struct str s)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < s.n; i++)
        n += func_points_begins(s.p[i]);
    return n;
}

/* The byte at which code point k (from 0) begins; s.n if there are not so many. */
static inline uint32_t func_points_byte(struct str s, int64_t k)
{
    uint32_t i = 0;
    for (; i < s.n; i++)
        if (func_points_begins(s.p[i]) && k-- == 0)
            break;
    return i;
}

static inline struct str func_points_part(struct str s, uint32_t from, uint32_t to)
{
    return (struct str){from < to ? s.p + from : "", to - from, 0};
}

#endif
