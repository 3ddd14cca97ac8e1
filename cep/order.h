/* SPDX-License-Identifier: Apache-2.0 */
/* order.h - rows wait here until the watermark has passed them, and leave in order of (time, stream, partition, offset).
 *
 * Room:   route, frame -> [order] -> operators.  One for each (stream, key definition) and each join of a worker.
 * Owns:   its entries, and one reference to the batch of each
 * Thread: one worker.  Time: evtime; reads no clock.
 *
 * A radix heap of base 256 over the time: an entry lies in the bucket of the highest byte in which its time differs from
 * the last time released, so it moves at most once for each byte of the disorder, whatever the number of rows. */
#ifndef WEIR_CEP_ORDER_H
#define WEIR_CEP_ORDER_H
#include "cep/plan.h"
#include "cep/row/batch.h"
#include "cep/slab.h"

struct order_entry {
    evtime ts;
    struct batch *b;
    uint64_t bits; /* conditions that hold, or a pointer to them: the keyed side's affair */
    uint64_t tag; /* hash of the key, but for the low 16 bits: the row's index in b */
};

enum { ORDER_LEVELS = 8, ORDER_FANOUT = 256 };

struct order_chunk;

struct order_bucket {
    struct order_chunk *first, *last;
};

struct order {
    uint64_t floor; /* no entry below it is in a bucket (times, biased to unsigned) */
    uint64_t used[ORDER_LEVELS][ORDER_FANOUT / 64]; /* buckets that are not empty */
    struct order_bucket buckets[ORDER_LEVELS][ORDER_FANOUT];
    struct slab small, large; /* chunks of level 0; of the others */
    struct order_entry *late; /* entries that came below the floor: they leave first */
    size_t nlate, late_cap;
    struct order_entry *ready; /* leaving now */
    size_t nready, ready_cap;
    size_t waiting; /* entries in all */
    const struct match_plan
        *by; /* columns that order equal times, before (partition, offset); NULL: none */
};

/* by: norder, order_columns and order_desc of it; must outlive the heap, or be set anew. */
void order_init(struct order *o, const struct match_plan *by);
void order_fini(struct order *o); /* drops what waits */

/* Takes over one reference to e->b. */
void order_push(struct order *o, const struct order_entry *e);
/* Entries with ts < w, in order; *out is valid until the next call. 0: there are no more. The caller takes over the
 * references; call until it returns 0. */
size_t order_take(struct order *o, evtime w, struct order_entry **out);
static inline size_t order_waiting(const struct order *o)
{
    return o->waiting;
}
/* Does an entry of that very time wait? Not below what was released. */
bool order_has(const struct order *o, evtime ts);
evtime order_least(const struct order *o); /* of what waits; EVTIME_MAX: nothing does */

/* Every waiting entry in turn, in no order: start with *at = {0}; NULL past the last. For a change of rules. */
struct order_cursor {
    unsigned level, digit;
    bool past_late;
    size_t i;
    struct order_chunk *chunk;
};
struct order_entry *order_next(struct order *o, struct order_cursor *at);

static inline unsigned order_row(const struct order_entry *e)
{
    return (unsigned)(e->tag & 0xffff);
}

#endif
