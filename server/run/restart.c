/* SPDX-License-Identifier: Apache-2.0 */
#include "server/run/restart.h"
#include <string.h>

static const char *const names[] = {
    [RESTART_EXPONENTIAL_DELAY] = "exponential-delay",
    [RESTART_FIXED_DELAY] = "fixed-delay",
    [RESTART_FAILURE_RATE] = "failure-rate",
    [RESTART_NONE] = "none",
};

bool restart_strategy_of(const char *name, enum restart_strategy *out)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum restart_strategy)i;
            return true;
        }
    return false;
}

const char *restart_strategy_name(enum restart_strategy s)
{
    return names[s];
}

void restart_init(struct restart *r, const struct restart_options *o)
{
    *r = (struct restart){.o = *o};
    restart_reset(r);
}

void restart_reset(struct restart *r)
{
    r->failed = 0;
    r->next_ms = r->o.delay_ms;
    r->ntimes = 0;
}

/* True: this failure is one too many within the interval. */
static bool too_often(struct restart *r, montime now)
{
    unsigned most = r->o.failures;
    montime earliest = r->times[r->ntimes % most];
    bool full = r->ntimes >= most;
    r->times[r->ntimes++ % most] = now;
    return full && (now - earliest) / 1000000 < r->o.interval_ms;
}

int64_t restart_failed(struct restart *r, montime began, montime now)
{
    const struct restart_options *o = &r->o;
    if (o->strategy == RESTART_NONE)
        return -1;
    if (o->strategy == RESTART_FAILURE_RATE)
        return too_often(r, now) ? -1 : o->delay_ms;
    if ((now - began) / 1000000 >= o->reset_after_ms)
        restart_reset(r);
    if (o->attempts > 0 && r->failed >= o->attempts)
        return -1;
    r->failed++;
    if (o->strategy == RESTART_FIXED_DELAY)
        return o->delay_ms;
    int64_t delay = r->next_ms;
    r->next_ms = delay > o->max_delay_ms / o->factor ? o->max_delay_ms : delay * o->factor;
    return delay;
}
