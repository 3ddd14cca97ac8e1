/* SPDX-License-Identifier: Apache-2.0 */
/* agglist.h - texts in the order of their rows: LIST_AGG.
 *
 * Room:   agg -> [agglist]
 * Owns:   its memory, until agglist_free.  Thread: one worker.  Time: evtime, in places.
 *
 * The order is that of the rows' places, not that in which they were added, so parts may be merged in any order. Texts
 * that would make it longer than AGGLIST_MAX bytes are left out, and the result says so by an ellipsis at its end. A NULL
 * pointer is empty. */
#ifndef WEIR_CEP_AGGLIST_H
#define WEIR_CEP_AGGLIST_H
#include "base/bytes.h"
#include "base/err.h"
#include "cep/row/value.h"

enum { AGGLIST_MAX = 64 << 10 };

struct agglist_place { /* rows by it: time, partition, offset; or a number and two zeros */
    int64_t ts;
    uint64_t partition, offset;
};
int agglist_compare(const struct agglist_place *a, const struct agglist_place *b);

struct agglist;

/* NULL: after all that are there. */
void agglist_add(struct agglist **at, struct str s, const struct agglist_place *place);
void agglist_merge(struct agglist **at, const struct agglist *from);
/* unique: each text once, where it first stands. */
void agglist_text(const struct agglist *l, bool unique, struct str between, struct bytes *out);
void agglist_free(struct agglist *l); /* NULL is fine */
size_t agglist_bytes(const struct agglist *l);
void agglist_save(const struct agglist *l, struct bytes *out);
enum err agglist_load(struct agglist **at, struct bytes_reader *r); /* *at: NULL before */

#endif
