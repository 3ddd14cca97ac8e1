/* SPDX-License-Identifier: Apache-2.0 */
/* feedfork.h - how much of what workers are sent may be of forks, which read again what has gone by. For feed.c.
 *
 * Room:   feed -> [feedfork].  Owns: nothing.  Thread: the runtime's.  Time: none.
 *
 * What is new goes first. While a worker has not got all of that, a fork may send its share of the bytes: each block that is new
 * gives it credit. When nothing new waits, it sends what it can. */
#ifndef WEIR_SERVER_FEEDFORK_H
#define WEIR_SERVER_FEEDFORK_H
#include "server/intake/feeddef.h"

bool feedfork_may(const struct feed *f, const struct feed_part *p);
/* Nothing is sent of that lane's forks until it may be. */
void feedfork_hold(struct feed *f, uint64_t lane, bool held);
void feedfork_sent(struct feed *f, const struct feed_part *p, size_t bytes); /* any partition */
/* All that is read from outside, forks among them; freed by mem_free. */
const struct schema **feedfork_all(const struct feed *f, unsigned *n);

#endif
