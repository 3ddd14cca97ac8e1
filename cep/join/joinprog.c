/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/join/joinprog.h"
#include "base/mem.h"
#include "cep/join/joinmap.h"

/* --- making --- */

static struct joinprog_from from_of(const struct join_plan *j, unsigned slot)
{
    unsigned left = j->side[JOIN_LEFT].schema->ncolumns;
    unsigned both = left + j->side[JOIN_RIGHT].schema->ncolumns;
    if (slot >= both)
        return (struct joinprog_from){(slot - both) / 3, (slot - both) % 3, true};
    return slot < left ? (struct joinprog_from){JOIN_LEFT, slot, false}
                       : (struct joinprog_from){JOIN_RIGHT, slot - left, false};
}

void joinprog_expr_init(struct joinprog_expr *x, const struct join_plan *j, const struct expr *e)
{
    const struct expr *const *reads = &e;
    *x = (struct joinprog_expr){.type = e->type, .n = 1};
    if (e->kind != EXPR_SLOT) {
        x->vm = exprvm_new(e, NULL);
        reads = exprvm_externals(x->vm, &x->n);
    }
    x->from = mem_array(x->n, sizeof *x->from);
    x->cells = mem_array(x->n, sizeof *x->cells);
    x->nulls = mem_array(x->n, sizeof *x->nulls);
    for (unsigned i = 0; i < x->n; i++)
        x->from[i] = from_of(j, reads[i]->index);
}

void joinprog_expr_fini(struct joinprog_expr *x)
{
    exprvm_free(x->vm);
    mem_free(x->from);
    mem_free(x->cells);
    mem_free(x->nulls);
}

static struct joinprog_part part_of(const struct join_key *k, unsigned side)
{
    const struct expr *e = k->e[side];
    struct joinprog_part p = {.column = -1, .type = k->type, .times = 1};
    if (e->kind == EXPR_COLUMN)
        p.column = (int)e->index;
    else
        p.vm = exprvm_new(e, NULL);
    for (unsigned s = e->type.scale; k->type.kind == TYPE_DECIMAL && s < k->type.scale; s++)
        p.times *= 10;
    return p;
}

struct joinprog *joinprog_new(const struct rule_plan *p)
{
    const struct join_plan *j = &p->join;
    struct joinprog *x = mem_new(sizeof *x);
    x->plan = j;
    for (unsigned s = 0; s < 2; s++) {
        x->parts[s] = mem_array(j->nkeys, sizeof *x->parts[s]);
        for (unsigned i = 0; i < j->nkeys; i++)
            x->parts[s][i] = part_of(&j->keys[i], s);
        x->keep_ms[s] = joinmap_keeps_ms(j, s);
    }
    x->has_on = j->on != NULL;
    if (x->has_on)
        joinprog_expr_init(&x->on, j, j->on);
    x->has_where = j->where != NULL;
    if (x->has_where)
        joinprog_expr_init(&x->where, j, j->where);
    x->noutputs = p->noutputs;
    x->outputs = mem_array(p->noutputs, sizeof *x->outputs);
    for (unsigned i = 0; i < p->noutputs; i++)
        joinprog_expr_init(&x->outputs[i], j, p->outputs[i].e);
    return x;
}

void joinprog_free(struct joinprog *p)
{
    if (p == NULL)
        return;
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < p->plan->nkeys; i++)
            exprvm_free(p->parts[s][i].vm);
        mem_free(p->parts[s]);
    }
    joinprog_expr_fini(&p->on);
    joinprog_expr_fini(&p->where);
    for (unsigned i = 0; i < p->noutputs; i++)
        joinprog_expr_fini(&p->outputs[i]);
    mem_free(p->outputs);
    mem_free(p);
}

/* --- running --- */

void joinprog_key(const struct joinprog *p, unsigned side, const struct batch *b, unsigned i,
                  struct arena *scratch, struct bytes *out)
{
    out->n = 0;
    for (unsigned k = 0; k < p->plan->nkeys; k++) {
        const struct joinprog_part *part = &p->parts[side][k];
        struct value v = {.type = part->type};
        if (part->column >= 0) {
            v = batch_value(b, (unsigned)part->column, i);
            v.type = part->type;
        } else {
            const struct exprvm_env env = {.current = {.b = b, .i = i}, .scratch = scratch};
            v.null = !exprvm_eval(part->vm, &env, &v.c);
        }
        if (part->times != 1 && !v.null && __builtin_mul_overflow(v.c.i, part->times, &v.c.i))
            v.c.i = INT64_MAX; /* more digits than a DECIMAL has: of no row on the other side */
        value_key(&v, out);
    }
}

/* False: NULL. */
static bool cell_of(const struct joinprog_pair *pair, const struct joinprog_from *f,
                    union cell *out)
{
    const struct rowref *r = &pair->row[f->side];
    if (!f->window)
        return rowref_cell(*r, pair->layout[f->side], f->column, out);
    out->i = f->column == 0 ? pair->start : pair->end - (f->column == 2);
    return r->b != NULL || r->r != NULL;
}

bool joinprog_value(const struct joinprog_expr *e, const struct joinprog_pair *pair,
                    struct arena *scratch, union cell *out)
{
    if (e->vm == NULL)
        return cell_of(pair, e->from, out);
    for (unsigned i = 0; i < e->n; i++)
        e->nulls[i] = !cell_of(pair, &e->from[i], &e->cells[i]);
    /* A list is looked up as it is at the left row's place. */
    const struct exprvm_env env = {.current = pair->row[JOIN_LEFT],
                                   .layout = pair->layout[JOIN_LEFT],
                                   .externals = e->cells,
                                   .external_nulls = e->nulls,
                                   .scratch = scratch};
    return exprvm_eval(e->vm, &env, out);
}
