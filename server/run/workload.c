/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/workload.h"
#include "base/bug.h"

void workload_init(struct workload *w, montime now)
{
    *w = (struct workload){.began = now};
}

void workload_sleep(struct workload *w, montime now, const struct workload_rest *r)
{
    w->asleep = now;
    w->rest = *r;
}

void workload_wake(struct workload *w, montime now)
{
    uint64_t ns = now > w->asleep ? (uint64_t)(now - w->asleep) : 0;
    BUG_IF(w->asleep == 0, "it does not sleep");
    w->asleep = 0;
    if (w->rest.why == LOADWIRE_NOT) {
        w->idle_ns += ns;
        return;
    }
    w->backpressured_ns += ns;
    for (uint64_t left = w->rest.peers; left != 0; left &= left - 1)
        w->peer_ns[__builtin_ctzll(left)] += ns;
    if (w->rest.coordinator)
        w->coordinator_ns += ns;
}

void workload_look(const struct workload *w, montime now, struct loadwire *out)
{
    *out = (struct loadwire){.idle_ns = w->idle_ns,
                             .backpressured_ns = w->backpressured_ns,
                             .why = w->rest.why};
    uint64_t all = (uint64_t)(now - w->began), rests = w->idle_ns + w->backpressured_ns;
    out->busy_ns = all > rests ? all - rests : 0;
}

void workload_channel(const struct workload *w, unsigned to, const struct channel *c,
                      struct loadwire *out)
{
    struct loadwire_channel *k = &out->channels[out->nchannels++];
    k->to = to;
    k->blocked_ns = to == LOADWIRE_COORDINATOR ? w->coordinator_ns : w->peer_ns[to];
    channel_stats(c, &k->s);
}
