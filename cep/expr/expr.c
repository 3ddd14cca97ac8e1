/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/expr.h"
#include <string.h>

const char *expr_kind_name(enum expr_kind k)
{
    static const char *const names[] = {
#define EXPR_TEXT(name, text) [EXPR_##name] = text,
        EXPR_LIST(EXPR_TEXT)
#undef EXPR_TEXT
    };
    return names[k];
}

enum expr_kind expr_mirrored(enum expr_kind k)
{
    switch (k) {
    case EXPR_LT:
        return EXPR_GT;
    case EXPR_LE:
        return EXPR_GE;
    case EXPR_GT:
        return EXPR_LT;
    case EXPR_GE:
        return EXPR_LE;
    default:
        return k;
    }
}

const char *expr_agg_name(enum agg_kind k)
{
    static const char *const names[] = {
#define AGG_TEXT(name, text) [AGG_##name] = text,
        AGG_LIST(AGG_TEXT)
#undef AGG_TEXT
    };
    return names[k];
}

/* --- equality and hash ------------------------------------------------------------------------ */

static bool same_value(const struct value *a, const struct value *b)
{
    if (!schema_type_same(a->type, b->type) || a->null != b->null)
        return false;
    if (a->null)
        return true;
    switch (a->type.kind) {
    case TYPE_STRING:
        return a->c.s.n == b->c.s.n && (a->c.s.n == 0 || memcmp(a->c.s.p, b->c.s.p, a->c.s.n) == 0);
    default: /* doubles by their bits: 0.0 and -0.0 divide differently */
        return a->c.i == b->c.i;
    }
}

static bool same_nav(const struct nav *a, const struct nav *b)
{
    if (a->current || b->current)
        return a->current == b->current && a->physical == b->physical;
    return a->vars == b->vars && a->first == b->first && a->running == b->running &&
           a->logical == b->logical && a->physical == b->physical;
}

static bool same_or_null(const struct expr *a, const struct expr *b)
{
    return a == b || (a != NULL && b != NULL && expr_same(a, b));
}

bool expr_same_agg(const struct agg_call *a, const struct agg_call *b)
{
    if (a->kind != b->kind || a->distinct != b->distinct || a->nparams != b->nparams ||
        !schema_type_same(a->type, b->type))
        return false;
    for (unsigned i = 0; i < a->nparams; i++)
        if (!same_value(&a->params[i], &b->params[i]))
            return false;
    return same_or_null(a->arg, b->arg) && same_or_null(a->filter, b->filter);
}

static bool same_payload(const struct expr *a, const struct expr *b)
{
    switch (a->kind) {
    case EXPR_CONST:
        return same_value(&a->constant, &b->constant);
    case EXPR_COLUMN:
    case EXPR_SLOT:
        return a->index == b->index;
    case EXPR_NAV:
    case EXPR_CLASSIFIER:
        return same_nav(&a->nav, &b->nav);
    case EXPR_MATCH_AGG:
        return a->agg.vars == b->agg.vars && a->agg.running == b->agg.running &&
               expr_same_agg(&a->agg.call, &b->agg.call);
    case EXPR_FUNC:
        return a->func == b->func;
    case EXPR_LOOKUP:
        if (a->list_column != b->list_column)
            return false;
        /* fall through */
    case EXPR_IN_LIST:
        return a->list == b->list && a->list_since == b->list_since;
    default:
        return true;
    }
}

bool expr_same(const struct expr *a, const struct expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->nargs != b->nargs || !schema_type_same(a->type, b->type) ||
        !same_payload(a, b))
        return false;
    for (unsigned i = 0; i < a->nargs; i++)
        if (!expr_same(a->args[i], b->args[i]))
            return false;
    return true;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t hash_value(uint64_t h, const struct value *v)
{
    h = mix(h, (uint64_t)v->type.kind << 1 | v->null);
    if (v->null)
        return h;
    if (v->type.kind != TYPE_STRING)
        return mix(h, (uint64_t)v->c.i);
    for (uint32_t i = 0; i < v->c.s.n; i++)
        h = (h ^ (uint8_t)v->c.s.p[i]) * UINT64_C(0x100000001b3);
    return mix(h, v->c.s.n);
}

static uint64_t hash_payload(uint64_t h, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
        return hash_value(h, &e->constant);
    case EXPR_COLUMN:
    case EXPR_SLOT:
        return mix(h, e->index);
    case EXPR_NAV:
    case EXPR_CLASSIFIER:
        h = mix(h, (uint64_t)(uint32_t)e->nav.physical << 1 | e->nav.current);
        return e->nav.current ? h : mix(mix(h, e->nav.vars), e->nav.logical);
    case EXPR_MATCH_AGG:
        h = mix(mix(h, e->agg.vars), (uint64_t)e->agg.call.kind);
        return e->agg.call.arg != NULL ? mix(h, expr_hash(e->agg.call.arg)) : h;
    case EXPR_FUNC:
        return mix(h, e->func);
    case EXPR_LOOKUP:
        h = mix(h, e->list_column);
        /* fall through */
    case EXPR_IN_LIST:
        return mix(mix(h, (uintptr_t)e->list), e->list_since);
    default:
        return h;
    }
}

uint64_t expr_hash(const struct expr *e)
{
    uint64_t h = mix((uint64_t)e->kind + 1, (uint64_t)e->type.kind << 32 | e->nargs);
    h = hash_payload(h, e);
    for (unsigned i = 0; i < e->nargs; i++)
        h = mix(h, expr_hash(e->args[i]));
    return h;
}

/* --- what is read ----------------------------------------------------------------------------- */

bool expr_is_row_only(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NAV:
        if (!e->nav.current || e->nav.physical != 0)
            return false;
        break;
    case EXPR_MATCH_AGG:
    case EXPR_CLASSIFIER:
    case EXPR_MATCH_NUMBER:
    case EXPR_MATCH_ROWTIME:
    case EXPR_SLOT:
        return false;
    default:
        break;
    }
    for (unsigned i = 0; i < e->nargs; i++)
        if (!expr_is_row_only(e->args[i]))
            return false;
    return true;
}

void expr_columns(const struct expr *e, struct colset *out)
{
    if (e->kind == EXPR_COLUMN)
        colset_add(out, e->index);
    if (e->kind == EXPR_MATCH_AGG) {
        if (e->agg.call.arg != NULL)
            expr_columns(e->agg.call.arg, out);
        if (e->agg.call.filter != NULL)
            expr_columns(e->agg.call.filter, out);
    }
    for (unsigned i = 0; i < e->nargs; i++)
        expr_columns(e->args[i], out);
}

static const struct expr *find_list_in(unsigned n, const struct expr *const *args)
{
    const struct expr *found = NULL;
    for (unsigned i = 0; i < n && found == NULL; i++)
        found = expr_find_list(args[i]);
    return found;
}

const struct expr *expr_find_list(const struct expr *e)
{
    const struct expr *found = NULL;
    if (e == NULL || e->kind == EXPR_IN_LIST || e->kind == EXPR_LOOKUP)
        return e;
    if (e->kind == EXPR_MATCH_AGG) {
        const struct expr *const inside[] = {e->agg.call.arg, e->agg.call.filter};
        found = find_list_in(2, inside);
    }
    return found != NULL ? found : find_list_in(e->nargs, e->args);
}

const struct expr *expr_moved(struct arena *a, const struct expr *e, enum expr_kind from,
                              unsigned first)
{
    struct expr *copy = arena_alloc(a, sizeof *copy);
    *copy = *e;
    if (e->kind == from) {
        copy->kind = from == EXPR_COLUMN ? EXPR_SLOT : EXPR_COLUMN;
        copy->index = from == EXPR_COLUMN ? e->index + first : e->index - first;
    }
    if (e->nargs == 0)
        return copy;
    const struct expr **args = arena_alloc(a, e->nargs * sizeof(const struct expr *));
    for (unsigned i = 0; i < e->nargs; i++)
        args[i] = expr_moved(a, e->args[i], from, first);
    copy->args = args;
    return copy;
}
