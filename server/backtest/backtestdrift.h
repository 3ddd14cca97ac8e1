/* SPDX-License-Identifier: Apache-2.0 */
/* backtestdrift.h - does a rule tell as many alerts of the newest events as of those before? If not, its figures say little of tomorrow.
 *
 * Room:   backtestfeed (events by hour) -> [backtestdrift] -> backtestdiff -> result.json
 * Owns:   a count an hour that has events.  Thread: one.  Time: evtime.
 *
 * The last quarter of the time is held against what is before it: alerts an event. They differ if chance would hardly make it
 * so (four standard errors) and if it matters (by half or more). */
#ifndef WEIR_SERVER_BACKTESTDRIFT_H
#define WEIR_SERVER_BACKTESTDRIFT_H
#include "base/bytes.h"
#include "base/map.h"
#include "base/timebase.h"

struct backtestdrift_hour {
    int64_t hour;
    uint64_t n;
    MAP_LINK;
};
struct backtestdrift {
    struct backtestdrift_hour *hours; /* map */
    struct backtestdrift_hour *last; /* that was counted in */
};
struct backtestdrift_found {
    evtime since; /* the last quarter */
    double before, after; /* alerts of a thousand events */
};

void backtestdrift_rows(struct backtestdrift *d, const evtime *ts, unsigned n, evtime from,
                        evtime to);
void backtestdrift_fini(struct backtestdrift *d);
/* alerts: their times, in any order. False: there is none, or too little is known. */
bool backtestdrift_find(const struct backtestdrift *d, const evtime *alerts, size_t n,
                        struct backtestdrift_found *out);

#endif
