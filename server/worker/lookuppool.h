/* SPDX-License-Identifier: Apache-2.0 */
/* lookuppool.h - the threads that ask the database of one table: keys in, answers out, in any order.
 *
 * Room:   lookups -> [lookuppool] -> io/table_source
 * Owns:   threads and connections. A key that was asked is the pool's until lookuppool_take gives it back.
 * Thread: all calls from one; a lock inside.  Time: montime.
 *
 * A thread takes as many keys as lie there, up to the table's `batch`, and asks for them at once. So requests are small
 * when there is little to do and large when there is much. A failed request is made again as long as the table's retries
 * and the keys' deadlines allow. */
#ifndef WEIR_SERVER_LOOKUPPOOL_H
#define WEIR_SERVER_LOOKUPPOOL_H
#include "base/bytes.h"
#include "cep/row/value.h"
#include "cep/table.h"

enum lookuppool_outcome {
    LOOKUPPOOL_MISSING, /* no row has the key */
    LOOKUPPOOL_ROW,
    LOOKUPPOOL_BAD, /* the row does not fit the columns */
    LOOKUPPOOL_FAILED, /* the database could not be asked */
    LOOKUPPOOL_TIMEOUT
};

struct lookuppool_key {
    struct value key; /* its text is the owner's */
    montime deadline;
    struct lookuppool_key *next; /* the pool's */
    enum lookuppool_outcome outcome;
    struct bytes row; /* ROW: its values (io/table_source.h); else a sentence */
};

struct lookuppool;

/* wake: an eventfd that is written when there is something to take. */
struct lookuppool *lookuppool_new(const struct table *t, int wake);
/* Ends the threads, whatever they are doing; keys that were not taken back are given to `each`. NULL is fine. */
void lookuppool_free(struct lookuppool *p, void (*each)(struct lookuppool_key *k));

void lookuppool_ask(struct lookuppool *p, struct lookuppool_key *k);
struct lookuppool_key *lookuppool_take(struct lookuppool *p); /* NULL: none is ready */

struct lookuppool_stats {
    uint64_t requests, retries;
};
struct lookuppool_stats lookuppool_stats(struct lookuppool *p);

#endif
