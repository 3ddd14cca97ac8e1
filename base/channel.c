/* SPDX-License-Identifier: Apache-2.0
 *
 * Header, little-endian: u8 version, u8 kind, u8 flags (1: counted), u8 zero, u16 stage, u16 zero, u32 length, u32 epoch,
 * u32 granted. Grants travel in the header of whatever is sent next; when a quarter of the window is owed and nothing is
 * sent, a frame of kind 0 carries them.
 *
 * Buffers are consumed from `head` and moved down only when more than half of them is behind it, so that each byte is
 * moved at most once. */
#include "base/channel.h"
#include "base/bug.h"
#include "base/bytes.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KIND_GRANT = 0, FLAG_COUNTED = 1, READ_BYTES = 256 << 10, KEEP_BYTES = 1 << 20 };

struct queue {
    struct bytes b;
    size_t head;
};
struct channel {
    int fd;
    int64_t window,
        credit; /* credit: counted bytes that may still be sent; a step may overdraw it */
    int64_t owed; /* counted bytes dropped here and not granted yet */
    bool held; /* what is owed is kept back */
    uint64_t sent, received;
    struct queue in, out;
    struct channel_frame first; /* that channel_peek gave */
    size_t first_bytes; /* with its header; 0: none */
    bool granted; /* what it grants has been taken: it may be looked at again after a read */
};

struct channel *channel_new(int fd, size_t window)
{
    struct channel *c = mem_new(sizeof *c);
    c->fd = fd;
    c->window = c->credit = (int64_t)window;
    int flags = fcntl(fd, F_GETFL);
    BUG_IF(flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0, "descriptor %d is no socket",
           fd);
    return c;
}

void channel_free(struct channel *c)
{
    if (c == NULL)
        return;
    close(c->fd);
    bytes_fini(&c->in.b);
    bytes_fini(&c->out.b);
    mem_free(c);
}

int channel_fd(const struct channel *c)
{
    return c->fd;
}

static void queue_advance(struct queue *q, size_t n)
{
    q->head += n;
    if (q->head == q->b.n) {
        q->head = q->b.n = 0;
        if (q->b.cap > KEEP_BYTES)
            bytes_fini(&q->b); /* one large burst must not hold its memory for ever */
    } else if (q->head > q->b.n / 2 && q->head > READ_BYTES) {
        memmove(q->b.p, q->b.p + q->head, q->b.n - q->head);
        q->b.n -= q->head;
        q->head = 0;
    }
}

static void put_frame(struct channel *c, const struct channel_frame *f)
{
    uint32_t grant = c->held ? 0 : (uint32_t)c->owed;
    c->owed = c->held ? c->owed : 0;
    struct bytes *b = &c->out.b;
    bytes_reserve(b, CHANNEL_HEADER_BYTES + (size_t)f->n);
    bytes_u8(b, CHANNEL_VERSION);
    bytes_u8(b, f->kind);
    bytes_u8(b, f->counted ? FLAG_COUNTED : 0);
    bytes_u8(b, 0);
    bytes_u16(b, f->stage);
    bytes_u16(b, 0);
    bytes_u32(b, f->n);
    bytes_u32(b, f->epoch);
    bytes_u32(b, grant);
    bytes_put(b, f->p, f->n);
}

void channel_send(struct channel *c, const struct channel_frame *f)
{
    BUG_IF(f->kind == KIND_GRANT || f->n > CHANNEL_FRAME_MAX, "frame of kind %u with %u bytes",
           f->kind, f->n);
    if (f->counted)
        c->credit -= (int64_t)f->n + CHANNEL_HEADER_BYTES;
    put_frame(c, f);
}

enum err channel_flush(struct channel *c)
{
    while (c->out.head < c->out.b.n) {
        size_t n = c->out.b.n - c->out.head;
        ssize_t done = send(c->fd, c->out.b.p + c->out.head, n, MSG_NOSIGNAL);
        if (done > 0) {
            queue_advance(&c->out, (size_t)done);
            c->sent += (size_t)done;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return ERR_OK;
        else if (errno != EINTR)
            return ERR_CLOSED;
    }
    return ERR_OK;
}

size_t channel_queued(const struct channel *c)
{
    return c->out.b.n - c->out.head;
}

bool channel_ready(const struct channel *c)
{
    return c->credit > 0 && (int64_t)channel_queued(c) < c->window;
}

bool channel_overdrawn(const struct channel *c)
{
    return c->credit < -c->window;
}

/* Bytes that the socket must still give before the first frame is whole, or a good amount if that is not known. */
static size_t wanted(const struct channel *c)
{
    size_t have = c->in.b.n - c->in.head;
    if (have < CHANNEL_HEADER_BYTES)
        return READ_BYTES;
    struct bytes_reader r = bytes_read(c->in.b.p + c->in.head + 8, 4);
    size_t whole = CHANNEL_HEADER_BYTES + (size_t)bytes_get_u32(&r);
    if (whole > CHANNEL_FRAME_MAX || whole <= have)
        return READ_BYTES;
    return whole - have > READ_BYTES ? whole - have : READ_BYTES;
}

enum err channel_read(struct channel *c)
{
    c->first_bytes = 0;
    size_t room = wanted(c);
    /* A hostile length must not reserve memory that no bytes come for. */
    if (room > 4 * READ_BYTES)
        room = 4 * READ_BYTES;
    uint8_t *to = bytes_reserve(&c->in.b, room);
    for (;;) {
        ssize_t n = recv(c->fd, to, room, 0);
        if (n > 0) {
            c->in.b.n += (size_t)n;
            c->received += (size_t)n;
            return ERR_OK;
        }
        if (n == 0)
            return ERR_CLOSED;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return ERR_AGAIN;
        if (errno != EINTR)
            return ERR_CLOSED;
    }
}

static enum err read_header(struct channel *c, size_t have, struct channel_frame *f,
                            uint32_t *grant)
{
    struct bytes_reader r = bytes_read(c->in.b.p + c->in.head, have);
    uint8_t version = bytes_get_u8(&r);
    f->kind = bytes_get_u8(&r);
    uint8_t flags = bytes_get_u8(&r), zero = bytes_get_u8(&r);
    f->stage = bytes_get_u16(&r);
    unsigned more_zero = bytes_get_u16(&r);
    f->n = bytes_get_u32(&r);
    f->epoch = bytes_get_u32(&r);
    *grant = bytes_get_u32(&r);
    f->counted = flags & FLAG_COUNTED;
    f->p = r.p;
    if (version != CHANNEL_VERSION)
        return ERR_VERSION;
    if (flags > FLAG_COUNTED || zero != 0 || more_zero != 0 || f->n > CHANNEL_FRAME_MAX)
        return ERR_CORRUPT;
    if (f->kind == KIND_GRANT && f->n != 0)
        return ERR_CORRUPT;
    return ERR_OK;
}

enum err channel_peek(struct channel *c, struct channel_frame *out)
{
    while (c->first_bytes == 0) {
        size_t have = c->in.b.n - c->in.head;
        if (have < CHANNEL_HEADER_BYTES)
            return ERR_END;
        uint32_t grant = 0;
        enum err e = read_header(c, have, &c->first, &grant);
        if (e != ERR_OK)
            return e;
        size_t whole = CHANNEL_HEADER_BYTES + (size_t)c->first.n;
        if (have < whole)
            return ERR_END;
        c->credit += c->granted ? 0 : grant;
        c->granted = c->first.kind != KIND_GRANT;
        if (c->credit > c->window)
            return ERR_CORRUPT;
        if (c->first.kind == KIND_GRANT)
            queue_advance(&c->in, whole);
        else
            c->first_bytes = whole;
    }
    *out = c->first;
    return ERR_OK;
}

/* At least so much is owed: it is said now, if nothing else goes that way. */
static void give_back(struct channel *c, int64_t least)
{
    if (!c->held && c->owed >= least && c->owed > 0)
        put_frame(c, &(struct channel_frame){.kind = KIND_GRANT});
}

void channel_drop(struct channel *c)
{
    BUG_IF(c->first_bytes == 0, "no frame was looked at");
    if (c->first.counted)
        c->owed += (int64_t)c->first_bytes;
    queue_advance(&c->in, c->first_bytes);
    c->first_bytes = 0;
    c->granted = false;
    give_back(c, c->window / 4);
}

void channel_hold(struct channel *c, bool held)
{
    c->held = held;
    give_back(c, c->window / 4);
}

void channel_set_window(struct channel *c, size_t window)
{
    c->credit += (int64_t)window - c->window;
    c->window = (int64_t)window;
}

void channel_stats(const struct channel *c, struct channel_stats *out)
{
    *out = (struct channel_stats){.window = c->window,
                                  .credit = c->credit,
                                  .queued = channel_queued(c),
                                  .owed = (uint64_t)c->owed,
                                  .sent = c->sent,
                                  .received = c->received};
}
