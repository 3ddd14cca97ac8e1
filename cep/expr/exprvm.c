/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/exprvm.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/expr/exprvm_code.h"
#include "cep/expr/func_regex.h"

struct exprvm *exprvm_new(const struct expr *e, const struct dict *dict)
{
    struct exprvm *x = mem_new(sizeof *x);
    x->arena = arena_new(0, 0);
    x->dict_serial = dict == NULL ? 0 : dict_serial(dict);
    exprvm_build_code(x, e, dict);
    x->truths = mem_array(x->ntruths, sizeof *x->truths);
    x->row = mem_array((size_t)x->nvalues + x->ntruths, sizeof *x->row);
    return x;
}

void exprvm_free(struct exprvm *x)
{
    if (x == NULL)
        return;
    for (unsigned i = 0; i < x->nsets; i++)
        exprvm_set_fini(&x->sets[i]);
    for (unsigned i = 0; i < x->nregexes; i++)
        func_regex_free(x->regexes[i]);
    mem_free(x->regexes);
    mem_free(x->code);
    mem_free(x->args);
    mem_free(x->consts);
    mem_free(x->sets);
    mem_free(x->likes);
    mem_free(x->navs);
    mem_free(x->externals);
    mem_free(x->truths);
    mem_free(x->values);
    mem_free(x->row);
    arena_free(x->arena);
    arena_free(x->scratch);
    mem_free(x);
}

static void add_literal(const struct expr *column, const struct expr *literal, struct dict *dict)
{
    if (column->kind != EXPR_COLUMN || literal->kind != EXPR_CONST || literal->constant.null ||
        literal->constant.type.kind != TYPE_STRING)
        return;
    dict_add(dict, literal->constant.c.s.p, literal->constant.c.s.n);
    dict_mark(dict, column->index);
}

void exprvm_literals(const struct expr *e, struct dict *dict)
{
    switch (e->kind) {
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_DISTINCT:
    case EXPR_NOT_DISTINCT:
        add_literal(e->args[0], e->args[1], dict);
        add_literal(e->args[1], e->args[0], dict);
        break;
    case EXPR_IN:
        for (unsigned i = 1; i < e->nargs; i++)
            add_literal(e->args[0], e->args[i], dict);
        break;
    case EXPR_MATCH_AGG:
        if (e->agg.call.arg != NULL)
            exprvm_literals(e->agg.call.arg, dict);
        if (e->agg.call.filter != NULL)
            exprvm_literals(e->agg.call.filter, dict);
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < e->nargs; i++)
        exprvm_literals(e->args[i], dict);
}

const struct nav *exprvm_navs(const struct exprvm *x, unsigned *n)
{
    *n = x->nnavs;
    return x->navs;
}

const struct expr *const *exprvm_externals(const struct exprvm *x, unsigned *n)
{
    *n = x->nexternals;
    return x->externals;
}

void exprvm_filter(struct exprvm *x, const struct batch *b, const uint64_t *among, uint64_t *out)
{
    BUG_IF(x->type.kind != TYPE_BOOLEAN || x->nnavs > 0 || x->nexternals > 0,
           "a filter over a batch that reads more than the row");
    for (unsigned w = 0; w < BATCH_WORDS; w++) {
        unsigned first = w * EXPRVM_BLOCK;
        uint64_t active = among == NULL ? ~UINT64_C(0) : among[w];
        if (first >= b->n)
            active = 0;
        else if (b->n - first < EXPRVM_BLOCK)
            active &= (UINT64_C(1) << (b->n - first)) - 1;
        out[w] = active == 0 ? 0 : exprvm_block_filter(x, b, first, active);
    }
}

bool exprvm_eval(struct exprvm *x, const struct exprvm_env *env, union cell *out)
{
    return exprvm_row_eval(x, env, out);
}
