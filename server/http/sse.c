/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/sse.h"
#include "base/mem.h"
#include "server/http/http_h2o.h"
#include <inttypes.h>

enum {
    PENDING_MAX = 1 << 20, /* bytes that a client may be behind before it is cut off */
    QUEUE_MAX = 8 << 20, /* bytes of alerts on their way from the runtime's thread */
    REPLAY_ROWS = 200,
    HEARTBEAT_TICKS = 15,
    SNDBUF = 256 << 10,
};

struct client {
    h2o_generator_t super; /* first */
    h2o_linklist_t link;
    struct sse *hub;
    h2o_req_t *req;
    enum sse_topic topic;
    bool writing, closing, replaying;
    uint64_t cursor; /* the last alert it was given */
    struct bytes pending, inflight; /* what waits; what h2o writes and must not move */
};

struct frame {
    uint64_t seq;
    size_t from, to; /* in the queue's text */
};
struct queue {
    struct bytes text;
    struct frame *frames;
    size_t n, cap;
    bool overflown;
};

struct sse {
    struct http *http;
    struct sse_source source;
    unsigned max_clients, ticks;
    h2o_linklist_t clients;
    struct sse_stats stats;
    atomic_uint alert_clients;
    pthread_mutex_t lock; /* of `in` */
    struct queue in, out; /* filled by sse_alert; being handed out */
    struct bytes scratch;
};

struct sse *sse_new(struct http *h, unsigned max_clients, const struct sse_source *source)
{
    struct sse *s = mem_new(sizeof *s);
    s->http = h;
    s->source = *source;
    s->max_clients = max_clients;
    h2o_linklist_init_anchor(&s->clients);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void queue_fini(struct queue *q)
{
    bytes_fini(&q->text);
    mem_free(q->frames);
}

void sse_free(struct sse *s)
{
    if (!s)
        return;
    queue_fini(&s->in);
    queue_fini(&s->out);
    bytes_fini(&s->scratch);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

void sse_frame(struct bytes *out, const char *event, uint64_t id, bool with_id, const char *json,
               size_t n)
{
    if (with_id)
        bytes_printf(out, "id: %" PRIu64 "\n", id);
    bytes_printf(out, "event: %s\ndata: ", event);
    bytes_put(out, json, n);
    bytes_put(out, "\n\n", 2);
}

/* --- one client ----------------------------------------------------------------------------------------------- */

static void flush(struct client *c)
{
    if (c->writing || (c->pending.n == 0 && !c->closing))
        return;
    struct bytes t = c->inflight;
    c->inflight = c->pending;
    c->pending = t;
    bytes_reset(&c->pending);
    c->writing = true;
    h2o_iovec_t v = h2o_iovec_init((char *)c->inflight.p, c->inflight.n);
    h2o_send(c->req, &v, v.len != 0,
             c->closing ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

/* The write is stuck and h2o has no way to give up a response: an end of the connection makes the write fail. */
static void cut(struct client *c)
{
    c->hub->stats.cut++;
    c->closing = true; /* nothing more is put into it */
    shutdown(h2o_socket_get_fd(c->req->conn->callbacks->get_socket(c->req->conn)), SHUT_RDWR);
}

static void replay(struct client *c)
{
    while (c->replaying && !c->closing && c->pending.n < PENDING_MAX / 4) {
        uint64_t last = c->cursor;
        unsigned n =
            c->hub->source.replay(c->hub->source.ctx, c->cursor, REPLAY_ROWS, &c->pending, &last);
        c->cursor = last;
        /* A page that is not full was read to the end of what is stored: all later ones will be handed out by sse_woken,
         * and one that is still in its queue is known by its seq. */
        c->replaying = n == REPLAY_ROWS;
    }
}

static void on_proceed(h2o_generator_t *self, h2o_req_t *req)
{
    struct client *c = (struct client *)self;
    (void)req;
    c->writing = false;
    bytes_reset(&c->inflight);
    replay(c);
    flush(c); /* with nothing to send it stays open and idle, which h2o allows */
}

static void on_gone(void *p)
{
    struct client *c = p;
    if (h2o_linklist_is_linked(&c->link)) {
        h2o_linklist_unlink(&c->link);
        c->hub->stats.clients--;
        if (c->topic == SSE_ALERTS)
            atomic_fetch_sub(&c->hub->alert_clients, 1);
    }
    bytes_fini(&c->pending);
    bytes_fini(&c->inflight);
}

static void offer(struct client *c, const void *p, size_t n)
{
    if (c->closing)
        return;
    if (c->pending.n + n > PENDING_MAX)
        cut(c);
    else
        bytes_put(&c->pending, p, n);
}

static void offer_operation(struct client *c)
{
    struct bytes *json = &c->hub->scratch;
    bytes_reset(json);
    bool open = c->hub->source.operation(c->hub->source.ctx, c->cursor, json);
    if (json->n > 0)
        sse_frame(&c->pending, "operation", 0, false, (const char *)json->p, json->n);
    c->closing = !open;
}

void sse_open(struct sse *s, struct httpcall *call, enum sse_topic topic, bool with_replay,
              uint64_t after)
{
    h2o_req_t *req = call->req;
    int sndbuf = SNDBUF;
    if (s->stats.clients >= s->max_clients || call->http->stopping) {
        httpcall_problem(call, PROBLEM_TOO_MANY_READERS, NULL, "%u are open (--max-live-readers)",
                         s->max_clients);
        return;
    }
    struct client *c = h2o_mem_alloc_shared(&req->pool, sizeof *c, on_gone);
    memset(c, 0, sizeof *c);
    c->super.proceed = on_proceed;
    c->hub = s;
    c->req = req;
    c->topic = topic;
    c->replaying = with_replay && topic == SSE_ALERTS;
    c->cursor = after;
    h2o_linklist_insert(&s->clients, &c->link);
    s->stats.clients++;
    if (topic == SSE_ALERTS)
        atomic_fetch_add(&s->alert_clients, 1);
    /* What the kernel holds for a reader that does not read is bounded too. */
    setsockopt(h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)), SOL_SOCKET,
               SO_SNDBUF, &sndbuf, sizeof sndbuf);
    httpcall_begin(call, 200, "text/event-stream");
    req->compress_hint = H2O_COMPRESS_HINT_DISABLE;
    h2o_start_response(req, &c->super);
    bytes_printf(&c->pending, "retry: 2000\n\n");
    if (topic == SSE_OVERVIEW) {
        bytes_reset(&s->scratch);
        s->source.overview(s->source.ctx, &s->scratch);
        sse_frame(&c->pending, "overview", 0, false, (const char *)s->scratch.p, s->scratch.n);
    }
    if (topic == SSE_OPERATION)
        offer_operation(c);
    if (h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"))) {
        bytes_reset(&c->pending);
        c->closing = true;
    }
    replay(c);
    flush(c);
}

/* --- to all --------------------------------------------------------------------------------------------------- */

void sse_alert(struct sse *s, uint64_t seq, const char *json, size_t n)
{
    if (atomic_load(&s->alert_clients) == 0)
        return;
    pthread_mutex_lock(&s->lock);
    if (s->in.text.n + n > QUEUE_MAX) {
        s->in.overflown = true;
    } else {
        size_t from = s->in.text.n;
        sse_frame(&s->in.text, "alert", seq, true, json, n);
        s->in.frames = mem_grow(s->in.frames, s->in.n, 1, &s->in.cap, sizeof *s->in.frames);
        s->in.frames[s->in.n++] = (struct frame){seq, from, s->in.text.n};
    }
    pthread_mutex_unlock(&s->lock);
    http_wake(s->http);
}

static void hand_out(struct client *c, const struct queue *q)
{
    if (c->closing || c->replaying)
        return;
    if (q->overflown) { /* some were dropped: it comes back with its cursor and finds them in the catalogue */
        cut(c);
        return;
    }
    for (size_t i = 0; i < q->n; i++) {
        if (q->frames[i].seq <= c->cursor)
            continue;
        offer(c, q->text.p + q->frames[i].from, q->frames[i].to - q->frames[i].from);
        c->cursor = q->frames[i].seq;
    }
    flush(c);
}

#define EACH_CLIENT(s, n, next)                                                                    \
    for (h2o_linklist_t *n = (s)->clients.next, *next = n->next; n != &(s)->clients;               \
         n = next, next = n->next)

void sse_woken(struct sse *s)
{
    pthread_mutex_lock(&s->lock);
    struct queue q = s->in;
    s->in = s->out;
    s->out = q;
    pthread_mutex_unlock(&s->lock);
    EACH_CLIENT(s, n, next)
    {
        struct client *c = H2O_STRUCT_FROM_MEMBER(struct client, link, n);
        if (c->topic == SSE_ALERTS)
            hand_out(c, &s->out);
    }
    bytes_reset(&s->out.text);
    s->out.n = 0;
    s->out.overflown = false;
}

void sse_tick(struct sse *s)
{
    /* On HTTP/1 h2o does not read while it answers: that a client is gone shows when a write fails. */
    bool heartbeat = ++s->ticks % HEARTBEAT_TICKS == 0;
    bytes_reset(&s->scratch);
    EACH_CLIENT(s, n, next)
    {
        struct client *c = H2O_STRUCT_FROM_MEMBER(struct client, link, n);
        if (c->closing)
            continue;
        if (c->topic == SSE_OVERVIEW && !c->writing) { /* one that is behind gets the next one */
            if (s->scratch.n == 0)
                s->source.overview(s->source.ctx, &s->scratch);
            sse_frame(&c->pending, "overview", 0, false, (const char *)s->scratch.p, s->scratch.n);
        } else if (c->topic == SSE_OPERATION && !c->writing) {
            offer_operation(c);
            bytes_reset(&s->scratch); /* the overview is not in it */
        } else if (heartbeat) {
            offer(c, ":\n\n", 3);
        }
        flush(c);
    }
}

void sse_end(struct sse *s)
{
    EACH_CLIENT(s, n, next)
    {
        struct client *c = H2O_STRUCT_FROM_MEMBER(struct client, link, n);
        c->closing = true;
        flush(c);
    }
}

void sse_stats(const struct sse *s, struct sse_stats *out)
{
    *out = s->stats;
}
