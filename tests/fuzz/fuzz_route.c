/* SPDX-License-Identifier: Apache-2.0
 *
 * "METHOD path" from outside against the server's own table: parameters lie in the path, the nearest route is one that is
 * found, decoding stays in its buffer, and the query's names are whole words. */
#include "base/bug.h"
#include "base/mem.h"
#include "server/api/api.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_match(const struct route_match *m, const char *path, size_t n)
{
    for (unsigned i = 0; i < m->n; i++) {
        const char *p = m->params[i].p;
        size_t len = m->params[i].len;
        BUG_IF(len == 0 || p < path || p + len > path + n, "parameter %u", i);
        BUG_IF(memchr(p, '/', len) || memchr(p, ':', len), "parameter %u is no segment", i);
        char *out = mem_alloc(len + 1);
        if (route_decode(p, len, false, out))
            BUG_IF(strlen(out) > len, "decoding makes text longer");
        mem_free(out);
    }
}

static void check_nearest(const char *path, size_t n)
{
    struct route_match m;
    char *near = route_nearest(api_routes, api_nroutes, path, n);
    if (near)
        BUG_IF(route_find(api_routes, api_nroutes, "GET", 3, near, strlen(near), &m) ==
                   ROUTE_NO_PATH,
               "'%s' is offered and not found", near);
    mem_free(near);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *blank = size ? memchr(text, ' ', size) : NULL;
    size_t method_len = blank ? (size_t)(blank - text) : 0;
    const char *path = blank ? blank + 1 : text;
    size_t n = size - (size_t)(path - text);
    struct route_match m;
    struct bytes allow = {0};
    if (size == 0)
        return 0;
    switch (route_find(api_routes, api_nroutes, text, method_len, path, n, &m)) {
    case ROUTE_FOUND:
        check_match(&m, path, n);
        break;
    case ROUTE_NO_METHOD:
        route_allow(api_routes, api_nroutes, path, n, &allow);
        BUG_IF(allow.n == 0, "a path without methods");
        break;
    default:
        if (!memchr(path, '\0', n))
            check_nearest(path, n);
    }
    bytes_fini(&allow);
    return 0;
}
