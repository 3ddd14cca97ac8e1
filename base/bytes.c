/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/bug.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VARINT_BYTES_MAX = 10 };

void bytes_fini(struct bytes *b)
{
    mem_free(b->p);
    *b = (struct bytes){0};
}

void bytes_reset(struct bytes *b)
{
    b->n = 0;
}

uint8_t *bytes_reserve(struct bytes *b, size_t more)
{
    b->p = mem_grow(b->p, b->n, more, &b->cap, 1);
    return b->p + b->n;
}

void bytes_put(struct bytes *b, const void *p, size_t n)
{
    if (!n)
        return;
    memcpy(bytes_reserve(b, n), p, n);
    b->n += n;
}

static void put_le(struct bytes *b, uint64_t v, size_t n)
{
    uint8_t *to = bytes_reserve(b, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> (8 * i));
    b->n += n;
}

static void put_be(struct bytes *b, uint64_t v, size_t n)
{
    uint8_t *to = bytes_reserve(b, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    b->n += n;
}

void bytes_u8(struct bytes *b, uint8_t v)
{
    put_le(b, v, 1);
}

void bytes_u16(struct bytes *b, uint16_t v)
{
    put_le(b, v, 2);
}

void bytes_u32(struct bytes *b, uint32_t v)
{
    put_le(b, v, 4);
}

void bytes_u64(struct bytes *b, uint64_t v)
{
    put_le(b, v, 8);
}

void bytes_be32(struct bytes *b, uint32_t v)
{
    put_be(b, v, 4);
}

void bytes_be64(struct bytes *b, uint64_t v)
{
    put_be(b, v, 8);
}

void bytes_varint(struct bytes *b, uint64_t v)
{
    uint8_t *to = bytes_reserve(b, VARINT_BYTES_MAX);
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        to[n++] = (uint8_t)(v | 0x80);
    to[n++] = (uint8_t)v;
    b->n += n;
}

void bytes_str(struct bytes *b, const void *p, size_t n)
{
    bytes_varint(b, n);
    bytes_put(b, p, n);
}

void bytes_printf(struct bytes *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BUG_IF(n < 0, "cannot format \"%s\"", fmt);
    /* vsnprintf writes a NUL; it is not counted, so what comes next overwrites it. */
    vsnprintf((char *)bytes_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
}

struct bytes_reader bytes_read(const void *p, size_t n)
{
    const uint8_t *at = p;
    return (struct bytes_reader){.p = at, .end = n ? at + n : at};
}

const uint8_t *bytes_get(struct bytes_reader *r, size_t n)
{
    static const uint8_t nothing[1];
    if (r->bad || n > (size_t)(r->end - r->p)) {
        r->bad = true;
        r->p = r->end;
        return NULL;
    }
    if (!n)
        return r->p ? r->p : nothing; /* an empty reader may stand on NULL, and NULL means short */
    const uint8_t *at = r->p;
    r->p += n;
    return at;
}

static uint64_t get_le(struct bytes_reader *r, size_t n)
{
    const uint8_t *at = bytes_get(r, n);
    uint64_t v = 0;
    for (size_t i = 0; at && i < n; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

static uint64_t get_be(struct bytes_reader *r, size_t n)
{
    const uint8_t *at = bytes_get(r, n);
    uint64_t v = 0;
    for (size_t i = 0; at && i < n; i++)
        v = v << 8 | at[i];
    return v;
}

uint8_t bytes_get_u8(struct bytes_reader *r)
{
    return (uint8_t)get_le(r, 1);
}

uint16_t bytes_get_u16(struct bytes_reader *r)
{
    return (uint16_t)get_le(r, 2);
}

uint32_t bytes_get_u32(struct bytes_reader *r)
{
    return (uint32_t)get_le(r, 4);
}

uint64_t bytes_get_u64(struct bytes_reader *r)
{
    return get_le(r, 8);
}

uint32_t bytes_get_be32(struct bytes_reader *r)
{
    return (uint32_t)get_be(r, 4);
}

uint64_t bytes_get_be64(struct bytes_reader *r)
{
    return get_be(r, 8);
}

uint64_t bytes_get_varint(struct bytes_reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *at = bytes_get(r, 1);
        if (!at)
            return 0;
        if (shift == 63 && *at > 1)
            break; /* more than 64 bits */
        v |= (uint64_t)(*at & 0x7f) << shift;
        if (!(*at & 0x80))
            return v;
    }
    r->bad = true;
    r->p = r->end;
    return 0;
}

const char *bytes_get_str(struct bytes_reader *r, size_t *n)
{
    uint64_t len = bytes_get_varint(r);
    const uint8_t *at = r->bad ? NULL : bytes_get(r, len);
    *n = at ? len : 0;
    return (const char *)at;
}
