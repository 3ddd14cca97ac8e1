/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/logic.h"
#include "cep/list.h"
#include "rules/simplify.h"
#include <math.h>
#include <string.h>

static const int64_t DECIMAL_END = INT64_C(1000000000000000000); /* past 18 digits */

static bool is_constant(const struct expr *e)
{
    return e->kind == EXPR_CONST && !e->constant.null;
}

static const struct expr *compare_node(struct cc *cc, enum expr_kind k, const struct expr *l,
                                       const struct expr *r, struct span at)
{
    const struct expr *args[2] = {l, r};
    return simplify_fold(cc, types_node(cc, k, types_of(TYPE_BOOLEAN), at, 2, args));
}

/* --- a column and a number ------------------------------------------------------------------- */

/* The number at the column's scale, rounded down; past what 18 digits hold: the largest of them, or what is below the
 * smallest. False: a DOUBLE that has no such value. */
static bool at_scale(const struct value *v, unsigned scale, int64_t *out, bool *exact)
{
    __int128 m;
    int have = 0;
    if (v->type.kind == TYPE_DOUBLE) {
        double up = v->c.d * pow(10, scale);
        if (!(fabs(up) < 9007199254740992.0) || floor(up) != up || up / pow(10, scale) != v->c.d)
            return false;
        m = (__int128)up;
        have = (int)scale;
    } else {
        m = v->c.i;
        have = v->type.kind == TYPE_DECIMAL ? v->type.scale : 0;
    }
    *exact = true;
    for (; have < (int)scale; have++)
        m *= 10; /* 19 digits and 18 more */
    for (; have > (int)scale; have--) {
        int last = (int)(m % 10);
        m /= 10;
        *exact = *exact && last == 0;
        if (last < 0)
            m--; /* towards minus infinity, not zero */
    }
    if (m > DECIMAL_END - 1 || m < -DECIMAL_END) {
        *exact = false;
        m = m > 0 ? DECIMAL_END - 1 : -DECIMAL_END;
    }
    *out = (int64_t)m;
    return true;
}

/* true or false for every value but NULL. */
static const struct expr *known_unless_null(struct cc *cc, const struct expr *e, bool v,
                                            struct span at)
{
    const struct expr *is_null = logic_is(cc, EXPR_IS_NULL, e, at);
    const struct expr *args[2] = {logic_not(cc, is_null, at), types_boolean(cc, v, at)};
    return logic_case(cc, 2, args, at);
}

static const struct expr *compare_inexact(struct cc *cc, enum expr_kind k, const struct expr *l,
                                          const struct expr *below, struct span at)
{
    switch (k) {
    case EXPR_GT:
    case EXPR_GE:
        return compare_node(cc, EXPR_GT, l, below, at);
    case EXPR_LT:
    case EXPR_LE:
        return compare_node(cc, EXPR_LE, l, below, at);
    case EXPR_EQ:
    case EXPR_NE:
        return known_unless_null(cc, l, k == EXPR_NE, at);
    default:
        return types_boolean(cc, k == EXPR_DISTINCT, at);
    }
}

/* l is a BIGINT or DECIMAL, r a constant number. NULL: compare as doubles. */
static const struct expr *compare_constant(struct cc *cc, enum expr_kind k, const struct expr *l,
                                           const struct expr *r, struct span at)
{
    struct type t = l->type;
    int64_t v;
    bool exact;
    if (!at_scale(&r->constant, t.kind == TYPE_DECIMAL ? t.scale : 0, &v, &exact))
        return NULL;
    if (t.kind == TYPE_DECIMAL)
        t.precision = 18;
    const struct expr *c = types_const(cc, t, (union cell){.i = v}, r->at);
    return exact ? compare_node(cc, k, l, c, at) : compare_inexact(cc, k, l, c, at);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static const struct expr *compare_numbers(struct cc *cc, enum expr_kind k, const struct expr *l,
                                          const struct expr *r, struct span at)
{
    struct type t;
    const struct expr *args[2] = {l, r};
    bool whole = l->type.kind == TYPE_BIGINT && r->type.kind == TYPE_BIGINT;
    if (l->type.kind != TYPE_DOUBLE && !whole && is_constant(r) && !is_constant(l)) {
        const struct expr *e = compare_constant(cc, k, l, r, at);
        if (e != NULL)
            return e;
    }
    if (!types_common(cc, 2, args, "comparison", at, &t))
        return NULL;
    if (t.kind == TYPE_DECIMAL) /* exact as they are; brought to one scale they might not fit */
        return compare_node(cc, k, l, r, at);
    return compare_node(cc, k, types_to(cc, l, t), types_to(cc, r, t), at);
}

static const struct expr *compare_null(struct cc *cc, enum expr_kind k, const struct expr *other,
                                       struct span at)
{
    if (k != EXPR_DISTINCT && k != EXPR_NOT_DISTINCT && other->kind != EXPR_CONST)
        diag_warn(cc->d, "null", at, "IS NULL asks for it",
                  "a comparison with NULL is never true nor false");
    if (k != EXPR_DISTINCT && k != EXPR_NOT_DISTINCT)
        return types_null(cc, types_of(TYPE_BOOLEAN), at);
    const struct expr *e = logic_is(cc, EXPR_IS_NULL, other, at);
    return k == EXPR_NOT_DISTINCT ? e : logic_not(cc, e, at);
}

const struct expr *logic_compare(struct cc *cc, enum expr_kind k, const struct expr *l,
                                 const struct expr *r, struct span at)
{
    if (l == NULL || r == NULL)
        return NULL;
    if (l->kind == EXPR_CONST && r->kind != EXPR_CONST) {
        const struct expr *swap = l;
        l = r;
        r = swap;
        k = expr_mirrored(k);
    }
    if (r->kind == EXPR_CONST && r->constant.null)
        return compare_null(cc, k, l, at);
    if (l->kind == EXPR_CONST && l->constant.null)
        return compare_null(cc, k, r, at);
    if (types_is_number(l->type) && types_is_number(r->type))
        return compare_numbers(cc, k, l, r, at);
    if (l->type.kind == r->type.kind)
        return compare_node(cc, k, l, r, at);
    char a[32], b[32];
    bool time = l->type.kind == TYPE_TIMESTAMP || r->type.kind == TYPE_TIMESTAMP;
    bool text = l->type.kind == TYPE_STRING || r->type.kind == TYPE_STRING;
    diag_error(cc->d, "type", at,
               time && text ? "a time is written TIMESTAMP '2026-01-31 12:00:00'" : NULL,
               "%s cannot be compared with %s: %s and %s", types_quote(cc, l->at),
               types_quote(cc, r->at), schema_type_name(l->type, a), schema_type_name(r->type, b));
    return NULL;
}

/* --- conditions ------------------------------------------------------------------------------- */

const struct expr *logic_condition(struct cc *cc, const struct expr *e, const char *what)
{
    char t[32];
    if (e == NULL || e->type.kind == TYPE_BOOLEAN)
        return e;
    if (e->type.kind == TYPE_NULL)
        return types_null(cc, types_of(TYPE_BOOLEAN), e->at);
    diag_error(cc->d, "type", e->at, NULL, "%s needs a BOOLEAN, and %s is %s", what,
               types_quote(cc, e->at), schema_type_name(e->type, t));
    return NULL;
}

const struct expr *logic_join(struct cc *cc, enum expr_kind k, unsigned n,
                              const struct expr *const *args, struct span at)
{
    const struct expr **checked = types_list(cc->scratch, n);
    bool good = true;
    for (unsigned i = 0; i < n; i++) {
        checked[i] = logic_condition(cc, args[i], k == EXPR_AND ? "AND" : "OR");
        good = good && checked[i] != NULL;
    }
    return good ? simplify_logic(cc, k, n, checked, at) : NULL;
}

const struct expr *logic_not(struct cc *cc, const struct expr *e, struct span at)
{
    e = logic_condition(cc, e, "NOT");
    return e != NULL ? simplify_not(cc, e, at) : NULL;
}

const struct expr *logic_is(struct cc *cc, enum expr_kind k, const struct expr *e, struct span at)
{
    if (k != EXPR_IS_NULL)
        e = logic_condition(cc, e, k == EXPR_IS_TRUE ? "IS TRUE" : "IS FALSE");
    if (e == NULL)
        return NULL;
    return simplify_fold(cc, types_node(cc, k, types_of(TYPE_BOOLEAN), at, 1, &e));
}

/* The members that are constants of x's type become a set; NULL and what must be computed are compared one by one. */
const struct expr *logic_in(struct cc *cc, const struct expr *x, unsigned n,
                            const struct expr *const *items, struct span at)
{
    if (x == NULL)
        return NULL;
    const struct expr **set = types_list(cc->scratch, (n + 1));
    const struct expr **rest = types_list(cc->scratch, (n + 2));
    const struct expr *never = NULL; /* a number that x's type has not */
    unsigned nset = 1, nrest = 0;
    bool good = true;
    set[0] = x;
    for (unsigned i = 0; i < n; i++) {
        if (items[i] == NULL)
            return NULL;
        const struct expr *e = logic_compare(cc, EXPR_EQ, x, items[i], items[i]->at);
        good = good && e != NULL;
        if (e != NULL && e->kind == EXPR_EQ && e->args[0] == x && is_constant(e->args[1]))
            set[nset++] = e->args[1];
        else if (e != NULL && e->kind == EXPR_CASE)
            never = e;
        else if (e != NULL)
            rest[nrest++] = e;
    }
    if (!good)
        return NULL;
    if (nset == 2)
        rest[nrest++] = compare_node(cc, EXPR_EQ, x, set[1], at);
    else if (nset > 2)
        rest[nrest++] = types_node(cc, EXPR_IN, types_of(TYPE_BOOLEAN), at, nset, set);
    else if (never != NULL)
        rest[nrest++] = never;
    return simplify_logic(cc, EXPR_OR, nrest, rest, at);
}

const struct expr *logic_in_list(struct cc *cc, const struct expr *x, const struct list *l,
                                 struct span at)
{
    char t[32], key[32];
    if (x == NULL || l == NULL)
        return NULL;
    struct type want = list_type(l);
    if (x->type.kind == TYPE_NULL)
        return types_null(cc, types_of(TYPE_BOOLEAN), at);
    if (x->type.kind != want.kind || (want.kind == TYPE_DECIMAL && x->type.scale != want.scale)) {
        schema_type_name(want, key);
        diag_error(cc->d, "type", x->at,
                   arena_printf(cc->scratch, "CAST(%s AS %s)", types_quote(cc, x->at), key),
                   "the keys of list %s are %s, and %s is %s", list_name(l), key,
                   types_quote(cc, x->at), schema_type_name(x->type, t));
        return NULL;
    }
    struct expr *e = types_node(cc, EXPR_IN_LIST, types_of(TYPE_BOOLEAN), at, 1, &x);
    e->list = l;
    e->list_since = cc->scope != NULL ? cc->scope->lists_since : 0;
    return e;
}

static bool has_wildcard(const struct expr *pattern)
{
    const struct str *s = &pattern->constant.c.s;
    return memchr(s->p, '%', s->n) != NULL || memchr(s->p, '_', s->n) != NULL;
}

const struct expr *logic_like(struct cc *cc, const struct expr *e, const struct expr *pattern,
                              const struct expr *escape, struct span at)
{
    const struct expr *args[3] = {e, pattern, escape};
    unsigned n = escape != NULL ? 3 : 2;
    char t[32];
    for (unsigned i = 0; i < n; i++) {
        if (args[i] == NULL)
            return NULL;
        if (args[i]->type.kind != TYPE_STRING && args[i]->type.kind != TYPE_NULL) {
            diag_error(cc->d, "type", args[i]->at, NULL, "LIKE compares texts, and %s is %s",
                       types_quote(cc, args[i]->at), schema_type_name(args[i]->type, t));
            return NULL;
        }
        args[i] = types_to(cc, args[i], types_of(TYPE_STRING));
    }
    if (escape != NULL && (!is_constant(args[2]) || args[2]->constant.c.s.n != 1)) {
        diag_error(cc->d, "type", escape->at, NULL, "ESCAPE needs a text of one character");
        return NULL;
    }
    for (unsigned i = 0; i < n; i++)
        if (args[i]->kind == EXPR_CONST && args[i]->constant.null)
            return types_null(cc, types_of(TYPE_BOOLEAN), at);
    if (escape == NULL && is_constant(args[1]) && !has_wildcard(args[1]))
        return compare_node(cc, EXPR_EQ, args[0], args[1], at);
    return simplify_fold(cc, types_node(cc, EXPR_LIKE, types_of(TYPE_BOOLEAN), at, n, args));
}

/* --- choices ---------------------------------------------------------------------------------- */

const struct expr *logic_case(struct cc *cc, unsigned n, const struct expr *const *args,
                              struct span at)
{
    const struct expr **all = types_list(cc->scratch, (n + 1));
    const struct expr **values = types_list(cc->scratch, (n / 2 + 1));
    unsigned nvalues = 0;
    for (unsigned i = 0; i < n; i++) {
        bool when = i % 2 == 0 && i + 1 < n;
        all[i] = when ? logic_condition(cc, args[i], "WHEN") : args[i];
        if (all[i] == NULL)
            return NULL;
        if (!when)
            values[nvalues++] = all[i];
    }
    struct type t;
    if (!types_common(cc, nvalues, values, "CASE", at, &t))
        return NULL;
    if (n % 2 == 0)
        all[n++] = types_null(cc, t, at);
    unsigned out = 0;
    for (unsigned i = 0; i < n; i++) {
        bool when = i % 2 == 0 && i + 1 < n;
        if (when && all[i]->kind == EXPR_CONST) { /* decided already */
            if (all[i]->constant.null || all[i]->constant.c.i == 0) {
                i++;
                continue;
            }
            all[out++] = types_to(cc, all[i + 1], t);
            break;
        }
        all[out++] = when ? all[i] : types_to(cc, all[i], t);
    }
    if (out == 1)
        return all[0];
    return types_node(cc, EXPR_CASE, t, at, out, all);
}

const struct expr *logic_coalesce(struct cc *cc, unsigned n, const struct expr *const *args,
                                  struct span at)
{
    const struct expr **all = types_list(cc->scratch, (n + 1));
    struct type t;
    unsigned out = 0;
    for (unsigned i = 0; i < n; i++)
        if (args[i] == NULL)
            return NULL;
    if (!types_common(cc, n, args, "COALESCE", at, &t))
        return NULL;
    for (unsigned i = 0; i < n; i++) {
        const struct expr *e = types_to(cc, args[i], t);
        if (e->kind == EXPR_CONST && e->constant.null)
            continue;
        all[out++] = e;
        if (e->kind == EXPR_CONST)
            break; /* nothing after it is looked at */
    }
    if (out == 0)
        return types_null(cc, t, at);
    return out == 1 ? all[0] : types_node(cc, EXPR_COALESCE, t, at, out, all);
}
