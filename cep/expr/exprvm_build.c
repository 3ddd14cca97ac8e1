/* SPDX-License-Identifier: Apache-2.0
 *
 * From the typed tree to flat code. Registers are handed out lowest first and given back as soon as what is in them has
 * been read; an operation's target is taken before its operands are given back, so the two never overlap. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/expr/exprvm_code.h"
#include "cep/expr/func_regex.h"
#include <string.h>

enum { NO_NAV = UINT16_MAX };

struct registers {
    uint16_t *free; /* given back, the last first */
    unsigned nfree, nused;
    size_t cap;
};

struct builder {
    struct exprvm *x;
    const struct dict *dict;
    struct registers values, truths;
    unsigned nav; /* row that columns are of; NO_NAV: the current one */
    size_t cap_code, cap_args, cap_consts, cap_sets, cap_likes, cap_regexes, cap_navs,
        cap_externals;
};

static struct exprvm_operand build(struct builder *b, const struct expr *e);

static uint16_t take(struct registers *r)
{
    if (r->nfree > 0)
        return r->free[--r->nfree];
    BUG_IF(r->nused >= EXPRVM_REGISTERS_MAX, "an expression needs more than %u registers",
           r->nused);
    return (uint16_t)r->nused++;
}

static void give(struct registers *r, uint16_t i)
{
    r->free = mem_grow(r->free, r->nfree, 1, &r->cap, sizeof *r->free);
    r->free[r->nfree++] = i;
}

static void release(struct builder *b, struct exprvm_operand o)
{
    if (o.mode == MODE_VALUE)
        give(&b->values, o.index);
    else if (o.mode == MODE_TRUTH)
        give(&b->truths, o.index);
}

/* A free register for a result of that type. */
static struct exprvm_operand target(struct builder *b, struct type t)
{
    bool truth = t.kind == TYPE_BOOLEAN;
    uint16_t i = take(truth ? &b->truths : &b->values);
    return (
        struct exprvm_operand){.mode = truth ? MODE_TRUTH : MODE_VALUE, .kind = t.kind, .index = i};
}

static struct exprvm_insn *emit(struct builder *b, enum exprvm_op op)
{
    struct exprvm *x = b->x;
    x->code = mem_grow(x->code, x->ncode, 1, &b->cap_code, sizeof *x->code);
    struct exprvm_insn *in = &x->code[x->ncode++];
    *in = (struct exprvm_insn){.op = (uint8_t)op};
    return in;
}

static unsigned add_const(struct builder *b, struct value v)
{
    struct exprvm *x = b->x;
    if (v.type.kind == TYPE_STRING && !v.null && b->dict != NULL)
        v.c.s.id = dict_find(b->dict, v.c.s.p, v.c.s.n);
    x->consts = mem_grow(x->consts, x->nconsts, 1, &b->cap_consts, sizeof *x->consts);
    x->consts[x->nconsts] = v;
    return x->nconsts++;
}

static bool same_nav(const struct nav *a, const struct nav *b)
{
    if (a->current || b->current)
        return a->current == b->current && a->physical == b->physical;
    return a->vars == b->vars && a->first == b->first && a->running == b->running &&
           a->logical == b->logical && a->physical == b->physical;
}

static unsigned add_nav(struct builder *b, const struct nav *nav)
{
    struct exprvm *x = b->x;
    for (unsigned i = 0; i < x->nnavs; i++)
        if (same_nav(&x->navs[i], nav))
            return i;
    x->navs = mem_grow(x->navs, x->nnavs, 1, &b->cap_navs, sizeof *x->navs);
    x->navs[x->nnavs] = *nav;
    return x->nnavs++;
}

static struct exprvm_operand external(struct builder *b, const struct expr *e)
{
    struct exprvm *x = b->x;
    struct exprvm_operand o = {.mode = MODE_EXTERNAL, .kind = e->type.kind};
    for (unsigned i = 0; i < x->nexternals; i++)
        if (expr_same(x->externals[i], e)) {
            o.index = (uint16_t)i;
            return o;
        }
    x->externals =
        mem_grow(x->externals, x->nexternals, 1, &b->cap_externals, sizeof(struct expr *));
    x->externals[x->nexternals] = e;
    o.index = (uint16_t)x->nexternals++;
    return o;
}

static struct exprvm_operand constant(struct builder *b, struct value v)
{
    return (struct exprvm_operand){.mode = MODE_CONST,
                                   .kind = v.type.kind,
                                   .index = (uint16_t)add_const(b, v)};
}

static struct exprvm_operand column(const struct builder *b, const struct expr *e)
{
    struct exprvm_operand o = {.mode = MODE_COLUMN,
                               .kind = e->type.kind,
                               .index = (uint16_t)e->index};
    if (b->nav != NO_NAV) {
        o.mode = MODE_NAV;
        o.nav = (uint16_t)b->nav;
    }
    return o;
}

/* A boolean operand as a truth register. */
static struct exprvm_operand as_truth(struct builder *b, struct exprvm_operand o)
{
    if (o.mode == MODE_TRUTH)
        return o;
    struct exprvm_operand t = target(b, (struct type){.kind = TYPE_BOOLEAN});
    struct exprvm_insn *in = emit(b, OP_TRUTH);
    in->a = o;
    in->dst = t.index;
    release(b, o);
    return t;
}

static struct exprvm_operand build_truth(struct builder *b, const struct expr *e)
{
    return as_truth(b, build(b, e));
}

static void move(struct builder *b, struct exprvm_operand dst, struct exprvm_operand from)
{
    struct exprvm_insn *in = emit(b, OP_MOVE);
    in->dst = dst.index;
    in->to.kind = dst.kind;
    in->a = from;
}

/* AND and OR: the result so far stays in one register; a jump leaves once no row can change it. */
static struct exprvm_operand build_logic(struct builder *b, const struct expr *e)
{
    bool and = e->kind == EXPR_AND;
    struct exprvm_operand acc = build_truth(b, e->args[0]);
    unsigned *jumps = mem_array(e->nargs, sizeof *jumps);
    for (unsigned i = 1; i < e->nargs; i++) {
        jumps[i] = b->x->ncode;
        emit(b, and? OP_JUMP_FALSE : OP_JUMP_TRUE)->a = acc;
        struct exprvm_operand o = build_truth(b, e->args[i]);
        struct exprvm_insn *in = emit(b, and? OP_AND : OP_OR);
        in->dst = acc.index;
        in->a = o;
        release(b, o);
    }
    for (unsigned i = 1; i < e->nargs; i++)
        b->x->code[jumps[i]].aux = b->x->ncode;
    mem_free(jumps);
    return acc;
}

static struct exprvm_operand build_unary_truth(struct builder *b, const struct expr *e,
                                               enum exprvm_op op)
{
    struct exprvm_operand a = op == OP_IS_NULL ? build(b, e->args[0]) : build_truth(b, e->args[0]);
    struct exprvm_operand dst = target(b, e->type);
    struct exprvm_insn *in = emit(b, op);
    in->a = a;
    in->dst = dst.index;
    release(b, a);
    return dst;
}

static enum exprvm_op compare_op(struct type a, struct type b)
{
    if (a.kind == TYPE_DOUBLE || b.kind == TYPE_DOUBLE)
        return OP_COMPARE_DOUBLE;
    if (a.kind == TYPE_STRING || b.kind == TYPE_STRING)
        return OP_COMPARE_STRING;
    unsigned sa = a.kind == TYPE_DECIMAL ? a.scale : 0, sb = b.kind == TYPE_DECIMAL ? b.scale : 0;
    bool null = a.kind == TYPE_NULL || b.kind == TYPE_NULL;
    return sa == sb || null ? OP_COMPARE_INT : OP_COMPARE_DECIMAL;
}

static struct exprvm_operand build_compare(struct builder *b, const struct expr *e)
{
    static const uint8_t conds[] = {
        [EXPR_EQ] = COND_EQ,       [EXPR_NE] = COND_NE,           [EXPR_LT] = COND_LT,
        [EXPR_LE] = COND_LE,       [EXPR_GT] = COND_GT,           [EXPR_GE] = COND_GE,
        [EXPR_DISTINCT] = COND_NE, [EXPR_NOT_DISTINCT] = COND_EQ,
    };
    static const uint8_t turned[] = {
        [COND_EQ] = COND_EQ, [COND_NE] = COND_NE, [COND_LT] = COND_GT,
        [COND_LE] = COND_GE, [COND_GT] = COND_LT, [COND_GE] = COND_LE,
    };
    const struct expr *left = e->args[0], *right = e->args[1];
    uint8_t cond = conds[e->kind];
    if (left->kind == EXPR_CONST && right->kind != EXPR_CONST) { /* constants to the right */
        left = e->args[1];
        right = e->args[0];
        cond = turned[cond];
    }
    struct exprvm_operand p = build(b, left), q = build(b, right), dst = target(b, e->type);
    struct exprvm_insn *in = emit(b, compare_op(left->type, right->type));
    in->cond = cond;
    in->null_safe = e->kind == EXPR_DISTINCT || e->kind == EXPR_NOT_DISTINCT;
    in->a = p;
    in->b = q;
    in->ta = left->type;
    in->tb = right->type;
    in->dst = dst.index;
    release(b, p);
    release(b, q);
    return dst;
}

static struct exprvm_operand build_arith(struct builder *b, const struct expr *e)
{
    _Static_assert(EXPR_MOD - EXPR_NEG == OP_MOD - OP_NEG &&
                       EXPR_DIV - EXPR_NEG == OP_DIV - OP_NEG &&
                       EXPR_MUL - EXPR_NEG == OP_MUL - OP_NEG &&
                       EXPR_ADD - EXPR_NEG == OP_ADD - OP_NEG,
                   "arithmetic is in the same order in both");
    enum exprvm_op op = (enum exprvm_op)(e->kind - EXPR_NEG + OP_NEG);
    struct exprvm_operand p = build(b, e->args[0]), q = p;
    if (e->nargs > 1)
        q = build(b, e->args[1]);
    struct exprvm_operand dst = target(b, e->type);
    struct exprvm_insn *in = emit(b, op);
    in->a = p;
    in->b = q;
    in->ta = e->args[0]->type;
    in->tb = e->args[e->nargs > 1]->type;
    in->to = e->type;
    in->dst = dst.index;
    release(b, p);
    if (e->nargs > 1)
        release(b, q);
    return dst;
}

static struct exprvm_operand build_cast(struct builder *b, const struct expr *e)
{
    struct exprvm_operand a = build(b, e->args[0]);
    if (schema_type_same(e->type, e->args[0]->type))
        return a;
    struct exprvm_operand dst = target(b, e->type);
    struct exprvm_insn *in = emit(b, OP_CAST);
    in->a = a;
    in->ta = e->args[0]->type;
    in->to = e->type;
    in->dst = dst.index;
    release(b, a);
    return dst;
}

/* A constant that the function wants ready (func.h). What the compiler would have refused is NULL. */
static struct exprvm_operand build_ready(struct builder *b, char letter, const struct expr *e)
{
    struct exprvm *x = b->x;
    char problem[FUNC_REGEX_PROBLEM];
    const void *p = NULL;
    union cell c = {.i = -1};
    BUG_IF(e->kind != EXPR_CONST, "a pattern, zone or unit that is no constant");
    if (e->constant.null)
        return constant(b, e->constant);
    struct str s = e->constant.c.s;
    if (letter == 'u') {
        c.i = func_span_find(s.p, s.n);
    } else if (letter == 'z') {
        p = zone_find(s.p, s.n);
    } else {
        struct func_regex *r = func_regex_new(s.p, s.n, problem);
        p = r;
        if (r != NULL) {
            x->regexes =
                mem_grow(x->regexes, x->nregexes, 1, &b->cap_regexes, sizeof(struct func_regex *));
            x->regexes[x->nregexes++] = r;
        }
    }
    if (p != NULL)
        c.i = (int64_t)(uintptr_t)p;
    return constant(b, (struct value){.type.kind = TYPE_BIGINT, .null = c.i == -1, .c = c});
}

/* CONCAT, FUNC and LIKE of a pattern that is no constant. */
static struct exprvm_operand build_call(struct builder *b, const struct expr *e, enum exprvm_op op)
{
    struct exprvm *x = b->x;
    struct exprvm_operand *args = mem_array(e->nargs, sizeof *args);
    BUG_IF(e->nargs > UINT8_MAX, "a function of %u arguments", e->nargs);
    for (unsigned i = 0; i < e->nargs; i++) {
        char letter = op == OP_FUNC ? func_argument(e->func, i) : '\0';
        args[i] = func_is_ready(letter) ? build_ready(b, letter, e->args[i]) : build(b, e->args[i]);
    }
    struct exprvm_operand dst = target(b, e->type);
    x->args = mem_grow(x->args, x->nargs, e->nargs, &b->cap_args, sizeof *x->args);
    struct exprvm_insn *in = emit(b, op);
    in->aux = x->nargs;
    in->nargs = (uint8_t)e->nargs;
    in->to = e->type;
    in->dst = dst.index;
    if (op == OP_FUNC)
        in->func = (uint16_t)e->func;
    for (unsigned i = 0; i < e->nargs; i++) {
        x->args[x->nargs++] = args[i];
        release(b, args[i]);
    }
    mem_free(args);
    return dst;
}

static struct exprvm_operand null_of(struct builder *b, struct type t)
{
    return constant(b, (struct value){.type = t, .null = true});
}

static struct exprvm_operand build_like(struct builder *b, const struct expr *e)
{
    struct exprvm *x = b->x;
    struct str escape = {"", 0, 0};
    for (unsigned i = 1; i < e->nargs; i++) {
        if (e->args[i]->kind != EXPR_CONST)
            return build_call(b, e, OP_LIKE_ANY);
        if (e->args[i]->constant.null)
            return null_of(b, e->type);
    }
    if (e->nargs > 2)
        escape = e->args[2]->constant.c.s;
    struct exprvm_like *like = exprvm_like_new(e->args[1]->constant.c.s, escape, x->arena);
    if (like == NULL)
        return null_of(b, e->type);
    struct exprvm_operand a = build(b, e->args[0]), dst = target(b, e->type);
    x->likes = mem_grow(x->likes, x->nlikes, 1, &b->cap_likes, sizeof(struct exprvm_like *));
    struct exprvm_insn *in = emit(b, OP_LIKE);
    in->a = a;
    in->dst = dst.index;
    in->aux = x->nlikes;
    x->likes[x->nlikes++] = like;
    release(b, a);
    return dst;
}

static struct exprvm_operand build_in(struct builder *b, const struct expr *e)
{
    struct exprvm *x = b->x;
    struct exprvm_operand a = build(b, e->args[0]), dst = target(b, e->type);
    x->sets = mem_grow(x->sets, x->nsets, 1, &b->cap_sets, sizeof *x->sets);
    exprvm_set_init(&x->sets[x->nsets], e, b->dict, x->arena);
    struct exprvm_insn *in = emit(b, e->kind == EXPR_LOOKUP ? OP_LOOKUP : OP_IN);
    in->a = a;
    in->dst = dst.index;
    in->to = e->type;
    if (e->kind == EXPR_LOOKUP)
        in->func = (uint16_t)e->list_column;
    in->aux = x->nsets++;
    release(b, a);
    return dst;
}

/* From the last WHEN back to the first, each laid over what comes after it; a value is computed only where needed. */
static struct exprvm_operand build_case(struct builder *b, const struct expr *e)
{
    struct exprvm_operand dst = target(b, e->type);
    bool has_else = e->nargs % 2 == 1;
    struct exprvm_operand last = has_else ? build(b, e->args[e->nargs - 1]) : null_of(b, e->type);
    move(b, dst, last);
    release(b, last);
    for (unsigned i = e->nargs / 2; i-- > 0;) {
        struct exprvm_operand when = build_truth(b, e->args[(size_t)2 * i]);
        unsigned jump = b->x->ncode;
        emit(b, OP_JUMP_NOT_TRUE)->a = when;
        struct exprvm_operand then = build(b, e->args[2 * i + 1]);
        struct exprvm_insn *in = emit(b, OP_SELECT);
        in->dst = dst.index;
        in->to = e->type;
        in->a = then;
        in->b = when;
        b->x->code[jump].aux = b->x->ncode;
        release(b, then);
        release(b, when);
    }
    return dst;
}

static struct exprvm_operand build_coalesce(struct builder *b, const struct expr *e)
{
    struct exprvm_operand dst = target(b, e->type), a = build(b, e->args[0]);
    unsigned *jumps = mem_array(e->nargs, sizeof *jumps);
    move(b, dst, a);
    release(b, a);
    for (unsigned i = 1; i < e->nargs; i++) {
        jumps[i] = b->x->ncode;
        emit(b, OP_JUMP_NOT_NULL)->a = dst;
        a = build(b, e->args[i]);
        struct exprvm_insn *in = emit(b, OP_COALESCE);
        in->dst = dst.index;
        in->to = e->type;
        in->a = a;
        release(b, a);
    }
    for (unsigned i = 1; i < e->nargs; i++)
        b->x->code[jumps[i]].aux = b->x->ncode;
    mem_free(jumps);
    return dst;
}

/* Of no row, an expression is NULL even if it reads no column, as COALESCE(x, 0) may be told to. */
static struct exprvm_operand build_nav(struct builder *b, const struct expr *e)
{
    const struct expr *arg = e->args[0];
    unsigned outer = b->nav;
    if (e->nav.current && e->nav.physical == 0)
        return build(b, arg);
    b->nav = add_nav(b, &e->nav);
    struct exprvm_operand o;
    if (arg->kind == EXPR_COLUMN) {
        o = column(b, arg);
    } else {
        o = target(b, e->type);
        unsigned jump = b->x->ncode;
        struct exprvm_insn *in = emit(b, OP_ROW);
        in->dst = o.index;
        in->to = e->type;
        in->a = (struct exprvm_operand){.mode = MODE_NAV, .nav = (uint16_t)b->nav};
        struct exprvm_operand a = build(b, arg);
        move(b, o, a);
        release(b, a);
        b->x->code[jump].aux = b->x->ncode;
    }
    b->nav = outer;
    return o;
}

static struct exprvm_operand build(struct builder *b, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
        return constant(b, e->constant);
    case EXPR_COLUMN:
        return column(b, e);
    case EXPR_SLOT:
    case EXPR_MATCH_AGG:
    case EXPR_CLASSIFIER:
    case EXPR_MATCH_NUMBER:
    case EXPR_MATCH_ROWTIME:
        return external(b, e);
    case EXPR_NAV:
        return build_nav(b, e);
    case EXPR_NEG:
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
    case EXPR_DIV:
    case EXPR_MOD:
        return build_arith(b, e);
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
    case EXPR_GT:
    case EXPR_GE:
    case EXPR_DISTINCT:
    case EXPR_NOT_DISTINCT:
        return build_compare(b, e);
    case EXPR_AND:
    case EXPR_OR:
        return build_logic(b, e);
    case EXPR_NOT:
        return build_unary_truth(b, e, OP_NOT);
    case EXPR_IS_NULL:
        return build_unary_truth(b, e, OP_IS_NULL);
    case EXPR_IS_TRUE:
        return build_unary_truth(b, e, OP_IS_TRUE);
    case EXPR_IS_FALSE:
        return build_unary_truth(b, e, OP_IS_FALSE);
    case EXPR_IN:
    case EXPR_IN_LIST:
    case EXPR_LOOKUP:
        return build_in(b, e);
    case EXPR_LIKE:
        return build_like(b, e);
    case EXPR_CASE:
        return build_case(b, e);
    case EXPR_COALESCE:
        return build_coalesce(b, e);
    case EXPR_CAST:
    case EXPR_TRY_CAST:
        return build_cast(b, e);
    case EXPR_CONCAT:
        return build_call(b, e, OP_CONCAT);
    case EXPR_FUNC:
        return build_call(b, e, OP_FUNC);
    }
    bug_abort(__FILE__, __LINE__, "expression of kind %d", (int)e->kind);
}

void exprvm_build_code(struct exprvm *x, const struct expr *e, const struct dict *dict)
{
    struct builder b = {.x = x, .dict = dict, .nav = NO_NAV};
    x->type = e->type;
    x->result = build(&b, e);
    if (e->type.kind == TYPE_BOOLEAN)
        x->result = as_truth(&b, x->result);
    x->nvalues = b.values.nused;
    x->ntruths = b.truths.nused;
    BUG_IF(x->nconsts > UINT16_MAX || x->nexternals > UINT16_MAX || x->nnavs >= NO_NAV,
           "an expression of %u constants", x->nconsts);
    mem_free(b.values.free);
    mem_free(b.truths.free);
}
