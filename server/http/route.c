/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/route.h"
#include "base/diag.h"
#include "base/mem.h"
#include <string.h>

/* A segment ends at '/' or at the end. */
static const char *segment_end(const char *p, const char *end)
{
    const char *slash = p < end ? memchr(p, '/', (size_t)(end - p)) : NULL;
    return slash ? slash : end;
}

/* One segment of a template against one of the path. */
static bool match_segment(const char *t, const char *tend, const char *p, const char *pend,
                          struct route_match *m)
{
    if (*t != '{' || t == tend)
        return tend - t == pend - p && memcmp(t, p, (size_t)(tend - t)) == 0;
    const char *close = memchr(t, '}', (size_t)(tend - t));
    if (!close)
        return false;
    size_t verb = (size_t)(tend - close - 1), len = (size_t)(pend - p);
    if (len <= verb || memcmp(pend - verb, close + 1, verb) != 0)
        return false;
    len -= verb;
    if (memchr(p, ':', len) || m->n == ROUTE_PARAMS_MAX)
        return false;
    m->params[m->n].name = t + 1;
    m->params[m->n].name_len = (size_t)(close - t - 1);
    m->params[m->n].p = p;
    m->params[m->n].len = len;
    m->n++;
    return true;
}

static bool match_path(const char *template, const char *path, size_t path_len,
                       struct route_match *m)
{
    const char *t = template, *tend = template + strlen(template);
    const char *p = path, *pend = path + path_len;
    m->n = 0;
    for (;;) {
        const char *ts = segment_end(t, tend), *ps = segment_end(p, pend);
        if (!match_segment(t, ts, p, ps, m))
            return false;
        if (ts == tend || ps == pend)
            return ts == tend && ps == pend;
        t = ts + 1;
        p = ps + 1;
    }
}

static bool same_method(const char *of_route, const char *method, size_t n)
{
    if (n == 4 && memcmp(method, "HEAD", 4) == 0)
        return strcmp(of_route, "GET") == 0;
    return strlen(of_route) == n && memcmp(of_route, method, n) == 0;
}

enum route_found route_find(const struct route *routes, size_t n, const char *method,
                            size_t method_len, const char *path, size_t path_len,
                            struct route_match *out)
{
    enum route_found found = ROUTE_NO_PATH;
    for (size_t i = 0; i < n; i++) {
        if (!match_path(routes[i].path, path, path_len, out))
            continue;
        if (same_method(routes[i].method, method, method_len)) {
            out->route = &routes[i];
            return ROUTE_FOUND;
        }
        found = ROUTE_NO_METHOD;
    }
    return found;
}

void route_allow(const struct route *routes, size_t n, const char *path, size_t path_len,
                 struct bytes *out)
{
    struct route_match m;
    for (size_t i = 0; i < n; i++)
        if (match_path(routes[i].path, path, path_len, &m))
            bytes_printf(out, "%s%s%s", out->n ? ", " : "", routes[i].method,
                         strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
}

/* The template with its places filled from the path's segments at the same positions; "x" where it has none. */
static char *fill(const char *template, const char *path, size_t path_len)
{
    struct bytes out = {0};
    const char *p = path, *pend = path + path_len;
    for (const char *t = template, *tend = t + strlen(t); t <= tend;) {
        const char *ts = segment_end(t, tend), *ps = segment_end(p, pend);
        if (*t == '{') {
            const char *colon = ps > p ? memchr(p, ':', (size_t)(ps - p)) : NULL;
            const char *close = memchr(t, '}', (size_t)(ts - t));
            const char *stop = colon ? colon : ps;
            if (stop > p)
                bytes_put(&out, p, (size_t)(stop - p));
            else
                bytes_u8(&out, 'x');
            bytes_put(&out, close + 1, (size_t)(ts - close - 1));
        } else {
            bytes_put(&out, t, (size_t)(ts - t));
        }
        if (ts < tend)
            bytes_u8(&out, '/');
        t = ts + 1;
        p = ps < pend ? ps + 1 : pend;
    }
    bytes_u8(&out, '\0');
    return (char *)out.p;
}

char *route_nearest(const struct route *routes, size_t n, const char *path, size_t path_len)
{
    char *wanted = mem_dup(path, path_len), *best = NULL;
    char **filled = mem_array(n + 1, sizeof *filled);
    for (size_t i = 0; i < n; i++)
        filled[i] = fill(routes[i].path, path, path_len);
    const char *nearest = diag_nearest(wanted, (const char *const *)filled, n);
    if (nearest)
        best = mem_str(nearest);
    for (size_t i = 0; i < n; i++)
        mem_free(filled[i]);
    mem_free(filled);
    mem_free(wanted);
    return best;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

bool route_decode(const char *p, size_t len, bool query, char *out)
{
    for (size_t i = 0; i < len; i++) {
        char c = p[i];
        if (c == '%') {
            bool whole = len - i > 2;
            int high = whole ? hex(p[i + 1]) : -1, low = whole ? hex(p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        *out++ = c;
    }
    *out = '\0';
    return true;
}

bool route_names(const char *names, const char *name, size_t len)
{
    for (const char *p = names; p && *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (n == len && memcmp(p, name, n) == 0)
            return true;
        p += n;
    }
    return false;
}
