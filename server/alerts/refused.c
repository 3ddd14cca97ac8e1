/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/refused.h"
#include "cep/derived.h"
#include "server/http/jsonw.h"
#include <jansson.h>
#include <string.h>

static void put_hex(const char *p, size_t n, struct bytes *out)
{
    static const char digits[] = "0123456789abcdef";
    bytes_u8(out, '"');
    for (size_t i = 0; i < n; i++) {
        bytes_u8(out, (uint8_t)digits[(uint8_t)p[i] >> 4]);
        bytes_u8(out, (uint8_t)digits[(uint8_t)p[i] & 15]);
    }
    bytes_u8(out, '"');
}

/* jsonw puts U+FFFD where the text is no UTF-8: is there such a place? */
static bool is_utf8(const char *p, size_t n)
{
    json_t *s = json_stringn(p, n);
    json_decref(s);
    return s != NULL;
}

void refused_put(const struct catalog_dead_letter *d, struct bytes *out)
{
    const char *const *names = derived_error_names;
    size_t n = d->raw_len < CATALOG_DEAD_RAW_MAX ? d->raw_len : CATALOG_DEAD_RAW_MAX;
    bytes_u8(out, '{');
    jsonw_kstr(out, names[DERIVED_ERROR_CODE], d->code);
    jsonw_kstr(out, names[DERIVED_ERROR_REASON], d->reason);
    jsonw_key(out, names[DERIVED_ERROR_RAW]);
    jsonw_strn(out, d->raw, n);
    jsonw_ku64(out, names[DERIVED_ERROR_PARTITION], d->partition);
    if (d->offset != UINT64_MAX)
        jsonw_ku64(out, names[DERIVED_ERROR_OFFSET], d->offset);
    if (n < d->raw_len)
        jsonw_ku64(out, "size", d->raw_len);
    if (!is_utf8(d->raw, n)) {
        jsonw_key(out, "hex");
        put_hex(d->raw, n, out);
    }
    bytes_u8(out, '}');
}

/* --- back ------------------------------------------------------------------------------------------------------------ */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_hex(const json_t *v, struct arena *a, struct catalog_dead_letter *out)
{
    const char *p = json_string_value(v);
    size_t n = json_string_length(v);
    if (p == NULL || n % 2 != 0)
        return false;
    char *bytes = arena_alloc(a, n / 2 + 1);
    for (size_t i = 0; i < n / 2; i++) {
        int high = digit(p[2 * i]), low = digit(p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    out->raw = bytes;
    out->raw_len = n / 2;
    return true;
}

static const char *get_text(const json_t *o, enum derived_error which, struct arena *a)
{
    const char *text = json_string_value(json_object_get(o, derived_error_names[which]));
    return text == NULL ? NULL : arena_str(a, text);
}

enum err refused_get(const char *text, size_t n, struct arena *a, struct catalog_dead_letter *out)
{
    json_t *o = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
    const json_t *raw = json_object_get(o, derived_error_names[DERIVED_ERROR_RAW]);
    const json_t *hex = json_object_get(o, "hex"), *size = json_object_get(o, "size");
    const json_t *partition = json_object_get(o, derived_error_names[DERIVED_ERROR_PARTITION]);
    const json_t *offset = json_object_get(o, derived_error_names[DERIVED_ERROR_OFFSET]);
    struct catalog_dead_letter d = {.kind = "error", .offset = UINT64_MAX};
    bool good = json_is_string(raw) && json_is_integer(partition);
    d.code = get_text(o, DERIVED_ERROR_CODE, a);
    d.reason = get_text(o, DERIVED_ERROR_REASON, a);
    good = good && d.code != NULL && d.reason != NULL;
    if (good && hex != NULL) {
        good = get_hex(hex, a, &d);
    } else if (good) {
        d.raw_len = json_string_length(raw);
        d.raw = arena_dup(a, json_string_value(raw), d.raw_len);
    }
    if (good) {
        d.partition = (uint32_t)json_integer_value(partition);
        d.size = size != NULL ? (size_t)json_integer_value(size) : d.raw_len;
        if (offset != NULL)
            d.offset = (uint64_t)json_integer_value(offset);
        *out = d;
    }
    json_decref(o);
    return good ? ERR_OK : ERR_CORRUPT;
}
