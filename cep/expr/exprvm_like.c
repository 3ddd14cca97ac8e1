/* SPDX-License-Identifier: Apache-2.0
 *
 * LIKE: `%` is any text, `_` one code point. A pattern without `_` and with `%` only at its ends is a comparison of
 * bytes; any other is matched piece by piece between its `%`, each at the first place where it fits, which is never
 * wrong since a later place leaves less. Time is at most text times pattern. */
#include "cep/expr/exprvm_code.h"
#include <string.h>

enum unit_kind { UNIT_BYTE, UNIT_ONE, UNIT_ANY };

struct unit {
    uint8_t kind, byte;
};

struct exprvm_like {
    bool plain; /* no `_`, no `%` but at the ends */
    bool open_start, open_end;
    const char *text; /* plain: between the `%` */
    size_t text_n;
    struct unit *units;
    size_t n;
};

static bool add_units(struct exprvm_like *l, struct str pattern, int escape)
{
    for (uint32_t i = 0; i < pattern.n; i++) {
        uint8_t c = (uint8_t)pattern.p[i];
        if (c == escape) {
            if (++i == pattern.n)
                return false;
            c = (uint8_t)pattern.p[i];
            if (c != '%' && c != '_' && c != escape)
                return false;
            l->units[l->n++] = (struct unit){UNIT_BYTE, c};
        } else if (c == '%') {
            if (l->n == 0 || l->units[l->n - 1].kind != UNIT_ANY)
                l->units[l->n++] = (struct unit){UNIT_ANY, 0};
        } else {
            l->units[l->n++] = (struct unit){c == '_' ? UNIT_ONE : UNIT_BYTE, c};
        }
    }
    return true;
}

static void find_plain(struct exprvm_like *l, struct arena *arena)
{
    size_t from = 0, to = l->n;
    l->open_start = l->n > 0 && l->units[0].kind == UNIT_ANY;
    l->open_end = l->n > 0 && l->units[l->n - 1].kind == UNIT_ANY;
    from += l->open_start;
    if (to > from)
        to -= l->open_end;
    char *text = arena_alloc(arena, l->n + 1);
    for (size_t i = from; i < to; i++) {
        if (l->units[i].kind != UNIT_BYTE)
            return;
        text[i - from] = (char)l->units[i].byte;
    }
    l->plain = true;
    l->text = text;
    l->text_n = to - from;
}

struct exprvm_like *exprvm_like_new(struct str pattern, struct str escape, struct arena *arena)
{
    struct exprvm_like *l = arena_zero(arena, sizeof *l);
    if (escape.n > 1)
        return NULL;
    l->units = arena_alloc(arena, (pattern.n + (size_t)1) * sizeof *l->units);
    if (!add_units(l, pattern, escape.n == 1 ? (uint8_t)escape.p[0] : -1))
        return NULL;
    find_plain(l, arena);
    return l;
}

static bool matches_plain(const struct exprvm_like *l, struct str s)
{
    if (s.n < l->text_n)
        return false;
    if (l->text_n == 0)
        return s.n == 0 || l->open_start || l->open_end;
    if (l->open_start && l->open_end)
        return memmem(s.p, s.n, l->text, l->text_n) != NULL;
    if (!l->open_end && !l->open_start && s.n != l->text_n)
        return false;
    return memcmp(l->open_start ? s.p + s.n - l->text_n : s.p, l->text, l->text_n) == 0;
}

static uint32_t code_point_bytes(const char *p, uint32_t left)
{
    uint8_t c = (uint8_t)*p;
    uint32_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n < left ? n : left;
}

static bool matches_units(const struct exprvm_like *l, struct str s)
{
    size_t u = 0, after_any = SIZE_MAX;
    uint32_t i = 0, retry = 0;
    for (;;) {
        if (u < l->n && l->units[u].kind == UNIT_ANY) {
            after_any = ++u;
            retry = i;
        } else if (i < s.n && u < l->n && l->units[u].kind == UNIT_ONE) {
            i += code_point_bytes(s.p + i, s.n - i);
            u++;
        } else if (i < s.n && u < l->n && l->units[u].byte == (uint8_t)s.p[i]) {
            i++;
            u++;
        } else if (i == s.n && u == l->n) {
            return true;
        } else { /* the piece does not fit here: one further on, if there is a `%` before it */
            if (after_any == SIZE_MAX || retry >= s.n)
                return false;
            retry += code_point_bytes(s.p + retry, s.n - retry);
            i = retry;
            u = after_any;
        }
    }
}

bool exprvm_like_matches(const struct exprvm_like *l, struct str text)
{
    return l->plain ? matches_plain(l, text) : matches_units(l, text);
}
