/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/runtimememory.h"
#include "base/mem.h"
#include "server/run/runtimedef.h"

enum memwatch_level runtimememory_level(struct runtime *r)
{
    return (enum memwatch_level)atomic_load(&r->loop.memwatch.level);
}

static uint64_t on_its_way(struct runtime *r)
{
    uint64_t sum = 0, owed = crew_owed(r->crew); /* those are among what waits to be stored */
    unsigned n = crew_channels(r->crew, NULL, 0);
    struct runtime_channel *c = mem_array(n + 1, sizeof *c);
    unsigned got = crew_channels(r->crew, c, n);
    for (unsigned i = 0; i < n && i < got; i++)
        if (c[i].credit < c[i].window)
            sum += (uint64_t)(c[i].window - c[i].credit);
    mem_free(c);
    return sum - (owed < sum ? owed : sum);
}

void runtimememory_get(struct runtime *r, struct runtimememory *out)
{
    struct alertwriter_counts alerts;
    struct budget b;
    unsigned n = crew_workers(r->crew, NULL, 0);
    struct runtime_worker *w = mem_array(n + 1, sizeof *w);
    pthread_mutex_lock(&r->loop.lock);
    b = r->loop.budget;
    pthread_mutex_unlock(&r->loop.lock);
    *out = (struct runtimememory){.total = b.total,
                                  .resident = mem_resident_bytes() + crew_resident(r->crew),
                                  .level = runtimememory_level(r),
                                  .refusing_ms = atomic_load(&r->loop.memwatch.refusing_ms)};
    for (unsigned i = 0; i < BUDGET_PARTS; i++) {
        out->parts[i].name = budget_name(i);
        out->parts[i].limit = b.parts[i];
    }
    alertwriter_count(r->alerts, &alerts);
    unsigned got = crew_workers(r->crew, w, n);
    for (unsigned i = 0; i < n && i < got; i++) {
        out->parts[BUDGET_ORDERING].used += w[i].ordering_bytes;
        out->parts[BUDGET_STATE].used += w[i].state_bytes;
    }
    out->parts[BUDGET_EXCHANGE].used = on_its_way(r) + alerts.waiting_bytes;
    out->parts[BUDGET_INTAKE].used = feed_under_way(r->feed);
    mem_free(w);
}
