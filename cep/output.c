/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/output.h"
#include "base/mem.h"

/* Rows are of batches here, never kept ones. */
static const struct row_layout of_batches;

void output_init(struct output *o, const struct plan_output *outputs, unsigned n)
{
    *o = (struct output){.n = n, .items = mem_array(n, sizeof *o->items)};
    for (unsigned i = 0; i < n; i++) {
        const struct expr *e = outputs[i].e;
        o->items[i] = (struct output_item){.type = outputs[i].type, .column = -1, .slot = -1};
        if (e->kind == EXPR_COLUMN)
            o->items[i].column = (int)e->index;
        else if (e->kind == EXPR_SLOT)
            o->items[i].slot = (int)e->index;
        else
            o->items[i].vm = exprvm_new(e, NULL);
    }
}

void output_fini(struct output *o)
{
    for (unsigned i = 0; i < o->n; i++)
        exprvm_free(o->items[i].vm);
    mem_free(o->items);
    *o = (struct output){0};
}

const struct value *output_of_row(const struct output *o, struct batch *b, unsigned i,
                                  struct emit *e)
{
    struct value *v = arena_alloc(e->arena, o->n * sizeof *v);
    const struct exprvm_env env = {.current = {.b = b, .i = i}, .scratch = e->arena};
    for (unsigned k = 0; k < o->n; k++) {
        const struct output_item *it = &o->items[k];
        union cell c = {0};
        bool some = it->column >= 0
                        ? rowref_cell(env.current, &of_batches, (unsigned)it->column, &c)
                        : exprvm_eval(it->vm, &env, &c);
        v[k] = emit_value(e, it->type, !some, c);
    }
    return v;
}

bool output_value(struct exprvm *vm, struct rowref row, const struct row_layout *layout,
                  const struct value *slots, struct arena *scratch, union cell *out)
{
    unsigned n;
    const struct expr *const *externals = exprvm_externals(vm, &n);
    union cell *cells = arena_alloc(scratch, (n + 1) * sizeof *cells);
    bool *nulls = arena_alloc(scratch, (n + 1) * sizeof *nulls);
    for (unsigned i = 0; i < n; i++) {
        cells[i] = slots[externals[i]->index].c;
        nulls[i] = slots[externals[i]->index].null;
    }
    const struct exprvm_env env = {.current = row,
                                   .layout = layout,
                                   .externals = cells,
                                   .external_nulls = nulls,
                                   .scratch = scratch};
    return exprvm_eval(vm, &env, out);
}

static const struct value *output_of_all(const struct output *o, struct rowref row,
                                         const struct row_layout *layout, const struct value *slots,
                                         struct emit *e)
{
    struct value *v = arena_alloc(e->arena, o->n * sizeof *v);
    for (unsigned k = 0; k < o->n; k++) {
        const struct output_item *it = &o->items[k];
        union cell c = {0};
        if (it->slot >= 0) {
            const struct value *s = &slots[it->slot];
            v[k] = emit_value(e, it->type, s->null, s->c);
        } else {
            bool some = it->column >= 0 ? rowref_cell(row, layout, (unsigned)it->column, &c)
                                        : output_value(it->vm, row, layout, slots, e->arena, &c);
            v[k] = emit_value(e, it->type, !some, c);
        }
    }
    return v;
}

const struct value *output_of_both(const struct output *o, struct rowref row,
                                   const struct value *slots, struct emit *e)
{
    return output_of_all(o, row, &of_batches, slots, e);
}

const struct value *output_of_kept(const struct output *o, const struct row *row,
                                   const struct row_layout *layout, const struct value *slots,
                                   struct emit *e)
{
    return output_of_all(o, (struct rowref){.r = row}, layout, slots, e);
}

const struct value *output_of_slots(const struct output *o, const struct value *slots,
                                    struct emit *e)
{
    return output_of_both(o, (struct rowref){0}, slots, e);
}

bool output_holds_both(struct exprvm *vm, struct rowref row, const struct value *slots,
                       struct arena *scratch)
{
    union cell c = {0};
    return output_value(vm, row, &of_batches, slots, scratch, &c) && c.i != 0;
}

bool output_holds(struct exprvm *vm, const struct value *slots, struct arena *scratch)
{
    return output_holds_both(vm, (struct rowref){0}, slots, scratch);
}
