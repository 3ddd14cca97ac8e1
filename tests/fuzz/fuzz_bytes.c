/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader over hostile bytes: the input is both the program (which read comes next) and the data. It must stay within
 * its end, stay bad once it is bad, and what was read must come out of a buffer into which it is put again. */
#include "base/bug.h"
#include "base/bytes.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READS_MAX = 4096 };

static void again(uint64_t v, size_t text_len, const char *text)
{
    struct bytes b = {0};
    bytes_varint(&b, v);
    bytes_be64(&b, v);
    bytes_str(&b, text, text_len);
    struct bytes_reader r = bytes_read(b.p, b.n);
    size_t n = 0;
    BUG_IF(bytes_get_varint(&r) != v, "varint differs");
    BUG_IF(bytes_get_be64(&r) != v, "be64 differs");
    const char *back = bytes_get_str(&r, &n);
    BUG_IF(!back || n != text_len || memcmp(back, text, n) != 0, "string differs");
    BUG_IF(r.bad || r.p != r.end, "bytes left");
    bytes_fini(&b);
}

static uint64_t read_one(struct bytes_reader *r, uint8_t which)
{
    size_t n = 0;
    switch (which % 8) {
    case 0:
        return bytes_get_u8(r);
    case 1:
        return bytes_get_u16(r);
    case 2:
        return bytes_get_u32(r);
    case 3:
        return bytes_get_u64(r);
    case 4:
        return bytes_get_be32(r);
    case 5:
        return bytes_get_be64(r);
    case 6:
        return bytes_get_varint(r);
    default:
        break;
    }
    const char *s = bytes_get_str(r, &n);
    BUG_IF(!s && n, "a length without a string");
    uint64_t sum = n;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned char)s[i];
    if (s)
        again(sum, n, s);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes_reader r = bytes_read(data, size);
    for (int i = 0; i < READS_MAX && !r.bad && r.p < r.end; i++) {
        const uint8_t *before = r.p;
        uint64_t v = read_one(&r, (uint8_t)(i + *before));
        BUG_IF(r.p < before || r.p > data + size, "the reader left its bytes");
        BUG_IF(r.bad && v != 0, "a bad read gave %llu", (unsigned long long)v);
    }
    return 0;
}
