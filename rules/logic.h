/* SPDX-License-Identifier: Apache-2.0 */
/* logic.h - makes conditions: comparisons, tests, AND/OR/NOT, CASE.
 *
 * Room:   bind -> [logic] -> simplify.  The same rules as types.h about NULL.
 * Thread: one.
 *
 * A number in the text that is compared with a BIGINT or DECIMAL column takes that column's type, so that the column is
 * never cast and the predicate index can look it up. When the number has more digits than the column, the comparison
 * becomes one with the next value below: x > 2.005 at scale 2 is x > 2.00, and x = 2.005 never holds. */
#ifndef WEIR_RULES_LOGIC_H
#define WEIR_RULES_LOGIC_H
#include "rules/types.h"

const struct expr *logic_compare(struct cc *cc, enum expr_kind k, const struct expr *l,
                                 const struct expr *r, struct span at);
/* AND, OR */
const struct expr *logic_join(struct cc *cc, enum expr_kind k, unsigned n,
                              const struct expr *const *args, struct span at);
const struct expr *logic_not(struct cc *cc, const struct expr *e, struct span at);
/* IS NULL, IS TRUE, IS FALSE */
const struct expr *logic_is(struct cc *cc, enum expr_kind k, const struct expr *e, struct span at);
const struct expr *logic_in(struct cc *cc, const struct expr *x, unsigned n,
                            const struct expr *const *items, struct span at);
/* x must be of the type of the list's key, to the digit: what would be rounded to fit is not in the list. */
const struct expr *logic_in_list(struct cc *cc, const struct expr *x, const struct list *l,
                                 struct span at);
const struct expr *logic_like(struct cc *cc, const struct expr *e, const struct expr *pattern,
                              const struct expr *escape, struct span at);
/* when, then, …, else; an even n: no else. */
const struct expr *logic_case(struct cc *cc, unsigned n, const struct expr *const *args,
                              struct span at);
const struct expr *logic_coalesce(struct cc *cc, unsigned n, const struct expr *const *args,
                                  struct span at);
/* e as a condition: a boolean, or NULL as one. Says "what needs a BOOLEAN …" and gives NULL if it is neither. */
const struct expr *logic_condition(struct cc *cc, const struct expr *e, const char *what);

#endif
