/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/simplify.h"
#include "cep/expr/exprvm.h"
#include "rules/types.h"

/* --- constants -------------------------------------------------------------------------------- */

static bool can_fold(const struct expr *e)
{
    if (e->nargs == 0 || e->kind == EXPR_NAV || e->kind == EXPR_IN_LIST || e->kind == EXPR_LOOKUP)
        return false;
    for (unsigned i = 0; i < e->nargs; i++)
        if (e->args[i]->kind != EXPR_CONST)
            return false;
    return true;
}

const struct expr *simplify_fold(struct cc *cc, const struct expr *e)
{
    if (!can_fold(e))
        return e;
    struct exprvm *x = exprvm_new(e, NULL);
    struct arena *scratch = arena_new(256, 0);
    struct exprvm_env env = {.scratch = scratch};
    union cell c;
    const struct expr *out;
    if (!exprvm_eval(x, &env, &c)) {
        out = types_null(cc, e->type, e->at);
    } else {
        if (e->type.kind == TYPE_STRING)
            c.s = (struct str){arena_dup(cc->arena, c.s.p, c.s.n), c.s.n, 0};
        out = types_const(cc, e->type, c, e->at);
    }
    arena_free(scratch);
    exprvm_free(x);
    return out;
}

/* --- conditions ------------------------------------------------------------------------------- */

struct terms {
    const struct expr **v;
    unsigned n;
    bool decided; /* AND with FALSE, OR with TRUE */
};

/* `neutral`: the constant that changes nothing: 1 for AND, 0 for OR. */
static void add_term(struct terms *t, const struct expr *e, enum expr_kind k, int64_t neutral)
{
    if (e->kind == k) {
        for (unsigned i = 0; i < e->nargs; i++)
            add_term(t, e->args[i], k, neutral);
        return;
    }
    if (e->kind == EXPR_CONST && !e->constant.null) {
        if (e->constant.c.i != neutral)
            t->decided = true;
        return;
    }
    if (t->n <= 64) /* in long lists it is not worth looking */
        for (unsigned i = 0; i < t->n; i++)
            if (expr_same(t->v[i], e))
                return;
    t->v[t->n++] = e;
}

static unsigned count_terms(const struct expr *e, enum expr_kind k)
{
    unsigned n = 0;
    if (e->kind != k)
        return 1;
    for (unsigned i = 0; i < e->nargs; i++)
        n += count_terms(e->args[i], k);
    return n;
}

const struct expr *simplify_logic(struct cc *cc, enum expr_kind k, unsigned n,
                                  const struct expr *const *args, struct span at)
{
    int64_t neutral = k == EXPR_AND ? 1 : 0;
    unsigned room = 0;
    for (unsigned i = 0; i < n; i++)
        room += count_terms(args[i], k);
    struct terms t = {.v = types_list(cc->scratch, room + 1)};
    for (unsigned i = 0; i < n; i++)
        add_term(&t, args[i], k, neutral);
    if (t.decided || t.n == 0)
        return types_boolean(cc, t.decided ? !neutral : neutral, at);
    if (t.n == 1)
        return t.v[0];
    return types_node(cc, k, types_of(TYPE_BOOLEAN), at, t.n, t.v);
}

const struct expr *simplify_not(struct cc *cc, const struct expr *e, struct span at)
{
    static const struct {
        enum expr_kind from, to;
    } turned[] = {{EXPR_EQ, EXPR_NE},
                  {EXPR_NE, EXPR_EQ},
                  {EXPR_LT, EXPR_GE},
                  {EXPR_GE, EXPR_LT},
                  {EXPR_GT, EXPR_LE},
                  {EXPR_LE, EXPR_GT},
                  {EXPR_DISTINCT, EXPR_NOT_DISTINCT},
                  {EXPR_NOT_DISTINCT, EXPR_DISTINCT}};
    if (e->kind == EXPR_NOT)
        return e->args[0];
    for (size_t i = 0; i < sizeof turned / sizeof *turned; i++)
        if (e->kind == turned[i].from)
            return types_node(cc, turned[i].to, e->type, at, e->nargs, e->args);
    return simplify_fold(cc, types_node(cc, EXPR_NOT, types_of(TYPE_BOOLEAN), at, 1, &e));
}

const struct expr *simplify_both(struct cc *cc, const struct expr *a, const struct expr *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    const struct expr *args[2] = {a, b};
    return simplify_logic(cc, EXPR_AND, 2, args, a->at);
}

static bool is_true(const struct expr *e)
{
    return e->kind == EXPR_CONST && !e->constant.null && e->constant.c.i != 0;
}

/* NULL for no terms at all. */
static const struct expr *joined(struct cc *cc, unsigned n, const struct expr **terms)
{
    return n > 0 ? simplify_logic(cc, EXPR_AND, n, terms, terms[0]->at) : NULL;
}

void simplify_split(struct cc *cc, const struct expr *e, const struct expr **row,
                    const struct expr **path)
{
    unsigned n = e->kind == EXPR_AND ? e->nargs : 1, nrow = 0, npath = 0;
    const struct expr *const *terms = e->kind == EXPR_AND ? e->args : &e;
    const struct expr **rows = types_list(cc->scratch, n);
    const struct expr **paths = types_list(cc->scratch, n);
    for (unsigned i = 0; i < n; i++) {
        if (is_true(terms[i]))
            continue;
        if (expr_is_row_only(terms[i]))
            rows[nrow++] = terms[i];
        else
            paths[npath++] = terms[i];
    }
    *row = joined(cc, nrow, rows);
    *path = joined(cc, npath, paths);
}
