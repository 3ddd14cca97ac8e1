/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - the results of a task since they were last taken: made by filters and operators, put in order, handed out.
 *
 * Room:   filters, match, window -> [emit] -> effects of the task
 * Owns:   the results and all they point to, until emit_clear
 * Thread: one worker.  Time: evtime; reads no clock. */
#ifndef WEIR_CEP_EMIT_H
#define WEIR_CEP_EMIT_H
#include "base/arena.h"
#include "cep/result.h"

struct emit {
    struct arena *arena;
    struct result *early; /* decided at the source: in order of arrival */
    struct result *keyed; /* decided on the keyed side: sorted, a step at a time */
    size_t nearly, early_cap, nkeyed, keyed_cap;
    size_t sorted; /* of keyed */
    uint64_t made; /* in all */
};

void emit_init(struct emit *e);
void emit_fini(struct emit *e);
void emit_clear(struct emit *e);

/* A new result with its rule and places of no window; the caller fills the rest and then calls emit_done. */
struct result *emit_new(struct emit *e, bool early);
/* Its id is made. Strings of `values` must outlive the clear: emit_value copies one. */
void emit_done(struct result *r);
struct value emit_value(struct emit *e, struct type t, bool null, union cell c);
/* What was made since the last call becomes one step: sorted by result_compare. */
void emit_step(struct emit *e);
/* All of them, early ones first; valid until the next emit_new or emit_clear. */
const struct result *emit_all(struct emit *e, unsigned *n);

#endif
