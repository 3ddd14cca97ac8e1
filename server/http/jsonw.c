/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/jsonw.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

static void comma(struct bytes *b)
{
    if (b->n == 0)
        return;
    switch (b->p[b->n - 1]) {
    case '{':
    case '[':
    case ':':
    case ' ':
    case '\n':
        return;
    default:
        bytes_u8(b, ',');
    }
}

void jsonw_open(struct bytes *b, char bracket)
{
    comma(b);
    bytes_u8(b, (uint8_t)bracket);
}

void jsonw_close(struct bytes *b, char bracket)
{
    bytes_u8(b, (uint8_t)bracket);
}

void jsonw_key(struct bytes *b, const char *key)
{
    comma(b);
    bytes_u8(b, '"');
    bytes_put(b, key, strlen(key));
    bytes_put(b, "\":", 2);
}

/* The length of the well-formed UTF-8 sequence at p (RFC 3629: no surrogates, nothing past U+10FFFF), or 0. */
static size_t sequence(const uint8_t *p, size_t n)
{
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static void escape(struct bytes *b, uint8_t c)
{
    static const char names[] = "\b\f\n\r\t", letters[] = "bfnrt";
    const char *at = c ? strchr(names, c) : NULL;
    if (c == '"' || c == '\\')
        bytes_printf(b, "\\%c", c);
    else if (at)
        bytes_printf(b, "\\%c", letters[at - names]);
    else
        bytes_printf(b, "\\u%04x", c);
}

void jsonw_strn(struct bytes *b, const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t plain = 0, i = 0; /* [plain, i) needs no change and is not yet written */
    comma(b);
    bytes_u8(b, '"');
    while (i < n) {
        size_t len = p[i] < 0x80 ? 1 : sequence(p + i, n - i);
        if (len == 0 || p[i] < ' ' || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f) {
            bytes_put(b, s + plain, i - plain);
            if (len == 0)
                bytes_put(b, "\xef\xbf\xbd", 3);
            else
                escape(b, p[i]);
            plain = i += 1;
        } else {
            i += len;
        }
    }
    bytes_put(b, s + plain, n - plain);
    bytes_u8(b, '"');
}

void jsonw_str(struct bytes *b, const char *s)
{
    if (s)
        jsonw_strn(b, s, strlen(s));
    else
        jsonw_null(b);
}

void jsonw_i64(struct bytes *b, int64_t v)
{
    comma(b);
    bytes_printf(b, "%" PRId64, v);
}

void jsonw_u64(struct bytes *b, uint64_t v)
{
    comma(b);
    bytes_printf(b, "%" PRIu64, v);
}

void jsonw_num(struct bytes *b, double v)
{
    comma(b);
    if (isfinite(v))
        bytes_printf(b, "%.6g", v);
    else
        bytes_put(b, "null", 4);
}

void jsonw_bool(struct bytes *b, bool v)
{
    comma(b);
    bytes_printf(b, v ? "true" : "false");
}

void jsonw_null(struct bytes *b)
{
    comma(b);
    bytes_put(b, "null", 4);
}

void jsonw_time(struct bytes *b, evtime t)
{
    char text[TIMEBASE_TEXT];
    if (t < EVTIME_FIRST || t > EVTIME_LAST) {
        jsonw_null(b);
        return;
    }
    jsonw_strn(b, text, timebase_format(t, text));
}

void jsonw_raw(struct bytes *b, const char *json, size_t n)
{
    while (n > 0 &&
           (json[n - 1] == ' ' || json[n - 1] == '\n')) /* comma() would take them for its own */
        n--;
    if (!json || n == 0) {
        jsonw_null(b);
        return;
    }
    comma(b);
    bytes_put(b, json, n);
}

void jsonw_kstr(struct bytes *b, const char *key, const char *s)
{
    jsonw_key(b, key);
    jsonw_str(b, s);
}

void jsonw_ki64(struct bytes *b, const char *key, int64_t v)
{
    jsonw_key(b, key);
    jsonw_i64(b, v);
}

void jsonw_ku64(struct bytes *b, const char *key, uint64_t v)
{
    jsonw_key(b, key);
    jsonw_u64(b, v);
}

void jsonw_kbool(struct bytes *b, const char *key, bool v)
{
    jsonw_key(b, key);
    jsonw_bool(b, v);
}

void jsonw_ktime(struct bytes *b, const char *key, evtime t)
{
    jsonw_key(b, key);
    jsonw_time(b, t);
}

void jsonw_kraw(struct bytes *b, const char *key, const char *json)
{
    jsonw_key(b, key);
    jsonw_raw(b, json, json ? strlen(json) : 0);
}
