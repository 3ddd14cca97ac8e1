/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/loadwire.h"

const char *loadwire_why_name(enum loadwire_why why)
{
    static const char *const names[LOADWIRE_WHYS] = {
        [LOADWIRE_CHANNEL] = "channel",
        [LOADWIRE_ORDERING] = "ordering",
        [LOADWIRE_STATE] = "state",
        [LOADWIRE_LOOKUPS] = "lookups",
    };
    return why < LOADWIRE_WHYS ? names[why] : NULL;
}

void loadwire_put(const struct loadwire *m, struct bytes *out)
{
    bytes_u64(out, m->busy_ns);
    bytes_u64(out, m->idle_ns);
    bytes_u64(out, m->backpressured_ns);
    bytes_u8(out, (uint8_t)m->why);
    bytes_u8(out, m->state_full);
    bytes_u64(out, m->intake_bytes);
    bytes_u64(out, m->ordering_bytes);
    bytes_u8(out, (uint8_t)m->nchannels);
    for (unsigned i = 0; i < m->nchannels; i++) {
        const struct loadwire_channel *c = &m->channels[i];
        bytes_u8(out, (uint8_t)c->to);
        bytes_u64(out, c->blocked_ns);
        bytes_u64(out, (uint64_t)c->s.window);
        bytes_u64(out, (uint64_t)c->s.credit);
        bytes_u64(out, c->s.queued);
        bytes_u64(out, c->s.sent);
        bytes_u64(out, c->s.received);
    }
}

enum err loadwire_get(const void *p, size_t n, struct loadwire *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->busy_ns = bytes_get_u64(&r);
    out->idle_ns = bytes_get_u64(&r);
    out->backpressured_ns = bytes_get_u64(&r);
    unsigned why = bytes_get_u8(&r);
    out->why = (enum loadwire_why)why;
    out->state_full = bytes_get_u8(&r) != 0;
    out->intake_bytes = bytes_get_u64(&r);
    out->ordering_bytes = bytes_get_u64(&r);
    out->nchannels = bytes_get_u8(&r);
    if (r.bad || why >= LOADWIRE_WHYS || out->nchannels > LOADWIRE_CHANNELS)
        return ERR_CORRUPT;
    for (unsigned i = 0; i < out->nchannels; i++) {
        struct loadwire_channel *c = &out->channels[i];
        c->to = bytes_get_u8(&r);
        c->blocked_ns = bytes_get_u64(&r);
        c->s.window = (int64_t)bytes_get_u64(&r);
        c->s.credit = (int64_t)bytes_get_u64(&r);
        c->s.queued = bytes_get_u64(&r);
        c->s.sent = bytes_get_u64(&r);
        c->s.received = bytes_get_u64(&r);
        if (c->to >= TASK_WORKERS_MAX && c->to != LOADWIRE_COORDINATOR)
            return ERR_CORRUPT;
    }
    return r.bad || r.p != r.end ? ERR_CORRUPT : ERR_OK;
}
