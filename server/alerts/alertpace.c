/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/alertpace.h"

enum {
    BATCH_MIN_MS = 50,
    BATCH_MAX_MS = 250,
    BATCH_SHARE = 10, /* of the time, at most one in so many is for storing */
    TIMEOUTS_MIN_MS = 1000,
    TIMEOUTS_MAX_MS = 5000,
    TIMEOUTS_SHARE = 50,
};

struct timespec alertpace_in(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static int wait_ms(int64_t took_ns, int share, int least, int most)
{
    int64_t ms = took_ns / 1000000 * share;
    return (int)(ms < least ? least : ms > most ? most : ms);
}

void alertpace_batch_begins(struct alertpace *p)
{
    p->next_batch = alertpace_in(p->batch_wait_ms > 0 ? p->batch_wait_ms : BATCH_MIN_MS);
}

void alertpace_batch_took(struct alertpace *p, int64_t ns)
{
    p->batch_wait_ms = wait_ms(ns, BATCH_SHARE, BATCH_MIN_MS, BATCH_MAX_MS);
}

void alertpace_timeouts_took(struct alertpace *p, int64_t ns)
{
    p->next_timeouts = alertpace_in(wait_ms(ns, TIMEOUTS_SHARE, TIMEOUTS_MIN_MS, TIMEOUTS_MAX_MS));
}

bool alertpace_timeouts_due(const struct alertpace *p)
{
    struct timespec now = alertpace_in(0);
    const struct timespec *due = &p->next_timeouts;
    return now.tv_sec > due->tv_sec || (now.tv_sec == due->tv_sec && now.tv_nsec >= due->tv_nsec);
}
