/* SPDX-License-Identifier: Apache-2.0 */
/* aggset.h - values, each once with how often it came: the accumulator of DISTINCT and of TOP.
 *
 * Room:   agg -> [aggset]
 * Owns:   its memory and copies of its texts, until aggset_free
 * Thread: one worker.  Time: none.
 *
 * A NULL pointer is the empty set. */
#ifndef WEIR_CEP_AGGSET_H
#define WEIR_CEP_AGGSET_H
#include "base/bytes.h"
#include "base/err.h"
#include "cep/row/value.h"

struct aggset_slot {
    union cell c;
    int64_t count; /* 0: free */
};

struct aggset {
    size_t n, cap; /* cap: a power of two, at most half full */
    struct aggset_slot slots[];
};

enum { AGGSET_TOP_MAX = 4096 };

void aggset_add(struct aggset **at, struct type t, union cell c, int64_t times);
void aggset_merge(struct aggset **at, struct type t, const struct aggset *from);
void aggset_free(struct aggset *s, struct type t); /* NULL is fine */
size_t aggset_bytes(const struct aggset *s, struct type t);
/* As value_compare has it: -0.0 is 0, and there is one NaN. */
union cell aggset_plain(struct type t, union cell c);

/* With more than AGGSET_TOP_MAX values, only the more frequent half stays; of equal frequency the lesser values. */
void aggset_prune(struct aggset **at, struct type t);
/* The n most frequent texts, most frequent first, of equal frequency the lesser first, with `between` in between.
 * equal: all count as equally frequent. */
void aggset_top(const struct aggset *s, struct type t, unsigned n, bool equal, struct str between,
                struct bytes *out);

void aggset_save(const struct aggset *s, struct type t, struct bytes *out);
enum err aggset_load(struct aggset **at, struct type t,
                     struct bytes_reader *r); /* *at: NULL before */

#endif
