/* SPDX-License-Identifier: Apache-2.0
 *
 * The code over one row and the rows of its match. No allocation but in the caller's scratch arena. */
#include "base/bug.h"
#include "cep/exprvm_code.h"
#include <math.h>

struct at {
    const struct exprvm *x;
    const struct exprvm_env *env;
    struct func_value *values, *truths;
};

/* As rowref_cell, but the type is known from the code and needs no look at the schema. */
static bool column(struct rowref r, const struct row_layout *l, const struct exprvm_operand *o,
                   union cell *out)
{
    if (r.b != NULL) {
        const struct batch_column *c = &r.b->columns[o->index];
        if (c->has_nulls && (c->nulls[r.i / 64] >> (r.i % 64) & 1))
            return false;
        if (o->kind == TYPE_STRING)
            out->s = c->s[r.i];
        else
            out->i = c->i[r.i];
        return true;
    }
    if (r.r == NULL)
        return false;
    unsigned k = l->cell[o->index];
    if (r.r->nulls[k / 64] >> (k % 64) & 1)
        return false;
    *out = r.r->cells[k];
    return true;
}

/* False: NULL. */
static bool fetch(const struct at *a, const struct exprvm_operand *o, union cell *out)
{
    const struct func_value *v;
    switch (o->mode) {
    case MODE_COLUMN:
        return column(a->env->current, a->env->layout, o, out);
    case MODE_NAV:
        return column(a->env->navs[o->nav], a->env->layout, o, out);
    case MODE_CONST:
        *out = a->x->consts[o->index].c;
        return !a->x->consts[o->index].null;
    case MODE_EXTERNAL:
        *out = a->env->externals[o->index];
        return !a->env->external_nulls[o->index];
    default:
        v = o->mode == MODE_TRUTH ? &a->truths[o->index] : &a->values[o->index];
        *out = v->c;
        return !v->null;
    }
}

static void put(const struct at *a, const struct exprvm_insn *in, bool ok, union cell c)
{
    struct func_value *v = in->to.kind == TYPE_BOOLEAN ? &a->truths[in->dst] : &a->values[in->dst];
    *v = (struct func_value){.c = c, .null = !ok};
}

static void put_truth(const struct at *a, const struct exprvm_insn *in, bool ok, bool is)
{
    a->truths[in->dst].c.i = is;
    a->truths[in->dst].null = !ok;
}

static bool compare_double(unsigned cond, double a, double b)
{
    struct value x = {.type.kind = TYPE_DOUBLE, .c.d = a}, y = {.type.kind = TYPE_DOUBLE, .c.d = b};
    return exprvm_holds(cond, value_compare(&x, &y));
}

static bool compare_string(unsigned cond, struct str a, struct str b)
{
    if (cond <= COND_NE)
        return exprvm_same_text(a, b) == (cond == COND_EQ);
    struct value x = {.type.kind = TYPE_STRING, .c.s = a}, y = {.type.kind = TYPE_STRING, .c.s = b};
    return exprvm_holds(cond, value_compare(&x, &y));
}

static void compare(const struct at *k, const struct exprvm_insn *in)
{
    union cell a, b;
    bool has_a = fetch(k, &in->a, &a), has_b = fetch(k, &in->b, &b), is = false;
    if (!has_a || !has_b) {
        bool same = !has_a && !has_b;
        put_truth(k, in, in->null_safe, same == (in->cond == COND_EQ));
        return;
    }
    switch (in->op) {
    case OP_COMPARE_INT:
        is = exprvm_holds(in->cond, (a.i > b.i) - (a.i < b.i));
        break;
    case OP_COMPARE_DOUBLE:
        is = compare_double(in->cond, a.d, b.d);
        break;
    case OP_COMPARE_STRING:
        is = compare_string(in->cond, a.s, b.s);
        break;
    default:
        is = exprvm_holds(in->cond, exprvm_arith_compare_decimal(in->ta, a.i, in->tb, b.i));
    }
    put_truth(k, in, true, is);
}

static void logic(const struct at *k, const struct exprvm_insn *in)
{
    struct func_value *d = &k->truths[in->dst];
    union cell c;
    bool has = fetch(k, &in->a, &c), a_true = has && c.i != 0, a_false = has && c.i == 0;
    bool d_true = !d->null && d->c.i != 0, d_false = !d->null && d->c.i == 0;
    switch (in->op) {
    case OP_AND:
        put_truth(k, in, a_false || d_false || (a_true && d_true), a_true && d_true);
        break;
    case OP_OR:
        put_truth(k, in, a_true || d_true || (a_false && d_false), a_true || d_true);
        break;
    case OP_NOT:
        put_truth(k, in, has, a_false);
        break;
    case OP_IS_NULL:
        put_truth(k, in, true, !has);
        break;
    case OP_IS_TRUE:
        put_truth(k, in, true, a_true);
        break;
    case OP_IS_FALSE:
        put_truth(k, in, true, a_false);
        break;
    default: /* OP_TRUTH */
        put_truth(k, in, has, a_true);
    }
}

static void match(const struct at *k, const struct exprvm_insn *in)
{
    union cell c;
    if (!fetch(k, &in->a, &c)) {
        put_truth(k, in, false, false);
    } else if (in->op == OP_IN) {
        enum truth t = exprvm_set_has(&k->x->sets[in->aux], c);
        put_truth(k, in, t != TRUTH_NULL, t == TRUTH_TRUE);
    } else {
        put_truth(k, in, true, exprvm_like_matches(k->x->likes[in->aux], c.s));
    }
}

static void arith(const struct at *k, const struct exprvm_insn *in)
{
    union cell a, b, c = {.i = 0};
    bool ok = fetch(k, &in->a, &a) && fetch(k, &in->b, &b) && exprvm_arith(in, a, b, &c);
    put(k, in, ok, c);
}

static void cast(const struct at *k, const struct exprvm_insn *in)
{
    union cell a, c = {.i = 0};
    bool ok = fetch(k, &in->a, &a) && exprvm_cast(in->ta, a, in->to, k->env->scratch, &c);
    put(k, in, ok, c);
}

static void call(const struct at *k, const struct exprvm_insn *in)
{
    struct func_value args[UINT8_MAX];
    union cell c = {.i = 0};
    for (unsigned j = 0; j < in->nargs; j++)
        args[j].null = !fetch(k, &k->x->args[in->aux + j], &args[j].c);
    put(k, in, exprvm_call(in, args, k->env->scratch, &c), c);
}

/* OP_MOVE, OP_SELECT, OP_COALESCE */
static void lay(const struct at *k, const struct exprvm_insn *in)
{
    union cell c;
    const struct func_value *when = &k->truths[in->b.index];
    const struct func_value *d =
        in->to.kind == TYPE_BOOLEAN ? &k->truths[in->dst] : &k->values[in->dst];
    if (in->op == OP_SELECT && (when->null || when->c.i == 0))
        return;
    if (in->op == OP_COALESCE && !d->null)
        return;
    bool ok = fetch(k, &in->a, &c);
    put(k, in, ok, c);
}

static bool jumps(const struct at *k, const struct exprvm_insn *in)
{
    union cell c;
    bool has = fetch(k, &in->a, &c);
    switch (in->op) {
    case OP_JUMP_FALSE:
        return has && c.i == 0;
    case OP_JUMP_TRUE:
        return has && c.i != 0;
    case OP_JUMP_NOT_TRUE:
        return !has || c.i == 0;
    default: /* OP_JUMP_NOT_NULL */
        return has;
    }
}

static bool no_row(const struct at *k, const struct exprvm_insn *in)
{
    struct rowref r = k->env->navs[in->a.nav];
    if (r.b != NULL || r.r != NULL)
        return false;
    put(k, in, false, (union cell){.i = 0});
    return true;
}

static unsigned step(const struct at *k, const struct exprvm_insn *in, unsigned pc)
{
    switch ((enum exprvm_op)in->op) {
    case OP_COMPARE_INT:
    case OP_COMPARE_DOUBLE:
    case OP_COMPARE_STRING:
    case OP_COMPARE_DECIMAL:
        compare(k, in);
        break;
    case OP_TRUTH:
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_IS_NULL:
    case OP_IS_TRUE:
    case OP_IS_FALSE:
        logic(k, in);
        break;
    case OP_IN:
    case OP_LIKE:
        match(k, in);
        break;
    case OP_NEG:
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MOD:
        arith(k, in);
        break;
    case OP_CAST:
        cast(k, in);
        break;
    case OP_LIKE_ANY:
    case OP_CONCAT:
    case OP_FUNC:
        call(k, in);
        break;
    case OP_MOVE:
    case OP_SELECT:
    case OP_COALESCE:
        lay(k, in);
        break;
    case OP_JUMP_FALSE:
    case OP_JUMP_TRUE:
    case OP_JUMP_NOT_TRUE:
    case OP_JUMP_NOT_NULL:
        return jumps(k, in) ? in->aux : pc + 1;
    case OP_ROW:
        return no_row(k, in) ? in->aux : pc + 1;
    }
    return pc + 1;
}

bool exprvm_row_eval(struct exprvm *x, const struct exprvm_env *env, union cell *out)
{
    struct at k = {.x = x, .env = env, .values = x->row, .truths = x->row + x->nvalues};
    for (unsigned pc = 0; pc < x->ncode;)
        pc = step(&k, &x->code[pc], pc);
    return fetch(&k, &x->result, out);
}
