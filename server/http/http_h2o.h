/* SPDX-License-Identifier: Apache-2.0 */
/* http_h2o.h - the inside of the HTTP server: the only place, with the files that include it, where h2o is known.
 *
 * Room:   http, httpcall, httpfile, sse -> [http_h2o] -> libh2o-evloop 2.2.5
 * Owns:   see http.h.  Thread: the HTTP thread, but for what says otherwise. */
#ifndef WEIR_SERVER_HTTP_H2O_H
#define WEIR_SERVER_HTTP_H2O_H
#include "base/timebase.h"
#include "server/http/http.h"
#include "server/http/httpcall.h"
#include <pthread.h>
#include <stdatomic.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include <h2o.h>
#include <h2o/http1.h>
#pragma GCC diagnostic pop

enum { HTTP_QUERY_MAX = 16, HTTP_ID_MAX = 64 };

struct http {
    struct http_options o;
    struct http_app app;
    h2o_globalconf_t config;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t receiver;
    h2o_socket_t *listener, *stop_socket;
    int stop_fd; /* eventfd: written to by http_stop, which may be in a signal handler */
    unsigned port;
    h2o_timeout_t tick_timeout;
    h2o_timeout_entry_t tick_entry;
    h2o_timeout_t linger_timeout;
    h2o_linklist_t connections, laters, lingering;
    unsigned nlingering;
    bool listening, stopping, have_files;
    atomic_bool wake_sent;
    struct bytes out; /* the answer being written */
    uint64_t id_prefix, id_next;
    struct http_stats stats;
    struct http_route_stats *route_stats; /* nroutes + 1 */
};

struct httpcall {
    h2o_req_t *req;
    struct http *http;
    struct route_match match; /* route NULL: none */
    char *params[ROUTE_PARAMS_MAX];
    unsigned nquery;
    struct {
        char *name, *value;
    } query[HTTP_QUERY_MAX];
    char id[HTTP_ID_MAX + 1];
    montime began;
    bool answered;
    struct httplater *later;
};

/* http.c: counts an answer, by route (NULL: files and the rest). */
void http_count(struct http *h, const struct route *route, int status, montime began);
/* An id for a request: the client's own if it is fit to be logged, else a new one. */
void http_request_id(struct http *h, h2o_req_t *req, char out[HTTP_ID_MAX + 1]);
/* The connection will be closed after this answer though the client may still be sending: see to it that it reads it. */
void http_linger(struct http *h, h2o_req_t *req);
/* What a message to the loop does there. */
enum http_message_kind { HTTP_WAKE, HTTP_RESUME };
struct http_message {
    h2o_multithread_message_t super; /* first */
    enum http_message_kind kind;
    struct httplater *later;
};
void http_send(struct http *h, struct http_message *m); /* any thread; m is malloc'ed, zeroed */

/* httpcall.c */
/* Runs the handler of a found route, or answers the problem with what was asked. */
void httpcall_dispatch(struct http *h, h2o_req_t *req, const struct route_match *m);
void httpcall_no_method(struct http *h, h2o_req_t *req, const char *path, size_t n);
void httpcall_no_route(struct http *h, h2o_req_t *req, const char *path, size_t n);
void httpcall_later_done(struct httplater *l); /* HTTP_RESUME has come */
void httpcall_later_sweep(struct http *h, montime now); /* answers those that take too long */
void httpcall_begin(struct httpcall *c, int status,
                    const char *type); /* status line and common headers */

/* httpfile.c */
/* The dashboard's files and what h2o answers by itself, made to look like the rest. */
void httpfile_register(struct http *h, h2o_hostconf_t *host, h2o_pathconf_t *path);

#endif
