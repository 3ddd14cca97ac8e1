/* SPDX-License-Identifier: Apache-2.0
 *
 * Places are found as Java's Matcher finds them, so that REGEXP_REPLACE('baac', 'a*', '-') is -b--c- as in Flink: after
 * a place that is empty, the search goes on one code point further. */
#include "base/bug.h"
#include "cep/expr/func.h"
#include "cep/expr/func_regex.h"
#include <string.h>

static uint32_t code_point_bytes(const char *p, uint32_t left)
{
    uint8_t c = (uint8_t)*p;
    uint32_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n < left ? n : left;
}

static bool extract(const struct func_regex *r, struct str s, int64_t group, union cell *out)
{
    struct func_regex_span found[FUNC_REGEX_GROUPS_MAX + 1];
    if (group < 0 || group > func_regex_groups(r) ||
        !func_regex_find(r, s.p, s.n, 0, found, (unsigned)group + 1))
        return false;
    struct func_regex_span at = found[group];
    if (at.from == UINT32_MAX)
        return false;
    out->s = (struct str){at.to > at.from ? s.p + at.from : "", at.to - at.from, 0};
    return true;
}

/* Once with NULL to measure, once to write. */
static size_t put_replaced(const struct func_regex *r, struct str s, struct str by, char *text)
{
    struct func_regex_span at;
    size_t n = 0;
    uint32_t copied = 0, from = 0;
    while (from <= s.n && n <= FUNC_TEXT_MAX && func_regex_find(r, s.p, s.n, from, &at, 1)) {
        uint32_t before = at.from - copied;
        if (text != NULL && before > 0)
            memcpy(text + n, s.p + copied, before);
        if (text != NULL && by.n > 0)
            memcpy(text + n + before, by.p, by.n);
        n += (size_t)before + by.n;
        copied = at.to;
        from = at.to;
        if (at.from == at.to)
            from += from < s.n ? code_point_bytes(s.p + from, s.n - from) : 1;
    }
    if (text != NULL && copied < s.n)
        memcpy(text + n, s.p + copied, s.n - copied);
    return n + (s.n - copied);
}

bool func_match(unsigned func, const struct func_value *args, unsigned nargs, struct arena *scratch,
                union cell *out)
{
    struct str s = args[0].c.s;
    const struct func_regex *r = func_regex_of(&args[1]);
    switch (func) {
    case FUNC_REGEXP:
        out->i = func_regex_find(r, s.p, s.n, 0, NULL, 0);
        return true;
    case FUNC_REGEXP_EXTRACT:
        return extract(r, s, nargs > 2 ? args[2].c.i : 0, out);
    case FUNC_REGEXP_REPLACE: {
        size_t n = put_replaced(r, s, args[2].c.s, NULL);
        if (n > FUNC_TEXT_MAX)
            return false;
        char *text = arena_alloc(scratch, n + 1);
        put_replaced(r, s, args[2].c.s, text);
        out->s = (struct str){text, (uint32_t)n, 0};
        return true;
    }
    default:
        bug_abort(__FILE__, __LINE__, "function %u is not one of patterns", func);
    }
}
