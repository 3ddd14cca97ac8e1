/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - a rule's SELECT list, made ready: one machine for each expression, none for a bare column or slot.
 *
 * Room:   filters, match, window, over -> [output] -> values of a result
 * Owns:   its machines.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_OUTPUT_H
#define WEIR_CEP_OUTPUT_H
#include "cep/emit.h"
#include "cep/expr/exprvm.h"

struct output_item {
    struct type type;
    int column; /* a bare column of the current row, or -1 */
    int slot; /* a bare slot, or -1 */
    struct exprvm *vm; /* of all others */
};

struct output {
    unsigned n;
    struct output_item *items;
};

void output_init(struct output *o, const struct plan_output *outputs, unsigned n);
void output_fini(struct output *o);
/* Values over one row (FILTER). */
const struct value *output_of_row(const struct output *o, struct batch *b, unsigned i,
                                  struct emit *e);
/* Values over slots (WINDOW). */
const struct value *output_of_slots(const struct output *o, const struct value *slots,
                                    struct emit *e);
/* Values over a row and slots (OVER). */
const struct value *output_of_both(const struct output *o, struct rowref row,
                                   const struct value *slots, struct emit *e);
/* The same over a kept row. */
const struct value *output_of_kept(const struct output *o, const struct row *row,
                                   const struct row_layout *layout, const struct value *slots,
                                   struct emit *e);
/* One value over slots, and a row if there is one. False: NULL. */
bool output_value(struct exprvm *vm, struct rowref row, const struct row_layout *layout,
                  const struct value *slots, struct arena *scratch, union cell *out);
/* A boolean over slots that is TRUE. */
bool output_holds(struct exprvm *vm, const struct value *slots, struct arena *scratch);
/* The same over a row and slots. */
bool output_holds_both(struct exprvm *vm, struct rowref row, const struct value *slots,
                       struct arena *scratch);

#endif
