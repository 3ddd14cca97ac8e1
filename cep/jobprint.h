/* SPDX-License-Identifier: Apache-2.0 */
/* jobprint.h - what a rule shares with the other rules of its job: conditions, keys, columns. For EXPLAIN.
 *
 * Room:   job -> [jobprint] -> EXPLAIN.  Owns: nothing.  Thread: the job's. */
#ifndef WEIR_CEP_JOBPRINT_H
#define WEIR_CEP_JOBPRINT_H
#include "cep/job.h"

/* Index of the rule of that name in the job, in any case; -1: none. */
int jobprint_find(const struct job *j, const char *name);
/* Lines, each indented by two; or one JSON object. */
void jobprint_rule(const struct job *j, unsigned rule, bool json, struct bytes *out);

#endif
