/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/crewload.h"
#include <string.h>

enum { NS_A_MS = 1000000, SECOND_NS = 1000000000 };

void crewload_reset(struct crewload *c)
{
    memset(c, 0, sizeof *c);
}

static uint64_t all_of(const struct crewload_sample *s)
{
    return s->busy_ns + s->idle_ns + s->backpressured_ns;
}

static unsigned share(uint64_t part, uint64_t of)
{
    return of == 0 ? 0 : (unsigned)((part * 1000 + of / 2) / of);
}

void crewload_take(struct crewload *c, const struct loadwire *m)
{
    struct crewload_sample now = {m->busy_ns, m->idle_ns, m->backpressured_ns};
    struct crewload_sample from = {0};
    /* The newest that is a second old: workers speak up to four times a second. */
    for (unsigned i = 0; i < c->nsamples && i < CREWLOAD_SAMPLES; i++) {
        from = c->samples[(c->nsamples - 1 - i) % CREWLOAD_SAMPLES];
        if (all_of(&now) - all_of(&from) >= SECOND_NS)
            break;
    }
    if (now.busy_ns >= from.busy_ns && now.idle_ns >= from.idle_ns &&
        now.backpressured_ns >= from.backpressured_ns) {
        uint64_t of = all_of(&now) - all_of(&from);
        c->permille[0] = share(now.busy_ns - from.busy_ns, of);
        c->permille[1] = share(now.idle_ns - from.idle_ns, of);
        c->permille[2] = share(now.backpressured_ns - from.backpressured_ns, of);
    }
    c->samples[c->nsamples++ % CREWLOAD_SAMPLES] = now;
    c->last = *m;
}

void crewload_show(const struct crewload *c, struct runtime_worker *out)
{
    out->busy = c->permille[0] / 1000.0;
    out->busy_permille = c->permille[0];
    out->idle_permille = c->permille[1];
    out->backpressured_permille = c->permille[2];
    out->busy_ms = c->last.busy_ns / NS_A_MS;
    out->idle_ms = c->last.idle_ns / NS_A_MS;
    out->backpressured_ms = c->last.backpressured_ns / NS_A_MS;
    out->waits_for = loadwire_why_name(c->last.why);
    out->intake_bytes = c->last.intake_bytes;
    out->ordering_bytes = c->last.ordering_bytes;
}

unsigned crewload_channels(const struct crewload *c, unsigned from, struct runtime_channel *out,
                           unsigned cap)
{
    for (unsigned i = 0; i < c->last.nchannels && i < cap; i++) {
        const struct loadwire_channel *k = &c->last.channels[i];
        out[i] = (struct runtime_channel){.from = (int)from,
                                          .to = k->to == LOADWIRE_COORDINATOR ? -1 : (int)k->to,
                                          .blocked_ms = k->blocked_ns / NS_A_MS,
                                          .window = k->s.window,
                                          .credit = k->s.credit,
                                          .queued = k->s.queued,
                                          .sent = k->s.sent,
                                          .received = k->s.received};
    }
    return c->last.nchannels;
}
