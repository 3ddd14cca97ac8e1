/* SPDX-License-Identifier: Apache-2.0
 *
 * Random conditions over random rows with NULLs: the machine, over batches and at single rows, against a plain walk over
 * the tree that shares nothing with it. */
#include "tests/lib/exprtree.h"
#include <stdlib.h>

enum { FLAG, COUNT, OTHER, STATUS, COLUMNS, ROWS = 150, TREES = 1500, DEPTH = 5 };
static const struct column columns[COLUMNS] = {
    {.name = "flag", .type = {.kind = TYPE_BOOLEAN}},
    {.name = "count", .type = {.kind = TYPE_BIGINT}},
    {.name = "other", .type = {.kind = TYPE_BIGINT}},
    {.name = "status", .type = {.kind = TYPE_STRING}},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = COLUMNS,
                                     .columns = columns,
                                     .time_column = -1};
static const char *const words[] = {"", "ok", "declined", "approved",
                                    "a status of more than sixteen bytes"};
static const int64_t numbers[] = {0, 1, -1, 2, 7, INT64_MAX, INT64_MIN, 1 << 20};

static uint64_t seed = 88172645463325252u;

static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* --- the plain walk --- */

struct plain {
    bool null;
    int64_t i; /* BIGINT and BOOLEAN */
    struct str s;
};

static const struct plain nothing = {.null = true};

static struct plain number(__int128 v)
{
    if (v > INT64_MAX || v < INT64_MIN)
        return nothing;
    return (struct plain){.i = (int64_t)v};
}

static struct plain plain_of(const struct expr *e, const struct batch *b, unsigned row);

static int order(struct type t, struct plain a, struct plain b)
{
    if (t.kind != TYPE_STRING)
        return a.i < b.i ? -1 : a.i > b.i;
    for (uint32_t i = 0; i < a.s.n && i < b.s.n; i++)
        if (a.s.p[i] != b.s.p[i])
            return (unsigned char)a.s.p[i] < (unsigned char)b.s.p[i] ? -1 : 1;
    return a.s.n < b.s.n ? -1 : a.s.n > b.s.n;
}

static struct plain compared(const struct expr *e, struct plain a, struct plain b)
{
    bool distinct = e->kind == EXPR_DISTINCT || e->kind == EXPR_NOT_DISTINCT;
    if (distinct && (a.null || b.null))
        return number((a.null == b.null) == (e->kind == EXPR_NOT_DISTINCT));
    if (a.null || b.null)
        return nothing;
    int c = order(e->args[0]->type, a, b);
    switch (e->kind) {
    case EXPR_EQ:
    case EXPR_NOT_DISTINCT:
        return number(c == 0);
    case EXPR_NE:
    case EXPR_DISTINCT:
        return number(c != 0);
    case EXPR_LT:
        return number(c < 0);
    case EXPR_LE:
        return number(c <= 0);
    case EXPR_GT:
        return number(c > 0);
    default:
        return number(c >= 0);
    }
}

static struct plain calculated(const struct expr *e, struct plain a, struct plain b)
{
    if (a.null || b.null)
        return nothing;
    switch (e->kind) {
    case EXPR_NEG:
        return number(-(__int128)a.i);
    case EXPR_ADD:
        return number((__int128)a.i + b.i);
    case EXPR_SUB:
        return number((__int128)a.i - b.i);
    case EXPR_MUL:
        return number((__int128)a.i * b.i);
    case EXPR_DIV:
        return b.i == 0 ? nothing : number((__int128)a.i / b.i);
    default:
        return b.i == 0 ? nothing : number((__int128)a.i % b.i);
    }
}

static struct plain among(const struct expr *e, const struct batch *b, unsigned row)
{
    struct plain a = plain_of(e->args[0], b, row);
    bool null = a.null;
    for (unsigned i = 1; i < e->nargs && !a.null; i++) {
        struct plain c = plain_of(e->args[i], b, row);
        if (!c.null && order(e->args[0]->type, a, c) == 0)
            return number(1);
        null |= c.null;
    }
    return null ? nothing : number(0);
}

static struct plain chosen(const struct expr *e, const struct batch *b, unsigned row)
{
    for (unsigned i = 0; i + 1 < e->nargs; i += 2) {
        struct plain when = plain_of(e->args[i], b, row);
        if (!when.null && when.i)
            return plain_of(e->args[i + 1], b, row);
    }
    return e->nargs % 2 ? plain_of(e->args[e->nargs - 1], b, row) : nothing;
}

static struct plain joined(const struct expr *e, const struct batch *b, unsigned row)
{
    bool and = e->kind == EXPR_AND, null = false;
    for (unsigned i = 0; i < e->nargs; i++) {
        struct plain a = plain_of(e->args[i], b, row);
        null |= a.null;
        if (!a.null && !a.i == and)
            return number(!and);
    }
    return null ? nothing : number(and);
}

static struct plain column_of(const struct batch *b, unsigned c, unsigned row)
{
    struct value v = batch_value(b, c, row);
    if (v.null)
        return nothing;
    return v.type.kind == TYPE_STRING ? (struct plain){.s = v.c.s} : (struct plain){.i = v.c.i};
}

static struct plain plain_of(const struct expr *e, const struct batch *b, unsigned row)
{
    struct plain a = e->nargs > 0 ? plain_of(e->args[0], b, row) : nothing;
    switch (e->kind) {
    case EXPR_CONST:
        return e->constant.null ? nothing
                                : (struct plain){.i = e->constant.c.i, .s = e->constant.c.s};
    case EXPR_COLUMN:
        return column_of(b, e->index, row);
    case EXPR_AND:
    case EXPR_OR:
        return joined(e, b, row);
    case EXPR_NOT:
        return a.null ? nothing : number(!a.i);
    case EXPR_IS_NULL:
        return number(a.null);
    case EXPR_IS_TRUE:
        return number(!a.null && a.i);
    case EXPR_IS_FALSE:
        return number(!a.null && !a.i);
    case EXPR_IN:
        return among(e, b, row);
    case EXPR_CASE:
        return chosen(e, b, row);
    case EXPR_COALESCE:
        for (unsigned i = 1; i < e->nargs && a.null; i++)
            a = plain_of(e->args[i], b, row);
        return a;
    case EXPR_NEG:
        return calculated(e, a, number(0));
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
    case EXPR_DIV:
    case EXPR_MOD:
        return calculated(e, a, plain_of(e->args[1], b, row));
    default:
        return compared(e, a, plain_of(e->args[1], b, row));
    }
}

/* --- random trees --- */

static struct expr *tree(struct type t, unsigned depth);

static struct expr *leaf(struct type t)
{
    if (pick(12) == 0)
        return null_of(t);
    if (pick(2) == 0) {
        unsigned c = t.kind == TYPE_BOOLEAN  ? FLAG
                     : t.kind == TYPE_STRING ? STATUS
                                             : COUNT + pick(2);
        struct expr *e = node(EXPR_COLUMN, t, 0, NULL);
        e->index = c;
        return e;
    }
    if (t.kind == TYPE_STRING)
        return str(words[pick(5)]);
    return t.kind == TYPE_BOOLEAN ? truth(pick(2)) : num(numbers[pick(8)]);
}

static struct expr *choice(struct type t, unsigned depth)
{
    if (pick(2) == 0)
        return OP(COALESCE, t, tree(t, depth), tree(t, depth), leaf(t));
    if (pick(2) == 0)
        return OP(CASE, t, tree(BOOLEAN, depth), tree(t, depth), tree(BOOLEAN, depth),
                  tree(t, depth));
    return OP(CASE, t, tree(BOOLEAN, depth), tree(t, depth), tree(t, depth));
}

static struct expr *condition(unsigned depth)
{
    static const enum expr_kind comparisons[] = {EXPR_EQ,       EXPR_NE,          EXPR_LT,
                                                 EXPR_LE,       EXPR_GT,          EXPR_GE,
                                                 EXPR_DISTINCT, EXPR_NOT_DISTINCT};
    static const enum expr_kind tests[] = {EXPR_NOT, EXPR_IS_NULL, EXPR_IS_TRUE, EXPR_IS_FALSE};
    struct type t = pick(3) == 0 ? STRING : pick(4) == 0 ? BOOLEAN : BIGINT;
    switch (pick(6)) {
    case 0:
        return node(tests[pick(4)], BOOLEAN, 1, (const struct expr *[]){tree(BOOLEAN, depth)});
    case 1:
        return IS(IN, tree(t, depth),
                  t.kind == TYPE_STRING    ? str(words[pick(5)])
                  : t.kind == TYPE_BOOLEAN ? truth(1)
                                           : num(1),
                  pick(4) == 0             ? null_of(t)
                  : t.kind == TYPE_STRING  ? str("ok")
                  : t.kind == TYPE_BOOLEAN ? truth(1)
                                           : num(7));
    case 2:
        return node(pick(2) ? EXPR_AND : EXPR_OR, BOOLEAN, 3,
                    (const struct expr *[]){tree(BOOLEAN, depth), tree(BOOLEAN, depth),
                                            tree(BOOLEAN, depth)});
    default:
        return node(comparisons[pick(8)], BOOLEAN, 2,
                    (const struct expr *[]){tree(t, depth), tree(t, depth)});
    }
}

static struct expr *tree(struct type t, unsigned depth)
{
    if (depth == 0 || pick(5) == 0)
        return leaf(t);
    if (pick(5) == 0)
        return choice(t, depth - 1);
    if (t.kind == TYPE_BOOLEAN)
        return condition(depth - 1);
    if (t.kind == TYPE_STRING)
        return leaf(t);
    if (pick(6) == 0)
        return OP(NEG, BIGINT, tree(t, depth - 1));
    return node((enum expr_kind)(EXPR_ADD + (int)pick(5)), BIGINT, 2,
                (const struct expr *[]){tree(t, depth - 1), tree(t, depth - 1)});
}

static struct batch *random_rows(const struct dict *d)
{
    struct colset all = {{(1 << COLUMNS) - 1}};
    struct batch *b = batch_new(&schema, &all);
    b->n = ROWS;
    for (unsigned i = 0; i < ROWS; i++) {
        const char *w = words[pick(5)];
        b->columns[FLAG].i[i] = pick(2);
        b->columns[COUNT].i[i] = numbers[pick(8)];
        b->columns[OTHER].i[i] = numbers[pick(8)];
        b->columns[STATUS].s[i] = (struct str){w, (uint32_t)strlen(w), dict_find(d, w, strlen(w))};
        for (unsigned c = 0; c < COLUMNS; c++)
            if (pick(6) == 0) {
                b->columns[c].nulls[i / 64] |= UINT64_C(1) << i % 64;
                b->columns[c].has_nulls = true;
            }
    }
    b->dict_serial = dict_serial(d);
    colset_add(&b->with_ids, STATUS);
    return b;
}

static void check_tree(const struct expr *e, const struct dict *d, const struct batch *b)
{
    struct exprvm *x = exprvm_new(e, d);
    uint64_t rows[BATCH_WORDS], out[BATCH_WORDS];
    for (unsigned w = 0; w < BATCH_WORDS; w++)
        rows[w] = pick(3) ? ~UINT64_C(0) : (uint64_t)pick(1u << 30) << 17;
    exprvm_filter(x, b, rows, out);
    for (unsigned i = 0; i < ROWS; i++) {
        struct exprvm_env env = {.current = {.b = b, .i = i}, .scratch = trees};
        struct plain p = plain_of(e, b, i);
        union cell c = {.i = 0};
        assert_int_equal(exprvm_eval(x, &env, &c), !p.null);
        if (!p.null)
            assert_int_equal(c.i, p.i);
        bool expected = (rows[i / 64] >> i % 64 & 1) && !p.null && p.i;
        assert_int_equal(out[i / 64] >> i % 64 & 1, expected);
    }
    exprvm_free(x);
}

static void random_conditions_have_the_value_that_a_plain_walk_gives(void **state)
{
    for (unsigned i = 0; i < TREES; i++) {
        struct dict *d = dict_new();
        exprtree_stop(state);
        exprtree_start(state);
        const struct expr *e = tree(BOOLEAN, DEPTH);
        exprvm_literals(e, d);
        struct batch *b = random_rows(d);
        check_tree(e, d, b);
        batch_unref(b);
        dict_free(d);
    }
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(random_conditions_have_the_value_that_a_plain_walk_gives));
}
