/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - which handler answers a method and a path; pure, so that it can be tested and fuzzed without a server.
 *
 * Room:   http -> [route] -> handler of api_*.  Owns: nothing.  Thread: any.
 *
 * A template's segment is literal text, "{x}" (one segment, not empty, without ':'), or "{x}:verb". The path is matched
 * as it came, before percent-decoding, so that a name may hold any character. Earlier routes win. */
#ifndef WEIR_SERVER_ROUTE_H
#define WEIR_SERVER_ROUTE_H
#include "base/bytes.h"
#include <stdbool.h>
#include <stddef.h>

struct httpcall;

enum route_body { ROUTE_NO_BODY, ROUTE_JSON, ROUTE_EVENTS, ROUTE_ITEMS }; /* ITEMS: CSV too */
struct route {
    const char *method, *path;
    const char *query; /* names of its parameters, blanks between; NULL: none */
    enum route_body body;
    void (*run)(struct httpcall *c, void *app);
    const char *does; /* one line for GET /api/v1 */
};

enum { ROUTE_PARAMS_MAX = 4 };
struct route_match {
    const struct route *route;
    unsigned n;
    struct {
        const char *name, *p; /* name: into the template, up to '}'; p: into the path */
        size_t name_len, len;
    } params[ROUTE_PARAMS_MAX];
};

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
/* HEAD is answered by GET. */
enum route_found route_find(const struct route *routes, size_t n, const char *method,
                            size_t method_len, const char *path, size_t path_len,
                            struct route_match *out);
/* "GET, POST": the methods of a path. */
void route_allow(const struct route *routes, size_t n, const char *path, size_t path_len,
                 struct bytes *out);
/* The template nearest to the path with the path's own segments in its places; caller frees with mem_free. NULL: none. */
char *route_nearest(const struct route *routes, size_t n, const char *path, size_t path_len);
/* Percent-decoding; out holds len + 1 bytes. False: a broken escape, or a NUL. '+' is a blank in queries only. */
bool route_decode(const char *p, size_t len, bool query, char *out);
/* Is `name` among the blank-separated names? */
bool route_names(const char *names, const char *name, size_t len);

#endif
