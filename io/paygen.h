/* SPDX-License-Identifier: Apache-2.0 */
/* paygen.h - an endless, reproducible stream of card payments as JSON lines, with known frauds planted in it.
 *
 * Room:   [paygen] -> `weir gen`, the generator connector, benches
 * Owns:   its random state and the events that are under way.  Thread: one.
 * Time:   evtime of the events; reads no clock. The same options give the same lines.
 *
 * Lines come in order of arrival: an event's time lags its arrival by up to disorder_ms, and late_ppm in a million lag by
 * a further 1 to 10 minutes. Cards are picked by a Zipf-like law. Planted, each on one card: testing (3-6 small
 * declines, then a large approved payment), velocity (12 payments in under a minute), travel (a payment in another
 * country within 90 s), and large online payments, of which two in three are confirmed within 5 minutes. */
#ifndef WEIR_IO_PAYGEN_H
#define WEIR_IO_PAYGEN_H
#include "base/timebase.h"

enum {
    PAYGEN_LINE_MAX = 384,
    PAYGEN_CARDS_MAX = 10000000,
    PAYGEN_DISORDER_MAX_MS = 3600000,
    PAYGEN_STEP_MAX_US = 60000000,
};

struct paygen_options {
    uint64_t events; /* in all; 0: without end */
    uint32_t cards; /* 1 to PAYGEN_CARDS_MAX */
    uint64_t seed;
    uint32_t disorder_ms; /* at most PAYGEN_DISORDER_MAX_MS */
    uint32_t late_ppm;
    evtime start; /* time of the first event */
    uint32_t step_us; /* event time from one ordinary event to the next, 1 to PAYGEN_STEP_MAX_US */
};
#define PAYGEN_DEFAULTS                                                                            \
    {                                                                                              \
        .events = 2000000, .cards = 20000, .seed = 7, .disorder_ms = 2000, .late_ppm = 500,        \
        .start = INT64_C(1700000000000), .step_us = 10000                                          \
    }

/* Frauds that are complete in the lines made so far, and events that lag more than the disorder. */
struct paygen_planted {
    uint64_t testing, travel, velocity, unconfirmed, confirmed, late;
};

struct paygen;

struct paygen *paygen_new(const struct paygen_options *o);
void paygen_free(struct paygen *g); /* NULL is fine */
/* One line with its newline and no NUL. Returns its length, 0 at the end; *arrival (may be NULL) is when it arrives:
 * never falling, at most 10 ms coarse, and not before the event's own time. */
size_t paygen_next(struct paygen *g, char out[PAYGEN_LINE_MAX], evtime *arrival);
struct paygen_planted paygen_planted(const struct paygen *g);

#endif
