/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestdrift.h"
#include "base/mem.h"
#include <math.h>

enum { HOUR_MS = 3600000, HOURS_LEAST = 8, ALERTS_LEAST = 20 };
#define ERRORS_LEAST 4.0 /* standard errors of the difference */
#define FACTOR_LEAST 1.5

static int64_t hour_of(evtime t)
{
    return t / HOUR_MS - (t % HOUR_MS < 0);
}

static struct backtestdrift_hour *hour(struct backtestdrift *d, int64_t number)
{
    struct backtestdrift_hour *h = MAP_GET(d->hours, &number, sizeof number);
    if (h == NULL) {
        h = mem_new(sizeof *h);
        h->hour = number;
        MAP_PUT(d->hours, h, &h->hour, sizeof h->hour);
    }
    return h;
}

void backtestdrift_rows(struct backtestdrift *d, const evtime *ts, unsigned n, evtime from,
                        evtime to)
{
    for (unsigned i = 0; i < n; i++) {
        if (ts[i] < from || ts[i] >= to)
            continue;
        if (d->last == NULL || ts[i] < d->last->hour * HOUR_MS ||
            ts[i] - d->last->hour * HOUR_MS >= HOUR_MS)
            d->last = hour(d, hour_of(ts[i]));
        d->last->n++;
    }
}

void backtestdrift_fini(struct backtestdrift *d)
{
    struct backtestdrift_hour *h, *next;
    MAP_EACH(d->hours, h, next) {
        MAP_DEL(d->hours, h);
        mem_free(h);
    }
    d->last = NULL;
}

bool backtestdrift_find(const struct backtestdrift *d, const evtime *alerts, size_t n,
                        struct backtestdrift_found *out)
{
    const struct backtestdrift_hour *h;
    int64_t first = INT64_MAX, last = INT64_MIN;
    double events[2] = {0}, told[2] = {0};
    for (h = d->hours; h != NULL; h = h->hh.next) {
        first = h->hour < first ? h->hour : first;
        last = h->hour > last ? h->hour : last;
    }
    if (d->hours == NULL || last - first + 1 < HOURS_LEAST || n < ALERTS_LEAST)
        return false;
    int64_t split = last + 1 - (last - first + 1) / 4;
    for (h = d->hours; h != NULL; h = h->hh.next)
        events[h->hour >= split] += (double)h->n;
    for (size_t i = 0; i < n; i++)
        told[hour_of(alerts[i]) >= split]++;
    if (events[0] == 0 || events[1] == 0)
        return false;
    double share = (told[0] + told[1]) / (events[0] + events[1]);
    double before = told[0] / events[0], after = told[1] / events[1];
    double chance = sqrt(share * (1 / events[0] + 1 / events[1]));
    *out = (struct backtestdrift_found){split * HOUR_MS, 1000 * before, 1000 * after};
    return fabs(after - before) >= ERRORS_LEAST * chance &&
           (after >= FACTOR_LEAST * before || before >= FACTOR_LEAST * after);
}
