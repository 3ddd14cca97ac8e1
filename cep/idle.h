/* SPDX-License-Identifier: Apache-2.0 */
/* idle.h - how far the clock may move the watermark of a partition in which nothing arrives.
 *
 * Room:   intake, feed, evalfeed -> [idle] -> the partition's watermark, raised by hand.  One for each stream
 * Owns:   its partitions
 * Thread: its owner's.  Time: evtime; reads no clock, is told it.
 *
 * A partition is idle when nothing has arrived in it for 'idle-timeout'. While others are active it goes along with the
 * one of them that is furthest behind, and so holds nothing back. When all are idle, time goes on by the clock: from the
 * furthest watermark of them, by as much as has passed since the last event arrived. With 'time'='processing' the clock
 * itself is the watermark. What comes of it is recorded with the partition (intakelog.h), so that a row's lateness, and
 * all that follows, is the same in a replay. */
#ifndef WEIR_CEP_IDLE_H
#define WEIR_CEP_IDLE_H
#include "cep/row/schema.h"

struct idle_partition {
    evtime w; /* after the last event, or where it began; EVTIME_MIN: it has no time yet */
    evtime since; /* when the last event arrived, or it began to be watched */
    bool ended;
};

struct idle {
    enum time_kind time;
    int64_t timeout_ms; /* 0: no partition is ever idle */
    unsigned n;
    struct idle_partition *partitions;
};

/* n: partitions; all begin at `now`, without a watermark. */
void idle_init(struct idle *s, const struct schema *schema, unsigned n, evtime now);
void idle_fini(struct idle *s);

/* An event has arrived: w is the partition's watermark after it. Also for what was there before: begin at `now` with w. */
void idle_event(struct idle *s, unsigned partition, evtime w, evtime now);
void idle_end(struct idle *s, unsigned partition);

/* Does the clock ever move this stream? */
static inline bool idle_goes_by_clock(const struct idle *s)
{
    return s->timeout_ms > 0 || s->time == TIME_PROCESSING;
}
bool idle_is(const struct idle *s, unsigned partition, evtime now);
/* All partitions are idle or have ended, one at least is idle. */
bool idle_all(const struct idle *s, evtime now);
/* What the partition's watermark is to be at least; EVTIME_MIN: the clock has nothing to say. */
evtime idle_w(const struct idle *s, unsigned partition, evtime now);

#endif
