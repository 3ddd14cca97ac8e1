/* SPDX-License-Identifier: Apache-2.0 */
/* keyrows.h - which rows of a stream are those of one key of a rule: for looking back at what is recorded.
 *
 * Room:   batches as they were decoded, in order of offset -> [keyrows] -> rows of the key, with whether they were late
 * Owns:   a job of that one rule, for its columns and machines.  Thread: one.  Time: evtime. */
#ifndef WEIR_CEP_KEYROWS_H
#define WEIR_CEP_KEYROWS_H
#include "cep/plan.h"
#include "cep/watermark.h"

struct keyrows;

/* The plan reads streams that are recorded. side: of a join, whose rows they are. by: columns that are the key, of a rule
 * that has none; NULL: the rule's own. */
struct keyrows *keyrows_new(const struct rule_plan *p, unsigned side, const struct plan_key *by);
const struct schema *keyrows_schema(const struct rule_plan *p, unsigned side);
void keyrows_free(struct keyrows *k); /* NULL is fine */
/* To be decoded, those of `by` among them; as long as k lives. */
const struct colset *keyrows_columns(const struct keyrows *k);
/* Computed columns. */
void keyrows_fill(struct keyrows *k, struct batch *b);
/* Canonical bytes of a row's key, after keyrows_fill; until the next call. */
const struct bytes *keyrows_key(struct keyrows *k, const struct batch *b, unsigned i);
/* Rows of a partition, w its watermark so far: computed columns, late bits; `each` for the rows of that key. */
void keyrows_take(struct keyrows *k, struct batch *b, struct watermark *w, const void *key,
                  size_t n, void (*each)(void *ctx, const struct batch *b, unsigned i), void *ctx);

#endif
