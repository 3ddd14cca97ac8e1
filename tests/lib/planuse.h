/* SPDX-License-Identifier: Apache-2.0 */
/* planuse.h - all that may be done with what the compiler accepts: EXPLAIN, the operators' programs, and a few rows.
 *
 * For fuzzing: what goes wrong ends the process. Plans read the stream t of `planuse_stream`. */
#ifndef WEIR_TESTS_LIB_PLANUSE_H
#define WEIR_TESTS_LIB_PLANUSE_H
#include "rules/compile.h"

/* t: columns of every type, one of them computed. */
extern const char planuse_stream[];
/* A scope in which t is; made once and kept. */
const struct scope *planuse_scope(void);
/* What is refused says why; what is accepted says no error. */
void planuse_check_outcome(enum err e, const struct diag *d);
/* Explains the plan in every form and builds its programs. */
void planuse_explain(const struct rule_plan *p);
/* Runs the rules of the script, all in one job, over rows of two keys, to the end of the input. */
void planuse_run(const struct script *s);

#endif
