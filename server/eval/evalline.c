/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk over the keys of the outermost object; values are skipped by counting brackets outside strings. */
#include "server/eval/evalline.h"
#include <stdbool.h>
#include <string.h>

struct walk {
    const char *p, *end;
};
struct piece {
    const char *p;
    size_t n;
};

static void skip_space(struct walk *w)
{
    while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\r' || *w->p == '\n'))
        w->p++;
}

static bool take(struct walk *w, char c)
{
    skip_space(w);
    if (w->p >= w->end || *w->p != c)
        return false;
    w->p++;
    return true;
}

static bool take_string(struct walk *w, struct piece *out)
{
    if (!take(w, '"'))
        return false;
    out->p = w->p;
    for (; w->p < w->end && *w->p != '"'; w->p++)
        if (*w->p == '\\')
            w->p++;
    if (w->p >= w->end)
        return false;
    out->n = (size_t)(w->p++ - out->p);
    return true;
}

/* Up to the comma or the brace that ends the value. */
static bool take_value(struct walk *w, struct piece *out)
{
    int depth = 0;
    skip_space(w);
    out->p = w->p;
    for (; w->p < w->end; w->p++) {
        struct piece inner;
        if (*w->p == '"') {
            if (!take_string(w, &inner))
                return false;
            w->p--;
        } else if (*w->p == '{' || *w->p == '[') {
            depth++;
        } else if (depth > 0 && (*w->p == '}' || *w->p == ']')) {
            depth--;
        } else if (depth == 0 && (*w->p == ',' || *w->p == '}')) {
            out->n = (size_t)(w->p - out->p);
            return true;
        }
    }
    return false;
}

static bool is(struct piece key, const char *name)
{
    return key.n == strlen(name) && memcmp(key.p, name, key.n) == 0;
}

static bool whole_number(struct piece v, int64_t *out)
{
    bool minus = v.n > 0 && *v.p == '-';
    int64_t number = 0;
    size_t i = minus;
    while (v.n > 0 && strchr(" \t\r", v.p[v.n - 1]))
        v.n--;
    if (i >= v.n)
        return false;
    for (; i < v.n; i++)
        if (v.p[i] < '0' || v.p[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, v.p[i] - '0', &number))
            return false;
    if (!minus && number == INT64_MIN)
        return false;
    *out = minus ? number : -number;
    return true;
}

struct evalline evalline_read(const char *text, size_t n)
{
    struct evalline line = {0}, event = {0};
    struct walk w = {text, text + n};
    struct piece key, value;
    bool about_time = false, others = false;
    if (!take(&w, '{'))
        return event;
    do {
        if (!take_string(&w, &key) || !take(&w, ':') || !take_value(&w, &value))
            return event;
        if (is(key, "_stream") && value.n >= 2 && *value.p == '"') {
            event.stream = value.p + 1;
            event.stream_len = (size_t)((const char *)memrchr(value.p, '"', value.n) - value.p) - 1;
        } else if (!about_time && (is(key, "watermark") || is(key, "processing_time")) &&
                   whole_number(value, &line.time)) {
            line.kind = is(key, "watermark") ? EVALLINE_WATERMARK : EVALLINE_PROCESSING_TIME;
            about_time = true;
        } else {
            others = true;
        }
    } while (take(&w, ','));
    if (!about_time || others || !take(&w, '}'))
        return event;
    line.stream = event.stream;
    line.stream_len = event.stream_len;
    return line;
}
