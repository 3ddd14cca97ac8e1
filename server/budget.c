/* SPDX-License-Identifier: Apache-2.0 */
#include "server/budget.h"
#include <inttypes.h>
#include <stdio.h>

#define MIB(n) ((uint64_t)(n) << 20)
#define KIB(n) ((uint64_t)(n) << 10)

/* What a process needs besides: its program, libraries, the catalogue's and the log's caches, compiled rules. */
enum { COORDINATOR_MIB = 160, WORKER_MIB = 32 };

static const struct part {
    const char *name;
    uint64_t usual; /* if neither it nor a total is given */
    unsigned sixteenths; /* of what a total leaves */
} parts[BUDGET_PARTS] = {
    [BUDGET_INTAKE] = {"intake", MIB(64), 1},
    [BUDGET_EXCHANGE] = {"exchange", MIB(128), 2},
    [BUDGET_ORDERING] = {"ordering", MIB(1024), 4},
    [BUDGET_STATE] = {"state", MIB(2048), 9},
};

const char *budget_name(enum budget_part part)
{
    return parts[part].name;
}

static uint64_t within(uint64_t n, uint64_t least, uint64_t most)
{
    return n < least ? least : n > most ? most : n;
}

/* A frame is 32 KiB: with less credit workers would wait for one another after each. */
static uint64_t least_of(enum budget_part part, unsigned workers)
{
    uint64_t w = workers;
    switch (part) {
    case BUDGET_INTAKE:
        return w * MIB(1);
    case BUDGET_EXCHANGE:
        return MIB(1) + w * KIB(256) + w * (w - 1) * KIB(64);
    case BUDGET_ORDERING:
        return w * MIB(4);
    default:
        return w * MIB(1);
    }
}

static enum err check(const struct budget *b, unsigned workers, struct diag *d)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < BUDGET_PARTS; i++) {
        uint64_t least = least_of(i, workers);
        sum += b->parts[i];
        if (b->parts[i] >= least)
            continue;
        diag_say(d, "memory", "give more, or fewer --workers",
                 "memory-%s is %" PRIu64 " KiB; %u workers need at least %" PRIu64 " KiB",
                 parts[i].name, b->parts[i] >> 10, workers, (least + 1023) >> 10);
        return ERR_LIMIT;
    }
    uint64_t besides = MIB(COORDINATOR_MIB) + workers * MIB(WORKER_MIB);
    if (b->total == 0 || sum + besides <= b->total)
        return ERR_OK;
    diag_say(d, "memory", "raise memory-total, or lower a part",
             "memory-total is %" PRIu64 " MiB; the parts take %" PRIu64
             " MiB and %u workers and the coordinator %" PRIu64 " MiB besides",
             b->total >> 20, sum >> 20, workers, besides >> 20);
    return ERR_LIMIT;
}

enum err budget_make(const struct budget_options *o, unsigned workers, struct budget *out,
                     struct diag *d)
{
    struct budget b = {.total = o->total};
    uint64_t n = workers, besides = MIB(COORDINATOR_MIB) + n * MIB(WORKER_MIB);
    uint64_t left = o->total > besides ? o->total - besides : 0;
    for (unsigned i = 0; i < BUDGET_PARTS; i++)
        b.parts[i] = o->parts[i] > 0 ? o->parts[i]
                     : o->total > 0  ? left / 16 * parts[i].sixteenths
                                     : within(parts[i].usual, least_of(i, workers), UINT64_MAX);
    enum err e = check(&b, workers, d);
    if (e != ERR_OK)
        return e;
    uint64_t exchange = b.parts[BUDGET_EXCHANGE];
    b.intake_bytes = b.parts[BUDGET_INTAKE] / 2 / n;
    b.bodies_bytes = b.parts[BUDGET_INTAKE] / 2;
    /* Half between the workers; of the other half one for results on their way and one for those that are to be stored. */
    b.peer_window = n > 1 ? within(exchange / 2 / (n * (n - 1)), KIB(32), MIB(1)) : MIB(1);
    b.results_window = within(exchange / 4 / n, KIB(64), MIB(4));
    b.alerts_bytes = within(exchange / 4, KIB(256), MIB(32));
    b.ordering_bytes = b.parts[BUDGET_ORDERING] / n;
    b.state_bytes = b.parts[BUDGET_STATE] / n;
    *out = b;
    return ERR_OK;
}

void budget_put(const struct budget *m, struct bytes *out)
{
    bytes_u64(out, m->peer_window);
    bytes_u64(out, m->results_window);
    bytes_u64(out, m->ordering_bytes);
    bytes_u64(out, m->state_bytes);
}

void budget_get(struct bytes_reader *r, struct budget *out)
{
    *out = (struct budget){0};
    out->peer_window = bytes_get_u64(r);
    out->results_window = bytes_get_u64(r);
    out->ordering_bytes = bytes_get_u64(r);
    out->state_bytes = bytes_get_u64(r);
}
