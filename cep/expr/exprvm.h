/* SPDX-License-Identifier: Apache-2.0 */
/* exprvm.h - the expression machine: one opcode, one loop over the rows of a batch; or one row of a match at a time.
 *
 * Room:   plan -> [exprvm] -> predindex, operators
 * Owns:   its code and registers; built once for a job, reused for each batch
 * Thread: one worker.  Reads no clock.
 *
 * What has no value is NULL, never an error: division by zero (of every type), a result that overflows its type or a
 * DECIMAL's precision, a time outside the years 1 to 9999, a CAST of a text that is no such value, a LIKE pattern that
 * ends in its escape. DECIMAL arithmetic is exact, and rounds half away from zero to the scale of its result. */
#ifndef WEIR_CEP_EXPRVM_H
#define WEIR_CEP_EXPRVM_H
#include "cep/expr/expr.h"
#include "cep/row/batch.h"
#include "cep/row/dict.h"
#include "cep/row/row.h"

struct exprvm;

/* dict: literals compared with string columns get its ids, so that = is an integer compare (may be NULL). Literals must
 * have been added by exprvm_literals before. Unknown functions and kinds are a bug: the compiler has refused them. */
struct exprvm *exprvm_new(const struct expr *e, const struct dict *dict);
void exprvm_free(struct exprvm *x);
/* Adds the string constants that e compares columns with. */
void exprvm_literals(const struct expr *e, struct dict *dict);

/* --- over a batch: e must be row-only --- */

/* A boolean: bits of rows [0, b->n) that are TRUE (NULL counts as not), only among `among` if not NULL; others 0. */
void exprvm_filter(struct exprvm *x, const struct batch *b, const uint64_t *among, uint64_t *out);

/* --- one value ---
 *
 * No callbacks: the operator first asks what the expression needs from outside the current row, resolves that (a list of
 * rows, a list of values), and hands it over as plain arrays. */

/* The distinct rows that NAV nodes name, and the distinct SLOT, MATCH_AGG, CLASSIFIER,
 * MATCH_NUMBER and MATCH_ROWTIME nodes. */
const struct nav *exprvm_navs(const struct exprvm *x, unsigned *n);
const struct expr *const *exprvm_externals(const struct exprvm *x, unsigned *n);

struct exprvm_env {
    struct rowref current; /* the row being tested or output */
    const struct row_layout *layout; /* of kept rows */
    const struct rowref *navs; /* in the order of exprvm_navs */
    const union cell *externals; /* in the order of exprvm_externals */
    const bool *external_nulls;
    struct arena *scratch; /* for strings that functions make; required */
};
/* False: NULL. Strings in `out` point into the rows, the plan or `scratch`. */
bool exprvm_eval(struct exprvm *x, const struct exprvm_env *env, union cell *out);

#endif
