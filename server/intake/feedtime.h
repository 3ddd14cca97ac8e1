/* SPDX-License-Identifier: Apache-2.0 */
/* feedtime.h - the partitions of a feed and time: who waits for whom, who holds time back, what the clock says of files.
 *
 * Room:   feed -> [feedtime] -> pages, CONTROL_HOLD, CONTROL_ADVANCE
 * Owns:   the silence of followed files
 * Thread: the runtime's; feedtime_look any, with the feed's lock held.  Time: evtime; is told the clock. */
#ifndef WEIR_SERVER_FEEDTIME_H
#define WEIR_SERVER_FEEDTIME_H
#include "server/intake/feed.h"

struct feed_part;

/* Followed files that are idle, and who holds time back since when; to be called now and then. True: some stream goes by
 * the clock. */
bool feedtime_tick(struct feed *f, evtime now);
/* Does p wait for another partition of its stream ('watermark-alignment')? */
bool feedtime_paused(struct feed *f, struct feed_part *p);
/* What is known of a partition's silence. log: it is of the intake log. */
void feedtime_look(struct feed *f, const struct schema *s, bool log, evtime now,
                   struct runtime_partition *p);
void feedtime_fini(struct feed *f);

#endif
