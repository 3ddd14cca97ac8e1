/* SPDX-License-Identifier: Apache-2.0 */
/* timeoutring.h - timeouts on their way to the catalogue: of a flood only as many of a rule as are kept anyway are made into
 * rows, the latest.
 *
 * Room:   alert writer -> [timeoutring] -> catalogue
 * Owns:   copies of results as they came over the wire, between two flushes
 * Thread: the alert writer's.  Time: event time in the results; wall clock for `created`. */
#ifndef WEIR_SERVER_TIMEOUTRING_H
#define WEIR_SERVER_TIMEOUTRING_H
#include "server/deploy/registry.h"
#include "state/catalog_dead.h"

struct timeoutring;

struct timeoutring *timeoutring_new(uint64_t keep); /* of each rule; 0: none */
void timeoutring_free(struct timeoutring *t); /* NULL is fine */

/* wire: the result as resultwire has it. How many of the rule were left out, those with the earliest times. */
uint64_t timeoutring_add(struct timeoutring *t, const struct result *r, const void *wire, size_t n);
/* Stores what is held, and forgets it if that went well. dropped: as above. */
enum err timeoutring_flush(struct timeoutring *t, struct catalog *c, struct registry *r, evtime now,
                           uint64_t *dropped);

#endif
