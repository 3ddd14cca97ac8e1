/* SPDX-License-Identifier: Apache-2.0 */
/* evalplaces.h - the places of rows that are results of other rules, as numbers that people can count: the first result of a
 * rule is 0.
 *
 * Room:   results of the tasks -> [evalplaces] -> result lines
 * Owns:   the number of each result that some rule reads.  Thread: one. */
#ifndef WEIR_SERVER_EVALPLACES_H
#define WEIR_SERVER_EVALPLACES_H
#include "cep/job.h"
#include "cep/result.h"

struct evalplaces;

/* NULL: no rule of the job reads another. */
struct evalplaces *evalplaces_new(const struct job *j);
void evalplaces_free(struct evalplaces *e); /* NULL is fine */
/* The results are told in this order. */
void evalplaces_note(struct evalplaces *e, const struct result *r);
/* Its rows with numbers for places that are hashes; valid until the next call. */
const struct result_row *evalplaces_rows(struct evalplaces *e, const struct result *r);

#endif
