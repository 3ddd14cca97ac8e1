/* SPDX-License-Identifier: Apache-2.0 */
/* lookupcache.h - rows of a table outside that were asked for not long ago, and keys that were not there.
 *
 * Room:   lookups -> [lookupcache]
 * Owns:   its copies.  Thread: one.  Time: montime.
 *
 * At most so many keys; the one not asked for the longest goes first. A row is forgotten when its time is over, however
 * often it was asked for, so that a change of the table is seen. */
#ifndef WEIR_SERVER_LOOKUPCACHE_H
#define WEIR_SERVER_LOOKUPCACHE_H
#include "base/timebase.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookupcache;

struct lookupcache *lookupcache_new(unsigned rows, int64_t ttl_ms); /* rows 0: it keeps nothing */
void lookupcache_free(struct lookupcache *c); /* NULL is fine */

/* row: NULL for a key that is not there. */
void lookupcache_put(struct lookupcache *c, const void *key, size_t key_n, const void *row,
                     size_t n, montime now);
/* False: not known. *row: as it was put, valid until the next put. */
bool lookupcache_get(struct lookupcache *c, const void *key, size_t key_n, montime now,
                     const uint8_t **row);
size_t lookupcache_rows(const struct lookupcache *c);
size_t lookupcache_bytes(const struct lookupcache *c);

#endif
