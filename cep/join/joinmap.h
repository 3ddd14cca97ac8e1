/* SPDX-License-Identifier: Apache-2.0 */
/* joinmap.h - two versions of a join: can the new one go on with the rows that the old one keeps?
 *
 * Room:   two versions of a rule -> [joinmap] -> taskrejoin, the report that says what an upgrade keeps
 * Owns:   nothing.  Thread: any, read only.  Time: none.
 *
 * Rows of both sides stay if streams and keys are the same, and windows, if there are any. Bounds, conditions and results
 * may be others: they count for rows from then on, and for their pairs with those that are there. */
#ifndef WEIR_CEP_JOINMAP_H
#define WEIR_CEP_JOINMAP_H
#include "cep/plan.h"

/* Why nothing can be kept, static; NULL: it can. Both are joins. */
const char *joinmap_reset(const struct rule_plan *from, const struct rule_plan *to);
/* How long a row of that side waits for its partners; < 0: they have all been, and it is not kept. */
int64_t joinmap_keeps_ms(const struct join_plan *p, enum join_which side);

#endif
