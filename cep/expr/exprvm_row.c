/* SPDX-License-Identifier: Apache-2.0
 *
 * The code over one row and the rows of its match. No allocation but in the caller's scratch arena. */
#include "base/bug.h"
#include "cep/expr/exprvm_code.h"
#include "cep/list.h"
#include <math.h>

struct at {
    const struct exprvm *x;
    const struct exprvm_env *env;
    struct func_value *values, *truths;
};

/* As rowref_cell, but the type is known from the code and needs no look at the schema. Numbers and texts are fetched
 * apart: to read 16 bytes of which 8 have just been written would have to wait for them. NULL: there is no value. */
static inline const union cell *in_row(const struct row *r, const struct row_layout *l, unsigned c)
{
    if (r == NULL)
        return NULL;
    unsigned k = l->cell[c];
    return r->nulls[k / 64] >> (k % 64) & 1 ? NULL : &r->cells[k];
}

static inline bool is_null(const struct batch_column *c, unsigned row)
{
    return c->has_nulls && (c->nulls[row / 64] >> (row % 64) & 1);
}

static inline struct rowref row_of(const struct at *a, const struct exprvm_operand *o)
{
    return o->mode == MODE_COLUMN ? a->env->current : a->env->navs[o->nav];
}

/* An operand that is no column. */
static inline const union cell *not_in_row(const struct at *a, const struct exprvm_operand *o)
{
    const struct func_value *v;
    switch (o->mode) {
    case MODE_CONST:
        return a->x->consts[o->index].null ? NULL : &a->x->consts[o->index].c;
    case MODE_EXTERNAL:
        return a->env->external_nulls[o->index] ? NULL : &a->env->externals[o->index];
    default:
        v = o->mode == MODE_TRUTH ? &a->truths[o->index] : &a->values[o->index];
        return v->null ? NULL : &v->c;
    }
}

/* A number or a truth. False: NULL, and 0. */
static inline bool fetch_int(const struct at *a, const struct exprvm_operand *o, int64_t *out)
{
    const union cell *c;
    *out = 0;
    if (o->mode == MODE_COLUMN || o->mode == MODE_NAV) {
        struct rowref r = row_of(a, o);
        if (r.b != NULL) {
            if (is_null(&r.b->columns[o->index], r.i))
                return false;
            *out = r.b->columns[o->index].i[r.i];
            return true;
        }
        c = in_row(r.r, a->env->layout, o->index);
    } else {
        c = not_in_row(a, o);
    }
    if (c != NULL)
        *out = c->i;
    return c != NULL;
}

static inline bool fetch_text(const struct at *a, const struct exprvm_operand *o, struct str *out)
{
    const union cell *c;
    *out = (struct str){"", 0, 0};
    if (o->mode == MODE_COLUMN || o->mode == MODE_NAV) {
        struct rowref r = row_of(a, o);
        if (r.b != NULL) {
            if (is_null(&r.b->columns[o->index], r.i))
                return false;
            *out = r.b->columns[o->index].s[r.i];
            return true;
        }
        c = in_row(r.r, a->env->layout, o->index);
    } else {
        c = not_in_row(a, o);
    }
    if (c != NULL)
        *out = c->s;
    return c != NULL;
}

static bool fetch(const struct at *a, const struct exprvm_operand *o, union cell *out)
{
    *out = (union cell){.s = {NULL, 0, 0}};
    return o->kind == TYPE_STRING ? fetch_text(a, o, &out->s) : fetch_int(a, o, &out->i);
}

static void put(const struct at *a, const struct exprvm_insn *in, bool ok, union cell c)
{
    struct func_value *v = in->to.kind == TYPE_BOOLEAN ? &a->truths[in->dst] : &a->values[in->dst];
    *v = (struct func_value){.c = c, .null = !ok};
}

static bool not_null(const struct at *a, const struct exprvm_operand *o)
{
    union cell c;
    return fetch(a, o, &c);
}

static void put_truth(const struct at *a, const struct exprvm_insn *in, bool ok, bool is)
{
    a->truths[in->dst].c.i = is;
    a->truths[in->dst].null = !ok;
}

static int order_double(int64_t a, int64_t b)
{
    struct value x = {.type.kind = TYPE_DOUBLE, .c.i = a}, y = {.type.kind = TYPE_DOUBLE, .c.i = b};
    return value_compare(&x, &y);
}

static bool compare_text(unsigned cond, struct str a, struct str b)
{
    if (cond <= COND_NE)
        return exprvm_same_text(a, b) == (cond == COND_EQ);
    struct value x = {.type.kind = TYPE_STRING, .c.s = a}, y = {.type.kind = TYPE_STRING, .c.s = b};
    return exprvm_holds(cond, value_compare(&x, &y));
}

static void compare(const struct at *k, const struct exprvm_insn *in)
{
    int64_t a = 0, b = 0;
    struct str s, t;
    bool has_a, has_b, is = false;
    if (in->op == OP_COMPARE_STRING) {
        has_a = fetch_text(k, &in->a, &s);
        has_b = fetch_text(k, &in->b, &t);
        is = has_a && has_b && compare_text(in->cond, s, t);
    } else {
        has_a = fetch_int(k, &in->a, &a);
        has_b = fetch_int(k, &in->b, &b);
        int c = in->op == OP_COMPARE_INT      ? (a > b) - (a < b)
                : in->op == OP_COMPARE_DOUBLE ? order_double(a, b)
                                              : exprvm_arith_compare_decimal(in->ta, a, in->tb, b);
        is = exprvm_holds(in->cond, c);
    }
    if (has_a && has_b)
        put_truth(k, in, true, is);
    else
        put_truth(k, in, in->null_safe, (!has_a && !has_b) == (in->cond == COND_EQ));
}

static void logic(const struct at *k, const struct exprvm_insn *in)
{
    struct func_value *d = &k->truths[in->dst];
    int64_t v = 0;
    bool has = in->op == OP_IS_NULL ? not_null(k, &in->a) : fetch_int(k, &in->a, &v);
    bool a_true = has && v != 0, a_false = has && v == 0;
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

/* The place of the row that is tested or put out. False: there is none (a condition over a window's sums). */
static bool place_of(const struct exprvm_env *env, struct list_at *at)
{
    struct rowref r = env->current;
    if (r.b != NULL)
        *at = (struct list_at){schema_place(r.b->schema), r.b->partition, r.b->offset[r.i]};
    else if (r.r != NULL)
        *at = (struct list_at){schema_place(env->layout->schema), r.r->partition, r.r->offset};
    return r.b != NULL || r.r != NULL;
}

static void match(const struct at *k, const struct exprvm_insn *in)
{
    union cell c;
    if (!fetch(k, &in->a, &c)) {
        put_truth(k, in, false, false);
    } else if (in->op == OP_IN) {
        const struct exprvm_set *s = &k->x->sets[in->aux];
        struct list_at at;
        bool placed = s->list != NULL && place_of(k->env, &at);
        enum truth t = exprvm_set_has(s, c, placed ? &at : NULL);
        put_truth(k, in, t != TRUTH_NULL, t == TRUTH_TRUE);
    } else {
        put_truth(k, in, true, exprvm_like_matches(k->x->likes[in->aux], c.s));
    }
}

static void look_up(const struct at *k, const struct exprvm_insn *in)
{
    union cell key, c = {.i = 0};
    const struct exprvm_set *s = &k->x->sets[in->aux];
    struct list_at at;
    bool placed = place_of(k->env, &at);
    bool ok = fetch(k, &in->a, &key) &&
              list_value_at(s->list, key, in->func, placed ? &at : NULL, s->since, &c);
    put(k, in, ok, c);
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
    int64_t v;
    if (in->op == OP_JUMP_NOT_NULL)
        return not_null(k, &in->a);
    bool has = fetch_int(k, &in->a, &v);
    switch (in->op) {
    case OP_JUMP_FALSE:
        return has && v == 0;
    case OP_JUMP_TRUE:
        return has && v != 0;
    default: /* OP_JUMP_NOT_TRUE */
        return !has || v == 0;
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
    case OP_LOOKUP:
        look_up(k, in);
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
