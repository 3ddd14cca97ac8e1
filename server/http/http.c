/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/http.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/http/http_h2o.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "http"

enum {
    ACCEPTS_A_TURN = 16,
    BACKLOG = 1024,
    TICK_MS = 1000,
    STOP_POLL_MS = 20,
    CLOSE_TURNS = 50,
    LINGER_MS = 2000,
    LINGERING_MAX = 100,
    SMALL_BODY = 64 << 10 /* is not worth a refusal: max_connections bounds them */
};

const double http_bucket_seconds[HTTP_BUCKETS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                  0.01,   0.025,   0.1,    0.25,  1,      5};

struct connection {
    struct http *http;
    h2o_socket_t *sock;
    h2o_linklist_t link;
    int linger_fd; /* see http_linger; -1: none */
};

struct lingering {
    h2o_socket_t *sock;
    h2o_timeout_entry_t timeout;
    h2o_linklist_t link;
    struct http *http;
};

struct handler {
    h2o_handler_t super; /* first */
    struct http *http;
};

/* --- counting ------------------------------------------------------------------------------------------------- */

void http_count(struct http *h, const struct route *route, int status, montime began)
{
    size_t i = route ? (size_t)(route - h->app.routes) : h->app.nroutes, k = 0;
    montime took = timebase_mono_ns() - began;
    int class = status / 100;
    h->route_stats[i].answers[class >= 0 && class < HTTP_CLASSES ? class : 0]++;
    h->route_stats[i].ns += (uint64_t)took;
    while (k < HTTP_BUCKETS && (double)took / 1e9 > http_bucket_seconds[k])
        k++;
    h->stats.buckets[k]++;
    h->stats.requests++;
}

void http_stats(const struct http *h, struct http_stats *out)
{
    *out = h->stats;
    out->routes = h->route_stats;
}

static bool fit_for_logs(const char *s, size_t n)
{
    if (n == 0 || n > HTTP_ID_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= '0' && s[i] <= '9') || ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') ||
              s[i] == '-' || s[i] == '_' || s[i] == '.'))
            return false;
    return true;
}

void http_request_id(struct http *h, h2o_req_t *req, char out[HTTP_ID_MAX + 1])
{
    ssize_t i = h2o_find_header_by_str(&req->headers, H2O_STRLIT("x-request-id"), -1);
    if (i >= 0) {
        h2o_iovec_t v = req->headers.entries[i].value;
        if (fit_for_logs(v.base, v.len)) {
            memcpy(out, v.base, v.len);
            out[v.len] = '\0';
            return;
        }
    }
    static const char digits[] = "0123456789abcdef";
    uint64_t v = h->id_prefix ^ (++h->id_next * UINT64_C(0x9e3779b97f4a7c15));
    for (int k = 0; k < 16; k++)
        out[k] = digits[v >> (60 - 4 * k) & 15];
    out[16] = '\0';
}

/* --- requests ------------------------------------------------------------------------------------------------- */

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    struct http *h = ((struct handler *)self)->http;
    size_t n = req->query_at == SIZE_MAX ? req->path.len : req->query_at;
    struct route_match m;
    h->stats.body_bytes += req->entity.base ? req->entity.len : 0;
    switch (route_find(h->app.routes, h->app.nroutes, req->method.base, req->method.len,
                       req->path.base, n, &m)) {
    case ROUTE_FOUND:
        httpcall_dispatch(h, req, &m);
        return 0;
    case ROUTE_NO_METHOD:
        httpcall_no_method(h, req, req->path.base, n);
        return 0;
    default:
        break;
    }
    bool reads = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET")) ||
                 h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));
    bool api = n >= 4 && memcmp(req->path.base, "/api", 4) == 0;
    if (reads && !api && h->have_files)
        return -1; /* the dashboard's files are next */
    httpcall_no_route(h, req, req->path.base, n);
    return 0;
}

/* --- lingering ----------------------------------------------------------------------------------------------- */

/* A connection that is closed with unread bytes in it is reset, and the reset may overtake the answer: a client that is
 * still sending its too large body would never see the 413. So a copy of the descriptor outlives h2o's: what comes is
 * thrown away until the client has read and closed, for a bounded time. */

static void end_lingering(struct lingering *l)
{
    h2o_timeout_unlink(&l->timeout);
    h2o_linklist_unlink(&l->link);
    l->http->nlingering--;
    h2o_socket_close(l->sock);
    mem_free(l);
}

static void on_linger_read(h2o_socket_t *sock, const char *err)
{
    h2o_buffer_consume(&sock->input, sock->input->size);
    if (err)
        end_lingering(sock->data);
}

static void on_linger_timeout(h2o_timeout_entry_t *entry)
{
    end_lingering(H2O_STRUCT_FROM_MEMBER(struct lingering, timeout, entry));
}

static void linger(struct http *h, int fd)
{
    struct lingering *l = mem_new(sizeof *l);
    shutdown(fd, SHUT_WR);
    l->http = h;
    l->sock = h2o_evloop_socket_create(h->ctx.loop, fd, 0);
    l->sock->data = l;
    l->timeout.cb = on_linger_timeout;
    h2o_timeout_link(h->ctx.loop, &h->linger_timeout, &l->timeout);
    h2o_linklist_insert(&h->lingering, &l->link);
    h->nlingering++;
    h2o_socket_read_start(l->sock, on_linger_read);
}

void http_linger(struct http *h, h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    struct connection *c = sock->on_close.data;
    if (!c || c->linger_fd >= 0 || h->nlingering >= LINGERING_MAX || h->stopping)
        return;
    c->linger_fd = fcntl(h2o_socket_get_fd(sock), F_DUPFD_CLOEXEC, 0);
}

/* --- connections ---------------------------------------------------------------------------------------------- */

static void on_accept(h2o_socket_t *listener, const char *err);

static void on_close(void *data)
{
    struct connection *c = data;
    struct http *h = c->http;
    h2o_linklist_unlink(&c->link);
    if (c->linger_fd >= 0)
        linger(h, c->linger_fd);
    mem_free(c);
    h->stats.connections--;
    if (h->listener && !h->listening) {
        h->listening = true;
        h2o_socket_read_start(h->listener, on_accept);
    }
}

/* Answers 429 in the place of h2o, which has no way to answer before a body is whole; then the read fails for it. */
static void refuse_body(struct http *h, struct connection *c)
{
    static const char body[] =
        "{\"type\":\"/problems/backpressure\",\"title\":\"The workers are behind\",\"status\":429,"
        "\"detail\":\"requests that are coming in fill half of --memory-intake\"}\n";
    char answer[512];
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\n"
                     "Retry-After: 1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                     sizeof body - 1, body);
    int fd = h2o_socket_get_fd(c->sock);
    h->stats.bodies_refused++;
    if (send(fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) > 0 &&
        h->nlingering < LINGERING_MAX && !h->stopping)
        c->linger_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    c->sock->_cb.read(c->sock, "refused");
}

/* Those that came last go first, so that the others come to their end. */
static void bound_bodies(struct http *h)
{
    size_t sum = 0;
    for (h2o_linklist_t *n = h->connections.next; n != &h->connections; n = n->next)
        sum += H2O_STRUCT_FROM_MEMBER(struct connection, link, n)->sock->input->size;
    for (h2o_linklist_t *n = h->connections.prev, *next;
         h->o.max_bodies > 0 && sum > h->o.max_bodies; n = next) {
        struct connection *c = H2O_STRUCT_FROM_MEMBER(struct connection, link, n);
        if (n == &h->connections)
            break;
        next = n->prev;
        size_t size = c->sock->input->size;
        if (size < SMALL_BODY || !h2o_socket_is_reading(c->sock))
            continue; /* or its request is being worked off */
        sum -= size;
        refuse_body(h, c);
    }
    h->stats.bodies_waiting_bytes = sum;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct http *h = listener->data;
    if (err)
        return;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (h->stats.connections >= h->o.max_connections) {
            /* The rest wait in the kernel's queue: a bound on memory that no client sees as an error at once. */
            h->listening = false;
            h->stats.refused_connections++;
            h2o_socket_read_stop(listener);
            return;
        }
        h2o_socket_t *sock = h2o_evloop_socket_accept(listener);
        if (!sock)
            return;
        struct connection *c = mem_new(sizeof *c);
        *c = (struct connection){.http = h, .sock = sock, .linger_fd = -1};
        h2o_linklist_insert(&h->connections, &c->link);
        sock->on_close.cb = on_close;
        sock->on_close.data = c;
        h->stats.connections++;
        h->stats.connections_total++;
        h2o_accept(&h->accept, sock);
    }
}

/* --- from other threads --------------------------------------------------------------------------------------- */

void http_send(struct http *h, struct http_message *m)
{
    h2o_multithread_send_message(&h->receiver, &m->super);
}

void http_wake(struct http *h)
{
    /* One message under way is enough for any number of calls. */
    if (atomic_exchange(&h->wake_sent, true))
        return;
    struct http_message *m = mem_new(sizeof *m);
    m->kind = HTTP_WAKE;
    http_send(h, m);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct http *h = H2O_STRUCT_FROM_MEMBER(struct http, receiver, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct http_message *m =
            H2O_STRUCT_FROM_MEMBER(struct http_message, super.link, messages->next);
        h2o_linklist_unlink(&m->super.link);
        if (m->kind == HTTP_RESUME) {
            httpcall_later_done(m->later);
        } else {
            atomic_store(&h->wake_sent,
                         false); /* before woken() looks: what comes now wakes again */
            if (h->app.woken)
                h->app.woken(h->app.app);
        }
        mem_free(m);
    }
}

void http_stop(struct http *h)
{
    uint64_t one = 1;
    int saved = errno;
    ssize_t n = write(h->stop_fd, &one, sizeof one);
    (void)n; /* it can only be full, and then it has been told already */
    errno = saved;
}

/* Connections that wait for a next request are closed; those in the midst of one are let end it. */
static void close_idle(struct http *h, bool all)
{
    for (h2o_linklist_t *n = h->connections.next; n != &h->connections; n = n->next) {
        struct connection *c = H2O_STRUCT_FROM_MEMBER(struct connection, link, n);
        if (all || c->sock->input->size == 0)
            shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
    }
}

static void on_stop(h2o_socket_t *sock, const char *err)
{
    struct http *h = sock->data;
    (void)err;
    h2o_socket_read_stop(sock);
    if (h->stopping)
        return;
    h->stopping = true;
    h2o_socket_read_stop(h->listener);
    h2o_socket_close(h->listener);
    h->listener = NULL;
    /* Answers say "connection: close" from here on. h2o_context_request_shutdown would also arm a timer of HTTP/2's, which
     * h2o then asserts is not armed when the context goes. */
    h->ctx.shutdown_requested = 1;
    if (h->app.stopping)
        h->app.stopping(h->app.app);
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct http *h = H2O_STRUCT_FROM_MEMBER(struct http, tick_entry, entry);
    httpcall_later_sweep(h, timebase_mono_ns());
    if (h->app.tick)
        h->app.tick(h->app.app);
    h2o_timeout_link(h->ctx.loop, &h->tick_timeout, &h->tick_entry);
}

/* --- life ----------------------------------------------------------------------------------------------------- */

static enum err say_bind(const struct http_options *o, int errnum, struct diag *d)
{
    enum err e = err_from_errno(errnum);
    if (errnum == EADDRINUSE)
        diag_say(d, "port-in-use", "choose another with --port, or end what holds it",
                 "port %u is in use by another process", o->port);
    else if (errnum == EACCES)
        diag_say(d, "port-denied", "ports below 1024 are root's; choose another with --port",
                 "this user may not listen on port %u", o->port);
    else if (errnum == EADDRNOTAVAIL)
        diag_say(d, "no-address", "name one of its addresses with --bind, or 0.0.0.0 for all",
                 "this machine does not have the address %s", o->bind);
    else
        diag_say(d, "bind", NULL, "cannot listen on %s, port %u: %s", o->bind, o->port,
                 strerror(errnum));
    return e == ERR_OK ? ERR_IO : e;
}

static enum err bind_port(const struct http_options *o, struct diag *d, int *out, unsigned *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found = NULL;
    char text[16];
    int on = 1;
    snprintf(text, sizeof text, "%u", o->port);
    const char *address = strcmp(o->bind, "localhost") == 0 ? "127.0.0.1" : o->bind;
    if (getaddrinfo(address, text, &hints, &found) != 0) {
        diag_say(d, "no-address", "write it in numbers, as in 127.0.0.1 or ::1",
                 "--bind %s is no address", o->bind);
        return ERR_INVALID;
    }
    /* Without SO_REUSEPORT, so that a second server is told that the port is taken. */
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                 bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0;
    int errnum = errno;
    freeaddrinfo(found);
    if (failed) {
        if (fd >= 0)
            close(fd);
        return say_bind(o, errnum, d);
    }
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t size = sizeof at;
    memset(&at, 0, sizeof at);
    getsockname(fd, &at.any, &size);
    *port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
    *out = fd;
    return ERR_OK;
}

static void configure(struct http *h)
{
    h2o_config_init(&h->config);
    h->config.server_name = h2o_iovec_init(H2O_STRLIT("weir"));
    /* A body up to twice the limit is read, so that the client hears a whole 413 and not a broken connection; past that
     * h2o answers without reading on. Its own limit is 1 GiB. */
    h->config.max_request_entity_size = 2 * h->o.max_body;
    h->config.http1.req_timeout = h->o.request_timeout_ms;
    /* No `Upgrade: h2c`, no `PRI * HTTP/2`; and with no TLS there is no ALPN: see http.h. */
    h->config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&h->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct handler *handler = (struct handler *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->http = h;
    httpfile_register(h, host, path);
    h2o_context_init(&h->ctx, h2o_evloop_create(), &h->config);
    h->accept = (h2o_accept_ctx_t){.ctx = &h->ctx, .hosts = h->config.hosts};
    h2o_multithread_register_receiver(h->ctx.queue, &h->receiver, on_messages);
}

enum err http_listen(const struct http_options *o, struct diag *d, struct http **out)
{
    int fd = -1;
    unsigned port = 0;
    enum err e = bind_port(o, d, &fd, &port);
    if (e != ERR_OK)
        return e;
    struct http *h = mem_new(sizeof *h);
    h->o = *o;
    h->port = port;
    h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    BUG_IF(h->stop_fd < 0, "eventfd: %s", strerror(errno));
    if (getrandom(&h->id_prefix, sizeof h->id_prefix, 0) != sizeof h->id_prefix)
        h->id_prefix = (uint64_t)timebase_mono_ns();
    h2o_linklist_init_anchor(&h->connections);
    h2o_linklist_init_anchor(&h->laters);
    h2o_linklist_init_anchor(&h->lingering);
    configure(h);
    h->listener = h2o_evloop_socket_create(h->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    h->listener->data = h;
    h->stop_socket = h2o_evloop_socket_create(h->ctx.loop, h->stop_fd, H2O_SOCKET_FLAG_DONT_READ);
    h->stop_socket->data = h;
    *out = h;
    return ERR_OK;
}

unsigned http_port(const struct http *h)
{
    return h->port;
}

void http_run(struct http *h, const struct http_app *app)
{
    h->app = *app;
    h->route_stats = mem_array(app->nroutes + 1, sizeof *h->route_stats);
    h->listening = true;
    h2o_socket_read_start(h->listener, on_accept);
    h2o_socket_read_start(h->stop_socket, on_stop);
    h2o_timeout_init(h->ctx.loop, &h->tick_timeout, TICK_MS);
    h2o_timeout_init(h->ctx.loop, &h->linger_timeout, LINGER_MS);
    h->tick_entry.cb = on_tick;
    h2o_timeout_link(h->ctx.loop, &h->tick_timeout, &h->tick_entry);
    while (!h->stopping) {
        h2o_evloop_run(h->ctx.loop, TICK_MS);
        bound_bodies(h);
    }
    montime deadline = timebase_mono_ns() + (montime)h->o.shutdown_timeout_ms * 1000000;
    while (!h2o_linklist_is_empty(&h->connections) && timebase_mono_ns() < deadline) {
        close_idle(h, false);
        h2o_evloop_run(h->ctx.loop, STOP_POLL_MS);
    }
    if (!h2o_linklist_is_empty(&h->connections))
        LOG_WARN("requests cut off at the end", "connections=%llu",
                 (unsigned long long)h->stats.connections);
    for (int i = 0; i < CLOSE_TURNS && !h2o_linklist_is_empty(&h->connections); i++) {
        close_idle(h, true);
        h2o_evloop_run(h->ctx.loop, STOP_POLL_MS);
    }
    while (!h2o_linklist_is_empty(&h->lingering))
        end_lingering(H2O_STRUCT_FROM_MEMBER(struct lingering, link, h->lingering.next));
    h2o_timeout_unlink(&h->tick_entry);
    h2o_timeout_dispose(h->ctx.loop, &h->tick_timeout);
    h2o_timeout_dispose(h->ctx.loop, &h->linger_timeout);
}

void http_free(struct http *h)
{
    if (!h)
        return;
    if (h->listener)
        h2o_socket_close(h->listener);
    h2o_socket_close(h->stop_socket); /* closes stop_fd */
    h2o_evloop_run(h->ctx.loop,
                   0); /* what has come from other threads, and the closed sockets' memory */
    if (h2o_linklist_is_empty(&h->connections)) {
        /* h2o asserts that a context which is disposed of has no connections; if one would not die, memory is the
         * process's end's to free. */
        h2o_multithread_queue_t *queue = h->ctx.queue;
        h2o_loop_t *loop = h->ctx.loop;
        h2o_multithread_unregister_receiver(queue, &h->receiver);
        h2o_context_dispose(&h->ctx);
        h2o_config_dispose(&h->config);
        h2o_evloop_run(loop, 0); /* the queue's socket has been closed just now */
        h2o_evloop_destroy(loop);
        free(queue); /* h2o leaves it to the process's end */
    }
    mem_free(h->route_stats);
    bytes_fini(&h->out);
    mem_free(h);
}
