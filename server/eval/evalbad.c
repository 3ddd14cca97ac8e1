/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evalbad.h"
#include "cep/row/value.h"
#include <inttypes.h>
#include <string.h>

enum { RAW_MAX = 4096 };

/* How many bytes of p form a character; 0: they are no UTF-8. */
static size_t character(const char *p, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *u = (const uint8_t *)p;
    if (u[0] < 0x80)
        return 1;
    size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    uint32_t code = u[0] & (0xffU >> (length + 1));
    if (u[0] < 0xc0 || u[0] >= 0xf8 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (u[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

/* A JSON string of what may be no text at all: a byte that is none becomes U+FFFD. */
static void put_raw(const char *p, size_t n, struct bytes *out)
{
    struct bytes text = {0};
    for (size_t i = 0; i < n;) {
        size_t length = character(p + i, n - i);
        bytes_put(&text, length ? p + i : "\xef\xbf\xbd", length ? length : 3);
        i += length ? length : 1;
    }
    value_json_string(text.n ? (const char *)text.p : "", text.n, out);
    bytes_fini(&text);
}

void evalbad_line(const char *stream, uint64_t place, const char *raw, size_t n, const char *code,
                  const char *reason, struct bytes *out)
{
    bytes_printf(out, "{\"rule\":null,\"kind\":\"error\",\"time\":null,\"stream\":");
    if (stream)
        value_json_string(stream, strlen(stream), out);
    else
        bytes_printf(out, "null");
    if (stream)
        bytes_printf(out, ",\"place\":%" PRIu64, place);
    bytes_printf(out, ",\"code\":\"%s\",\"reason\":", code);
    put_raw(reason, strlen(reason), out);
    bytes_printf(out, ",\"raw\":");
    put_raw(raw, n < RAW_MAX ? n : RAW_MAX, out);
    bytes_printf(out, "}\n");
}
