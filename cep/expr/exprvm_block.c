/* SPDX-License-Identifier: Apache-2.0
 *
 * The code over 64 rows: a truth is one word, so AND, OR and NOT are word operations, and a comparison is a loop that
 * makes 64 bytes of 0 and 1, which are then pressed into a word. Loops over numbers run over all 64 rows, whether they
 * count or not (a batch's cells may be read past its rows, and mean nothing there); whatever looks behind a pointer or
 * costs more than a few instructions runs over the rows that count. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/expr/exprvm_code.h"
#include "cep/list.h"
#include <math.h>
#include <string.h>

struct block {
    struct exprvm *x;
    const struct batch *b;
    unsigned first; /* row; a multiple of 64 */
    uint64_t active; /* rows that count */
};

/* An operand as cells in a row, and which of them are NULL. */
struct view {
    union {
        const int64_t *i;
        const double *d;
        const struct str *s;
    };
    uint64_t n;
};

#define EACH_ROW(i, rows)                                                                          \
    for (uint64_t i##_left = (rows); i##_left != 0; i##_left &= i##_left - 1)                      \
        for (unsigned i = (unsigned)__builtin_ctzll(i##_left), i##_once = 1; i##_once; i##_once = 0)

/* Byte i of t (0 or 1) becomes bit i. */
static uint64_t pressed(const uint8_t t[EXPRVM_BLOCK])
{
    uint64_t bits = 0;
    for (unsigned k = 0; k < 8; k++) {
        uint64_t w;
        memcpy(&w, t + 8 * (size_t)k, 8);
        bits |= (w * UINT64_C(0x0102040810204080) >> 56) << (8 * k);
    }
    return bits;
}

/* `spare` is for operands that are not cells yet: a constant, a truth. */
static struct view view(const struct block *k, const struct exprvm_operand *o,
                        struct exprvm_values *spare)
{
    struct view v = {.i = spare->i};
    const struct batch_column *c;
    const struct value *constant;
    const struct exprvm_truths *truth;
    switch (o->mode) {
    case MODE_COLUMN:
        c = &k->b->columns[o->index];
        v.i = c->i + k->first;
        if (o->kind == TYPE_STRING)
            v.s = c->s + k->first;
        v.n = c->has_nulls ? c->nulls[k->first / EXPRVM_BLOCK] : 0;
        break;
    case MODE_VALUE:
        v.i = k->x->values[o->index].i;
        v.n = k->x->values[o->index].n;
        break;
    case MODE_TRUTH:
        truth = &k->x->truths[o->index];
        for (unsigned i = 0; i < EXPRVM_BLOCK; i++)
            spare->i[i] = (int64_t)(truth->t >> i & 1);
        v.n = truth->n;
        break;
    case MODE_CONST:
        constant = &k->x->consts[o->index];
        v.n = constant->null ? ~UINT64_C(0) : 0;
        if (o->kind == TYPE_STRING)
            for (unsigned i = 0; i < EXPRVM_BLOCK; i++)
                spare->s[i] = constant->c.s;
        else
            for (unsigned i = 0; i < EXPRVM_BLOCK; i++)
                spare->i[i] = constant->c.i;
        break;
    default:
        bug_abort(__FILE__, __LINE__, "operand of mode %d over a batch", o->mode);
    }
    return v;
}

static union cell cell_of(const struct view *v, uint8_t kind, unsigned i)
{
    union cell c = {.i = 0};
    if (kind == TYPE_STRING)
        c.s = v->s[i];
    else
        c.i = v->i[i];
    return c;
}

/* Truths from a comparison of cells; `m` is right where neither is NULL. */
static void set_compared(struct exprvm_truths *dst, const struct exprvm_insn *in, uint64_t m,
                         uint64_t na, uint64_t nb)
{
    uint64_t null = na | nb;
    if (in->null_safe) {
        uint64_t same = (in->cond == COND_EQ ? m : ~m) & ~null;
        same |= na & nb;
        dst->t = in->cond == COND_EQ ? same : ~same;
        dst->n = 0;
    } else {
        dst->t = m & ~null;
        dst->n = null;
    }
}

#define BYTES_OF(condition)                                                                        \
    for (unsigned i = 0; i < EXPRVM_BLOCK; i++)                                                    \
        t[i] = (condition);                                                                        \
    break

static uint64_t compare_int(unsigned cond, const int64_t *a, const int64_t *b)
{
    uint8_t t[EXPRVM_BLOCK];
    switch (cond) {
    case COND_EQ:
        BYTES_OF(a[i] == b[i]);
    case COND_NE:
        BYTES_OF(a[i] != b[i]);
    case COND_LT:
        BYTES_OF(a[i] < b[i]);
    case COND_LE:
        BYTES_OF(a[i] <= b[i]);
    case COND_GT:
        BYTES_OF(a[i] > b[i]);
    default:
        BYTES_OF(a[i] >= b[i]);
    }
    return pressed(t);
}

static uint64_t compare_int_const(unsigned cond, const int64_t *a, int64_t b)
{
    uint8_t t[EXPRVM_BLOCK];
    switch (cond) {
    case COND_EQ:
        BYTES_OF(a[i] == b);
    case COND_NE:
        BYTES_OF(a[i] != b);
    case COND_LT:
        BYTES_OF(a[i] < b);
    case COND_LE:
        BYTES_OF(a[i] <= b);
    case COND_GT:
        BYTES_OF(a[i] > b);
    default:
        BYTES_OF(a[i] >= b);
    }
    return pressed(t);
}

/* NaN is equal to NaN and above all else, as in ORDER BY (value_compare). */
static uint64_t compare_double(unsigned cond, const double *a, const double *b)
{
    uint8_t t[EXPRVM_BLOCK];
    switch (cond) {
    case COND_EQ:
        BYTES_OF(a[i] == b[i] || (isnan(a[i]) && isnan(b[i])));
    case COND_NE:
        BYTES_OF(!(a[i] == b[i] || (isnan(a[i]) && isnan(b[i]))));
    case COND_LT:
        BYTES_OF(a[i] < b[i] || (isnan(b[i]) && !isnan(a[i])));
    case COND_LE:
        BYTES_OF(a[i] <= b[i] || isnan(b[i]));
    case COND_GT:
        BYTES_OF(a[i] > b[i] || (isnan(a[i]) && !isnan(b[i])));
    default:
        BYTES_OF(a[i] >= b[i] || isnan(a[i]));
    }
    return pressed(t);
}

/* True if a column's ids are those that the code's constants have. */
static bool ids_agree(const struct block *k, const struct exprvm_operand *o)
{
    return o->mode == MODE_COLUMN && k->x->dict_serial != 0 &&
           k->b->dict_serial == k->x->dict_serial && colset_has(&k->b->with_ids, o->index);
}

static uint64_t same_id(const struct str *a, uint32_t id)
{
    uint8_t t[EXPRVM_BLOCK];
    for (unsigned i = 0; i < EXPRVM_BLOCK; i++)
        t[i] = a[i].id == id;
    return pressed(t);
}

static uint64_t compare_text(const struct exprvm_insn *in, const struct str *a, const struct str *b,
                             uint64_t rows)
{
    uint64_t m = 0;
    EACH_ROW(i, rows)
    {
        bool is = false;
        if (in->cond <= COND_NE) {
            is = exprvm_same_text(a[i], b[i]) == (in->cond == COND_EQ);
        } else {
            struct value x = {.type.kind = TYPE_STRING, .c.s = a[i]},
                         y = {.type.kind = TYPE_STRING, .c.s = b[i]};
            is = exprvm_holds(in->cond, value_compare(&x, &y));
        }
        m |= (uint64_t)is << i;
    }
    return m;
}

static void compare_strings(const struct block *k, const struct exprvm_insn *in,
                            struct exprvm_truths *dst)
{
    struct exprvm_values sa, sb;
    struct view a = view(k, &in->a, &sa);
    if (in->b.mode == MODE_CONST && in->cond <= COND_NE && ids_agree(k, &in->a)) {
        const struct value *constant = &k->x->consts[in->b.index];
        if (!constant->null && constant->c.s.id != 0) {
            uint64_t same = same_id(a.s, constant->c.s.id);
            set_compared(dst, in, in->cond == COND_EQ ? same : ~same, a.n, 0);
            return;
        }
    }
    struct view b = view(k, &in->b, &sb);
    set_compared(dst, in, compare_text(in, a.s, b.s, k->active & ~(a.n | b.n)), a.n, b.n);
}

static void compare(const struct block *k, const struct exprvm_insn *in, struct exprvm_truths *dst)
{
    struct exprvm_values sa, sb;
    if (in->op == OP_COMPARE_STRING) {
        compare_strings(k, in, dst);
        return;
    }
    struct view a = view(k, &in->a, &sa), b = {.n = 0};
    uint64_t m = 0;
    if (in->op == OP_COMPARE_INT && in->b.mode == MODE_CONST) {
        const struct value *constant = &k->x->consts[in->b.index];
        b.n = constant->null ? ~UINT64_C(0) : 0;
        m = compare_int_const(in->cond, a.i, constant->c.i);
    } else {
        b = view(k, &in->b, &sb);
        if (in->op == OP_COMPARE_INT)
            m = compare_int(in->cond, a.i, b.i);
        else if (in->op == OP_COMPARE_DOUBLE)
            m = compare_double(in->cond, a.d, b.d);
        else
            EACH_ROW(i, k->active)
            {
                int c = exprvm_arith_compare_decimal(in->ta, a.i[i], in->tb, b.i[i]);
                m |= (uint64_t)exprvm_holds(in->cond, c) << i;
            }
    }
    set_compared(dst, in, m, a.n, b.n);
}

static struct exprvm_truths truths_of(const struct block *k, const struct exprvm_operand *o)
{
    struct exprvm_values spare;
    if (o->mode == MODE_TRUTH)
        return k->x->truths[o->index];
    struct view v = view(k, o, &spare);
    uint8_t t[EXPRVM_BLOCK];
    for (unsigned i = 0; i < EXPRVM_BLOCK; i++)
        t[i] = v.i[i] != 0;
    return (struct exprvm_truths){pressed(t) & ~v.n, v.n};
}

static void logic(struct block *k, const struct exprvm_insn *in)
{
    struct exprvm_truths *dst = &k->x->truths[in->dst], a = truths_of(k, &in->a), d = *dst;
    uint64_t f = ~(a.t | a.n);
    switch (in->op) {
    case OP_AND:
        *dst = (struct exprvm_truths){d.t & a.t, (d.t | d.n) & (a.t | a.n) & ~(d.t & a.t)};
        break;
    case OP_OR:
        *dst = (struct exprvm_truths){d.t | a.t, (d.n | a.n) & ~(d.t | a.t)};
        break;
    case OP_NOT:
        *dst = (struct exprvm_truths){f, a.n};
        break;
    case OP_IS_TRUE:
        *dst = (struct exprvm_truths){a.t, 0};
        break;
    case OP_IS_FALSE:
        *dst = (struct exprvm_truths){f, 0};
        break;
    default: /* OP_TRUTH */
        *dst = a;
    }
}

static uint64_t nulls_of(const struct block *k, const struct exprvm_operand *o)
{
    switch (o->mode) {
    case MODE_COLUMN:
        return k->b->columns[o->index].has_nulls
                   ? k->b->columns[o->index].nulls[k->first / EXPRVM_BLOCK]
                   : 0;
    case MODE_VALUE:
        return k->x->values[o->index].n;
    case MODE_TRUTH:
        return k->x->truths[o->index].n;
    default:
        return k->x->consts[o->index].null ? ~UINT64_C(0) : 0;
    }
}

/* Each row sees the list as it is at its own place. */
static uint64_t in_list(const struct block *k, const struct exprvm_insn *in,
                        const struct exprvm_set *s, const struct view *a)
{
    struct list_at at = {.stream = schema_place(k->b->schema), .partition = k->b->partition};
    uint64_t has = 0;
    EACH_ROW(i, k->active & ~a->n)
    {
        at.offset = k->b->offset[k->first + i];
        has |= (uint64_t)(exprvm_set_has(s, cell_of(a, in->a.kind, i), &at) == TRUTH_TRUE) << i;
    }
    return has;
}

static void in_set(struct block *k, const struct exprvm_insn *in)
{
    const struct exprvm_set *s = &k->x->sets[in->aux];
    struct exprvm_truths *dst = &k->x->truths[in->dst];
    struct exprvm_values spare;
    struct view a = view(k, &in->a, &spare);
    bool by_id = s->ids != NULL && ids_agree(k, &in->a);
    uint64_t has = s->list != NULL ? in_list(k, in, s, &a) : 0;
    EACH_ROW(i, s->list != NULL ? 0 : k->active & ~a.n)
    {
        uint32_t id = by_id ? a.s[i].id : 0;
        bool is = by_id ? (s->ids[id / 64] >> (id % 64) & 1) != 0
                        : exprvm_set_has(s, cell_of(&a, in->a.kind, i), NULL) == TRUTH_TRUE;
        has |= (uint64_t)is << i;
    }
    dst->t = has;
    dst->n = a.n | (s->has_null ? ~has : 0);
}

static void like(struct block *k, const struct exprvm_insn *in)
{
    const struct exprvm_like *l = k->x->likes[in->aux];
    struct exprvm_truths *dst = &k->x->truths[in->dst];
    struct exprvm_values spare;
    struct view a = view(k, &in->a, &spare);
    uint64_t has = 0;
    EACH_ROW(i, k->active & ~a.n)
    has |= (uint64_t)exprvm_like_matches(l, a.s[i]) << i;
    dst->t = has;
    dst->n = a.n;
}

/* Where a computed cell goes: a value register, or a truth for booleans. */
static void put(struct block *k, const struct exprvm_insn *in, unsigned i, bool ok, union cell c)
{
    if (in->to.kind == TYPE_BOOLEAN) {
        struct exprvm_truths *t = &k->x->truths[in->dst];
        t->t |= (uint64_t)(ok && c.i != 0) << i;
        t->n |= (uint64_t)!ok << i;
        return;
    }
    struct exprvm_values *v = &k->x->values[in->dst];
    v->n |= (uint64_t)!ok << i;
    if (in->to.kind == TYPE_STRING)
        v->s[i] = ok ? c.s : (struct str){"", 0, 0};
    else
        v->i[i] = ok ? c.i : 0;
}

static void put_nothing_yet(struct block *k, const struct exprvm_insn *in)
{
    if (in->to.kind == TYPE_BOOLEAN)
        k->x->truths[in->dst] = (struct exprvm_truths){0, 0};
    else
        k->x->values[in->dst].n = 0;
}

static struct arena *scratch(struct block *k)
{
    if (k->x->scratch == NULL)
        k->x->scratch = arena_new(0, 0);
    return k->x->scratch;
}

static void arith(struct block *k, const struct exprvm_insn *in)
{
    struct exprvm_values sa, sb;
    struct view a = view(k, &in->a, &sa), b = view(k, &in->b, &sb);
    put_nothing_yet(k, in);
    EACH_ROW(i, k->active)
    {
        union cell c = {.i = 0};
        union cell p = {.i = a.i[i]}, q = {.i = b.i[i]};
        bool ok = !((a.n | b.n) >> i & 1) && exprvm_arith(in, p, q, &c);
        put(k, in, i, ok, c);
    }
}

static void cast(struct block *k, const struct exprvm_insn *in)
{
    struct exprvm_values spare;
    struct view a = view(k, &in->a, &spare);
    put_nothing_yet(k, in);
    EACH_ROW(i, k->active)
    {
        union cell c = {.i = 0};
        bool ok = !(a.n >> i & 1) &&
                  exprvm_cast(in->ta, cell_of(&a, in->a.kind, i), in->to, scratch(k), &c);
        put(k, in, i, ok, c);
    }
}

static struct func_value value_at(const struct block *k, const struct exprvm_operand *o, unsigned i)
{
    struct func_value v = {.null = nulls_of(k, o) >> i & 1};
    if (v.null)
        return v;
    switch (o->mode) {
    case MODE_COLUMN:
        if (o->kind == TYPE_STRING)
            v.c.s = k->b->columns[o->index].s[k->first + i];
        else
            v.c.i = k->b->columns[o->index].i[k->first + i];
        break;
    case MODE_VALUE:
        if (o->kind == TYPE_STRING)
            v.c.s = k->x->values[o->index].s[i];
        else
            v.c.i = k->x->values[o->index].i[i];
        break;
    case MODE_TRUTH:
        v.c.i = (int64_t)(k->x->truths[o->index].t >> i & 1);
        break;
    default:
        v.c = k->x->consts[o->index].c;
    }
    return v;
}

static void call(struct block *k, const struct exprvm_insn *in)
{
    struct func_value args[UINT8_MAX];
    put_nothing_yet(k, in);
    EACH_ROW(i, k->active)
    {
        union cell c = {.i = 0};
        for (unsigned j = 0; j < in->nargs; j++) {
            const struct exprvm_operand *o = &k->x->args[in->aux + j];
            args[j] = value_at(k, o, i);
        }
        put(k, in, i, exprvm_call(in, args, scratch(k), &c), c);
    }
}

/* Each row sees the list as it is at its own place. */
static void look_up(struct block *k, const struct exprvm_insn *in)
{
    const struct exprvm_set *s = &k->x->sets[in->aux];
    struct list_at at = {.stream = schema_place(k->b->schema), .partition = k->b->partition};
    put_nothing_yet(k, in);
    EACH_ROW(i, k->active)
    {
        union cell c = {.i = 0};
        struct func_value key = value_at(k, &in->a, i);
        at.offset = k->b->offset[k->first + i];
        put(k, in, i, !key.null && list_value_at(s->list, key.c, in->func, &at, s->since, &c), c);
    }
}

/* OP_MOVE, OP_SELECT, OP_COALESCE: lay a over dst in some rows. */
static void lay(struct block *k, const struct exprvm_insn *in, uint64_t rows)
{
    if (in->to.kind == TYPE_BOOLEAN) {
        struct exprvm_truths *d = &k->x->truths[in->dst], a = truths_of(k, &in->a);
        d->t = (a.t & rows) | (d->t & ~rows);
        d->n = (a.n & rows) | (d->n & ~rows);
        return;
    }
    struct exprvm_values spare, *d = &k->x->values[in->dst];
    struct view a = view(k, &in->a, &spare);
    d->n = (a.n & rows) | (d->n & ~rows);
    if (in->to.kind == TYPE_STRING)
        EACH_ROW(i, rows & k->active)
    d->s[i] = a.s[i];
    else EACH_ROW(i, rows & k->active) d->i[i] = a.i[i];
}

static uint64_t rows_to_lay(const struct block *k, const struct exprvm_insn *in)
{
    if (in->op == OP_MOVE)
        return ~UINT64_C(0);
    if (in->op == OP_SELECT)
        return k->x->truths[in->b.index].t;
    return in->to.kind == TYPE_BOOLEAN ? k->x->truths[in->dst].n : k->x->values[in->dst].n;
}

static bool jumps(const struct block *k, const struct exprvm_insn *in)
{
    if (in->op == OP_JUMP_NOT_NULL)
        return (nulls_of(k, &in->a) & k->active) == 0;
    const struct exprvm_truths *t = &k->x->truths[in->a.index];
    switch (in->op) {
    case OP_JUMP_FALSE:
        return ((t->t | t->n) & k->active) == 0;
    case OP_JUMP_TRUE:
        return (~t->t & k->active) == 0;
    default:
        return (t->t & k->active) == 0;
    }
}

static void run(struct block *k)
{
    struct exprvm *x = k->x;
    for (unsigned pc = 0; pc < x->ncode; pc++) {
        const struct exprvm_insn *in = &x->code[pc];
        switch ((enum exprvm_op)in->op) {
        case OP_COMPARE_INT:
        case OP_COMPARE_DOUBLE:
        case OP_COMPARE_STRING:
        case OP_COMPARE_DECIMAL:
            compare(k, in, &x->truths[in->dst]);
            break;
        case OP_TRUTH:
        case OP_AND:
        case OP_OR:
        case OP_NOT:
        case OP_IS_TRUE:
        case OP_IS_FALSE:
            logic(k, in);
            break;
        case OP_IS_NULL:
            x->truths[in->dst] = (struct exprvm_truths){nulls_of(k, &in->a), 0};
            break;
        case OP_IN:
            in_set(k, in);
            break;
        case OP_LIKE:
            like(k, in);
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
        case OP_LOOKUP:
            look_up(k, in);
            break;
        case OP_MOVE:
        case OP_SELECT:
        case OP_COALESCE:
            lay(k, in, rows_to_lay(k, in));
            break;
        case OP_JUMP_FALSE:
        case OP_JUMP_TRUE:
        case OP_JUMP_NOT_TRUE:
        case OP_JUMP_NOT_NULL:
            if (jumps(k, in))
                pc = in->aux - 1;
            break;
        case OP_ROW:
            bug_abort(__FILE__, __LINE__, "another row's value over a batch");
        }
    }
}

uint64_t exprvm_block_filter(struct exprvm *x, const struct batch *b, unsigned first,
                             uint64_t active)
{
    struct block k = {.x = x, .b = b, .first = first, .active = active};
    if (!x->has_values) {
        x->values = mem_array(x->nvalues, sizeof *x->values);
        x->has_values = true;
    }
    run(&k);
    if (x->scratch != NULL)
        arena_reset(x->scratch);
    return x->truths[x->result.index].t & active;
}
