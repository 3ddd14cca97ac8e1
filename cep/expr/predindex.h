/* SPDX-License-Identifier: Apache-2.0 */
/* predindex.h - the row conditions of all live rules of one stream: equal ones are one, and cost once a batch.
 *
 * Room:   batch -> [predindex] -> bitmaps -> filters, relevance, starts of patterns
 * Owns:   its machines and bitmaps; built with a job, read by every batch
 * Thread: one worker.  Time: none.
 *
 * A condition is a conjunction of atoms. Atoms that are structurally equal are one; `column = literal` atoms of a column
 * that has many are found by one look-up for each row, so a thousand of them cost as one. */
#ifndef WEIR_CEP_PREDINDEX_H
#define WEIR_CEP_PREDINDEX_H
#include "cep/expr/expr.h"
#include "cep/row/batch.h"
#include "cep/row/dict.h"

struct predindex;

struct predindex *predindex_new(const struct schema *s);
void predindex_free(struct predindex *p); /* NULL is fine */

/* The number of the condition `a AND b` (either may be NULL, both NULL: true). Expressions must outlive the index. */
unsigned predindex_add(struct predindex *p, const struct expr *a, const struct expr *b);
unsigned predindex_count(const struct predindex *p);
/* For EXPLAIN: how many different atoms there are; whether that one is found by its column's look-up. */
unsigned predindex_atoms(const struct predindex *p);
bool predindex_is_looked_up(const struct predindex *p, const struct expr *atom);
/* After the last add: adds string literals to the dictionary ... */
void predindex_literals(const struct predindex *p, struct dict *dict);
/* ... and, when all of them are in it, makes the machines. */
void predindex_ready(struct predindex *p, const struct dict *dict);

/* Evaluates all conditions over b. A condition that reads a column that b lacks holds for no row. */
void predindex_eval(struct predindex *p, const struct batch *b);
/* Bitmap (BATCH_WORDS words) of a condition over the batch last evaluated; valid until the next. */
const uint64_t *predindex_bits(const struct predindex *p, unsigned condition);

#endif
