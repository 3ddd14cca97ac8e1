/* SPDX-License-Identifier: Apache-2.0 */
/* late.h - the result that tells a rule's LATE of a row: all columns that the rule reads.
 *
 * Room:   scatter (late is decided at the source), windowlist (of sessions, whose windows depend on state) -> [late]
 * Owns:   nothing.  Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_LATE_H
#define WEIR_CEP_LATE_H
#include "cep/emit.h"
#include "cep/plan.h"
#include "cep/row/batch.h"

struct late_of {
    const struct rule_plan *rule;
    const struct colset *reads; /* columns that are shown, beside the time */
    const void *key; /* canonical bytes of the row's key */
    size_t nkey;
};
/* The caller fills mode, step and what says which rule, then calls emit_done. */
void late_fill(struct result *r, const struct late_of *of, const struct batch *b, unsigned i,
               struct emit *e);
/* A result that says what is wrong with a row (ERROR), in the same form. */
void late_fill_error(struct result *r, const struct late_of *of, const struct batch *b, unsigned i,
                     const char *reason, struct emit *e);

#endif
