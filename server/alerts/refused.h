/* SPDX-License-Identifier: Apache-2.0 */
/* refused.h - an event that a stream refused, as a row of its ERRORS (cep/derived.h): made, and read back.
 *
 * Room:   intake -> [refused] -> intake log -> rules that read ERRORS; start of the server, for dead letters
 * Owns:   nothing.  Thread: any.
 *
 * {"code", "reason", "raw", "source_partition", "source_offset"?, "size"?, "hex"?}: size where raw was cut; what is no UTF-8 has
 * U+FFFD in raw, and its bytes in hex. */
#ifndef WEIR_SERVER_REFUSED_H
#define WEIR_SERVER_REFUSED_H
#include "base/arena.h"
#include "base/bytes.h"
#include "state/catalog_dead.h"

/* d's kind, stream and time are the row's place and arrival. */
void refused_put(const struct catalog_dead_letter *d, struct bytes *out);
/* The reverse; strings go into `a`. ERR_CORRUPT: it was not made by refused_put. */
enum err refused_get(const char *text, size_t n, struct arena *a, struct catalog_dead_letter *out);

#endif
