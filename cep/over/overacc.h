/* SPDX-License-Identifier: Apache-2.0 */
/* overacc.h - one call's value over its frame: rows come in at the end and leave at the start.
 *
 * Room:   over -> [overacc] -> slots
 * Owns:   what an accumulator holds beyond its words, until overacc_fini
 * Thread: one worker.  Time: none.
 *
 * Rows are entries of a ring, known by their numbers: 0, 1, 2 … for each key. */
#ifndef WEIR_CEP_OVERACC_H
#define WEIR_CEP_OVERACC_H
#include "base/bytes.h"
#include "base/err.h"
#include "cep/over/overprog.h"
#include "cep/slab.h"

struct overacc_ring {
    uint64_t *words;
    uint64_t head, tail; /* the first entry that is kept; the number of the next */
    uint32_t cap; /* entries: a power of two, or 0 */
    unsigned entry; /* words of one */
};

static inline uint64_t *overacc_entry(const struct overacc_ring *r, uint64_t number)
{
    return r->words + (size_t)(number & (r->cap - 1)) * r->entry;
}
/* Is an input of that entry NULL (or its condition not true)? */
static inline bool overacc_is_null(const uint64_t *entry, unsigned input)
{
    return entry[1] >> input & 1;
}

/* What a call works with. */
struct overacc {
    const struct overprog *p;
    const struct overprog_call *c;
    uint64_t *acc; /* its words, of one key */
    struct overacc_ring *ring;
    struct slabs *memory;
    struct arena *scratch; /* of texts that are made */
};

void overacc_add(const struct overacc *a, uint64_t number);
void overacc_retract(const struct overacc *a, uint64_t number);
/* The frame is [start, end) now, after some rows have been retracted. */
void overacc_settle(const struct overacc *a, uint64_t start, uint64_t end);
/* A text points into the accumulator, the ring or scratch. */
struct value overacc_result(const struct overacc *a, uint64_t start, uint64_t end);
/* Between two rows, the frame being [start, end): bytes, and back into an empty one, the ring being there already.
 * ERR_CORRUPT: overacc_fini is still to be called. */
void overacc_save(const struct overacc *a, uint64_t start, struct bytes *out);
enum err overacc_load(const struct overacc *a, uint64_t start, uint64_t end,
                      struct bytes_reader *in);
/* Of a frame that rows leave: made, from empty, of the rows [start, end) that are in it. mid: where a sum of DOUBLE is cut. */
void overacc_remake(const struct overacc *a, uint64_t start, uint64_t mid, uint64_t end);
void overacc_fini(const struct overacc *a);

#endif
