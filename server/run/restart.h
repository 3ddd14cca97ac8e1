/* SPDX-License-Identifier: Apache-2.0 */
/* restart.h - the restart strategy: after how long the workers are started again when they have failed, or whether not.
 *
 * Room:   runtime (an attempt has failed) -> [restart] -> when the next begins
 * Owns:   nothing but its counts
 * Thread: the runtime's.  Time: montime; reads no clock.
 *
 * The strategies are Flink's: exponential-delay (the default), fixed-delay, failure-rate, none. */
#ifndef WEIR_SERVER_RESTART_H
#define WEIR_SERVER_RESTART_H
#include "base/timebase.h"

enum restart_strategy {
    RESTART_EXPONENTIAL_DELAY,
    RESTART_FIXED_DELAY,
    RESTART_FAILURE_RATE,
    RESTART_NONE
};

struct restart_options {
    enum restart_strategy strategy;
    int64_t delay_ms; /* exponential: the first */
    int64_t max_delay_ms; /* exponential */
    unsigned factor; /* exponential: by which it grows */
    int64_t
        reset_after_ms; /* exponential, fixed: an attempt that was well for so long makes the failures before it forgotten */
    unsigned
        attempts; /* exponential, fixed: failures in a row after which it is given up; 0: never */
    unsigned failures; /* failure-rate: more than these … */
    int64_t interval_ms; /* … within this, and it is given up */
};

enum { RESTART_FAILURES_MAX = 1000 };

struct restart {
    struct restart_options o;
    unsigned failed; /* in a row */
    int64_t next_ms;
    montime times[RESTART_FAILURES_MAX]; /* failure-rate: a ring of the last o.failures */
    unsigned long ntimes;
};

/* "exponential-delay" …; false: no strategy has that name. */
bool restart_strategy_of(const char *name, enum restart_strategy *out);
const char *restart_strategy_name(enum restart_strategy s);
void restart_init(struct restart *r, const struct restart_options *o);
/* An attempt that began at `began` has failed at `now`: ms until the next, or -1: there is to be none. */
int64_t restart_failed(struct restart *r, montime began, montime now);
void restart_reset(
    struct restart *r); /* somebody has asked for another try: failures are forgotten */

#endif
