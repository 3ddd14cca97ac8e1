/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the HTTP/1.1 server: listener, limits, one loop thread, dispatch by the route table, the dashboard's files.
 *
 * Room:   browsers, curl -> [http] -> route -> handlers (api_*)
 * Owns:   the listening socket, the loop, the connections
 * Thread: http_run's caller is the HTTP thread; http_stop and http_wake may be called from any.
 *
 * HTTP/2 is not offered: the release of h2o that Debian 12 has is open to rapid reset (CVE-2023-44487) and MadeYouReset
 * (CVE-2025-8671), both mended in later ones only. Who needs it or TLS puts a proxy in front. */
#ifndef WEIR_SERVER_HTTP_H
#define WEIR_SERVER_HTTP_H
#include "base/bytes.h"
#include "base/diag.h"
#include "base/timebase.h"
#include "server/http/route.h"

struct http_options {
    const char *bind, *web; /* web: folder of the dashboard, NULL: none */
    unsigned port;
    size_t max_body;
    size_t
        max_bodies; /* memory of all bodies that are coming in; past it the newest are answered 429 */
    unsigned max_connections;
    uint64_t request_timeout_ms, shutdown_timeout_ms;
};
struct http_app { /* what is served */
    const struct route *routes;
    size_t nroutes;
    void *app; /* handed to the handlers */
    void (*tick)(void *app); /* about once a second, on the HTTP thread */
    void (*woken)(void *app); /* after one or more http_wake */
    void (*stopping)(void *app); /* end what has no end of its own (live streams) */
};

struct http;

/* Takes the port, but answers nothing yet. ERR_IN_USE, ERR_DENIED, ERR_INVALID with a sentence in d. */
enum err http_listen(const struct http_options *o, struct diag *d, struct http **out);
unsigned http_port(const struct http *h);
/* Serves until http_stop and then until requests under way have ended or the deadline has passed. */
void http_run(struct http *h, const struct http_app *app);
void http_stop(struct http *h); /* may be called in a signal handler */
void http_wake(struct http *h); /* woken() will be called; many calls may be one */
void http_free(struct http *h); /* after all who may call httpcall_resume have ended */

/* Counters for /metrics; HTTP thread. */
enum { HTTP_CLASSES = 6, HTTP_BUCKETS = 12 };
struct http_route_stats {
    uint64_t answers[HTTP_CLASSES]; /* by status / 100 */
    uint64_t ns;
};
struct http_stats {
    uint64_t connections, connections_total, requests, body_bytes, refused_connections;
    uint64_t bodies_waiting_bytes,
        bodies_refused; /* that are coming in; answered 429 for want of memory */
    uint64_t buckets[HTTP_BUCKETS + 1]; /* requests by duration; the last: longer than all bounds */
    const struct http_route_stats *routes; /* by index; [nroutes]: files and what had no route */
};
extern const double http_bucket_seconds[HTTP_BUCKETS];
void http_stats(const struct http *h, struct http_stats *out);

#endif
