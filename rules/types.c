/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/types.h"
#include "rules/simplify.h"
#include <string.h>

enum { DIGITS = 18, SCALE_KEPT = 6 };

const char *types_quote(struct cc *cc, struct span at)
{
    enum { LONGEST = 60 };
    size_t end = at.end < cc->d->text_len ? at.end : cc->d->text_len;
    if (cc->d->text == NULL || at.begin >= end)
        return "this";
    size_t n = end - at.begin;
    bool cut = n > LONGEST;
    if (cut) {
        n = LONGEST;
        while (n > 0 && ((unsigned char)cc->d->text[at.begin + n] & 0xc0) == 0x80)
            n--; /* not in the middle of a character */
    }
    char *text =
        arena_printf(cc->arena, "%.*s%s", (int)n, cc->d->text + at.begin, cut ? "..." : "");
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
    return text;
}

/* --- types ------------------------------------------------------------------------------------ */

struct type types_decimal(int before, int after)
{
    if (before + after > DIGITS) {
        int least = after < SCALE_KEPT ? after : SCALE_KEPT, room = DIGITS - before;
        after = room > least ? room : least;
        before = DIGITS - after;
    }
    int precision = before + after;
    return (struct type){.kind = TYPE_DECIMAL,
                         .precision = (uint8_t)(precision > 0 ? precision : 1),
                         .scale = (uint8_t)after};
}

bool types_is_number(struct type t)
{
    return t.kind == TYPE_BIGINT || t.kind == TYPE_DOUBLE || t.kind == TYPE_DECIMAL;
}

static int digits_of(int64_t v)
{
    int n = 0;
    for (; v != 0; v /= 10)
        n++;
    return n;
}

/* A number as DECIMAL: a constant takes the digits that it has. */
static struct type as_decimal(const struct expr *e)
{
    if (e->type.kind == TYPE_DECIMAL)
        return e->type;
    if (e->kind == EXPR_CONST && !e->constant.null)
        return types_decimal(digits_of(e->constant.c.i), 0);
    return types_decimal(DIGITS, 0);
}

/* --- nodes ------------------------------------------------------------------------------------ */

struct expr *types_node(struct cc *cc, enum expr_kind kind, struct type t, struct span at,
                        unsigned nargs, const struct expr *const *args)
{
    struct expr *e = arena_zero(cc->arena, sizeof *e);
    e->kind = kind;
    e->type = t;
    e->at = at;
    e->nargs = nargs;
    if (nargs > 0) {
        const struct expr **copy = types_list(cc->arena, nargs);
        memcpy(copy, args, nargs * sizeof(const struct expr *));
        e->args = copy;
    }
    return e;
}

struct expr *types_again(struct cc *cc, const struct expr *e, const struct expr *const *args)
{
    struct expr *copy = types_node(cc, e->kind, e->type, e->at, e->nargs, args);
    const struct expr *const *own = copy->args;
    *copy = *e;
    copy->args = own;
    return copy;
}

const struct expr *types_const(struct cc *cc, struct type t, union cell c, struct span at)
{
    struct expr *e = types_node(cc, EXPR_CONST, t, at, 0, NULL);
    e->constant = (struct value){.type = t, .c = c};
    return e;
}

const struct expr *types_null(struct cc *cc, struct type t, struct span at)
{
    struct expr *e = types_node(cc, EXPR_CONST, t, at, 0, NULL);
    e->constant = (struct value){.type = t, .null = true};
    return e;
}

const struct expr *types_boolean(struct cc *cc, bool v, struct span at)
{
    return types_const(cc, types_of(TYPE_BOOLEAN), (union cell){.i = v}, at);
}

const struct expr *types_bigint(struct cc *cc, int64_t v, struct span at)
{
    return types_const(cc, types_of(TYPE_BIGINT), (union cell){.i = v}, at);
}

const struct expr *types_string(struct cc *cc, const char *p, size_t n, struct span at)
{
    union cell c = {.s = {arena_dup(cc->arena, p, n), (uint32_t)n, 0}};
    return types_const(cc, types_of(TYPE_STRING), c, at);
}

/* 12 is a BIGINT, 1.50 a DECIMAL(3,2), 1e3 a DOUBLE; a number with more than 18 digits that is not whole, too. */
const struct expr *types_number(struct cc *cc, const char *text, size_t n, struct span at)
{
    const char *point = memchr(text, '.', n);
    bool exponent = memchr(text, 'e', n) != NULL || memchr(text, 'E', n) != NULL;
    union cell c;
    if (point == NULL && !exponent) {
        if (value_parse_bigint(text, n, &c.i))
            return types_const(cc, types_of(TYPE_BIGINT), c, at);
        diag_error(cc->d, "number", at, "a number that need not be exact can be written as 1e20",
                   "%s is too large for BIGINT", types_quote(cc, at));
        return NULL;
    }
    if (!exponent) {
        size_t whole = (size_t)(point - text), after = n - whole - 1;
        while (whole > 0 && *text == '0') { /* leading zeros are no digits */
            text++;
            whole--;
        }
        if (whole + after <= DIGITS) {
            struct type t = types_decimal((int)whole, (int)after);
            if (value_parse_decimal(text, whole + after + 1, t.precision, t.scale, &c.i))
                return types_const(cc, t, c, at);
        }
        n = whole + after + 1;
    }
    if (value_parse_double(text, n, &c.d))
        return types_const(cc, types_of(TYPE_DOUBLE), c, at);
    diag_error(cc->d, "number", at, NULL, "%s is not a number that a DOUBLE can hold",
               types_quote(cc, at));
    return NULL;
}

/* --- casts ------------------------------------------------------------------------------------ */

const struct expr *types_to(struct cc *cc, const struct expr *e, struct type t)
{
    if (e == NULL || schema_type_same(e->type, t))
        return e;
    if (e->type.kind == TYPE_DECIMAL && t.kind == TYPE_DECIMAL && e->type.scale == t.scale &&
        e->type.precision <= t.precision)
        return e; /* the same number in the same cell */
    if (e->type.kind == TYPE_NULL || (e->kind == EXPR_CONST && e->constant.null))
        return types_null(cc, t, e->at);
    return simplify_fold(cc, types_node(cc, EXPR_CAST, t, e->at, 1, &e));
}

static bool can_cast(struct type from, struct type to)
{
    if (from.kind == to.kind || from.kind == TYPE_NULL || to.kind == TYPE_STRING ||
        from.kind == TYPE_STRING)
        return !(from.kind == TYPE_STRING && to.kind == TYPE_INTERVAL);
    if (types_is_number(from) && types_is_number(to))
        return true;
    switch (to.kind) {
    case TYPE_BOOLEAN:
        return from.kind == TYPE_BIGINT;
    case TYPE_BIGINT: /* milliseconds */
        return from.kind == TYPE_BOOLEAN || from.kind == TYPE_TIMESTAMP ||
               from.kind == TYPE_INTERVAL;
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
        return from.kind == TYPE_BIGINT;
    default:
        return false;
    }
}

const struct expr *types_cast(struct cc *cc, const struct expr *e, struct type t, bool is_try,
                              struct span at)
{
    char from[32], to[32];
    if (e == NULL)
        return NULL;
    if (!can_cast(e->type, t)) {
        diag_error(cc->d, "type", at, NULL, "%s is %s, which cannot be cast to %s",
                   types_quote(cc, e->at), schema_type_name(e->type, from),
                   schema_type_name(t, to));
        return NULL;
    }
    if (schema_type_same(e->type, t))
        return e;
    if (e->type.kind == TYPE_NULL)
        return types_null(cc, t, at);
    const struct expr *r =
        simplify_fold(cc, types_node(cc, is_try ? EXPR_TRY_CAST : EXPR_CAST, t, at, 1, &e));
    if (!is_try && r->kind == EXPR_CONST && r->constant.null && !e->constant.null) {
        diag_error(cc->d, "type", at, "TRY_CAST gives NULL instead", "%s cannot be cast to %s",
                   types_quote(cc, e->at), schema_type_name(t, to));
        return NULL;
    }
    return r;
}

bool types_common(struct cc *cc, unsigned n, const struct expr *const *args, const char *what,
                  struct span at, struct type *out)
{
    struct type t = types_of(TYPE_NULL);
    const struct expr *first = NULL;
    int before = 0, after = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct expr *e = args[i];
        if (e->type.kind == TYPE_NULL)
            continue;
        if (types_is_number(e->type)) {
            struct type d = as_decimal(e);
            if (d.precision - d.scale > before)
                before = d.precision - d.scale;
            if (d.scale > after)
                after = d.scale;
        }
        if (first == NULL) {
            first = e;
            t = e->type;
        } else if (types_is_number(t) && types_is_number(e->type)) {
            if (t.kind != e->type.kind)
                t.kind = t.kind == TYPE_DOUBLE || e->type.kind == TYPE_DOUBLE ? TYPE_DOUBLE
                                                                              : TYPE_DECIMAL;
        } else if (t.kind != e->type.kind) {
            char a[32], b[32];
            diag_error(cc->d, "type", at, NULL, "%s: %s is %s, but %s is %s", what,
                       types_quote(cc, first->at), schema_type_name(first->type, a),
                       types_quote(cc, e->at), schema_type_name(e->type, b));
            return false;
        }
    }
    if (t.kind == TYPE_DECIMAL) {
        t = types_decimal(before, after);
        t.scale = (uint8_t)after; /* never round: rather too few digits before the point */
        if (t.precision < t.scale)
            t.precision = t.scale;
    } else {
        t.precision = t.scale = 0;
    }
    *out = t;
    return true;
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static const struct expr *bad_operands(struct cc *cc, enum expr_kind k, const struct expr *l,
                                       const struct expr *r, struct span at)
{
    char a[32], b[32];
    diag_error(cc->d, "type", at, NULL, "%s: %s %s %s does not work", types_quote(cc, at),
               schema_type_name(l->type, a), expr_kind_name(k), schema_type_name(r->type, b));
    return NULL;
}

/* The type of l op r when one of them is a time or a span of time; TYPE_NULL: no such operation. */
static struct type time_type(enum expr_kind k, uint8_t l, uint8_t r)
{
    bool ln = types_is_number(types_of(l)), rn = types_is_number(types_of(r));
    bool sum = k == EXPR_ADD || k == EXPR_SUB;
    if (l == TYPE_TIMESTAMP && r == TYPE_TIMESTAMP && k == EXPR_SUB)
        return types_of(TYPE_INTERVAL);
    if (sum && l == TYPE_TIMESTAMP && r == TYPE_INTERVAL)
        return types_of(TYPE_TIMESTAMP);
    if (k == EXPR_ADD && l == TYPE_INTERVAL && r == TYPE_TIMESTAMP)
        return types_of(TYPE_TIMESTAMP);
    if (sum && l == TYPE_INTERVAL && r == TYPE_INTERVAL)
        return types_of(TYPE_INTERVAL);
    if ((k == EXPR_MUL || k == EXPR_DIV) && l == TYPE_INTERVAL && rn)
        return types_of(TYPE_INTERVAL);
    if (k == EXPR_MUL && ln && r == TYPE_INTERVAL)
        return types_of(TYPE_INTERVAL);
    return types_of(TYPE_NULL);
}

static struct type decimal_result(enum expr_kind k, struct type l, struct type r)
{
    int lb = l.precision - l.scale, rb = r.precision - r.scale;
    int scale = l.scale > r.scale ? l.scale : r.scale, before = lb > rb ? lb : rb;
    switch (k) {
    case EXPR_MUL:
        return types_decimal(lb + rb, l.scale + r.scale);
    case EXPR_DIV:
        scale = l.scale + r.precision + 1;
        return types_decimal(lb + r.scale, scale > SCALE_KEPT ? scale : SCALE_KEPT);
    case EXPR_MOD:
        break;
    default:
        before++;
    }
    if (before + scale > DIGITS)
        before = DIGITS - scale;
    return types_decimal(before, scale);
}

static const struct expr *arith_number(struct cc *cc, enum expr_kind k, const struct expr *l,
                                       const struct expr *r, struct span at)
{
    struct type t = types_of(TYPE_BIGINT);
    if (l->type.kind == TYPE_DOUBLE || r->type.kind == TYPE_DOUBLE) {
        t.kind = TYPE_DOUBLE;
        l = types_to(cc, l, t);
        r = types_to(cc, r, t);
    } else if (l->type.kind == TYPE_DECIMAL || r->type.kind == TYPE_DECIMAL) {
        struct type lt = as_decimal(l), rt = as_decimal(r);
        t = decimal_result(k, lt, rt);
        if (k == EXPR_ADD || k == EXPR_SUB || k == EXPR_MOD) {
            lt.scale = rt.scale = t.scale;
            lt.precision = rt.precision = DIGITS;
        }
        l = types_to(cc, l, lt);
        r = types_to(cc, r, rt);
    }
    return simplify_fold(cc, types_node(cc, k, t, at, 2, (const struct expr *[]){l, r}));
}

const struct expr *types_arith(struct cc *cc, enum expr_kind k, const struct expr *l,
                               const struct expr *r, struct span at)
{
    if (l == NULL || r == NULL)
        return NULL;
    bool ln = l->type.kind == TYPE_NULL, rn = r->type.kind == TYPE_NULL;
    if (ln || rn) {
        const struct expr *other = ln ? r : l;
        if (ln && rn)
            return types_null(cc, types_of(TYPE_NULL), at);
        if (!types_is_number(other->type) && other->type.kind != TYPE_INTERVAL &&
            other->type.kind != TYPE_TIMESTAMP)
            return bad_operands(cc, k, l, r, at);
        return types_null(cc, other->type, at);
    }
    if (types_is_number(l->type) && types_is_number(r->type))
        return arith_number(cc, k, l, r, at);
    struct type t = time_type(k, l->type.kind, r->type.kind);
    if (t.kind == TYPE_NULL)
        return bad_operands(cc, k, l, r, at);
    if (l->type.kind != TYPE_TIMESTAMP && r->type.kind != l->type.kind &&
        (r->type.kind == TYPE_TIMESTAMP || r->type.kind == TYPE_INTERVAL)) {
        const struct expr *swap = l; /* the time, or the span, first */
        l = r;
        r = swap;
    }
    return simplify_fold(cc, types_node(cc, k, t, at, 2, (const struct expr *[]){l, r}));
}

const struct expr *types_neg(struct cc *cc, const struct expr *e, struct span at)
{
    char t[32];
    if (e == NULL)
        return NULL;
    if (!types_is_number(e->type) && e->type.kind != TYPE_INTERVAL && e->type.kind != TYPE_NULL) {
        diag_error(cc->d, "type", at, NULL, "- needs a number or an interval, and %s is %s",
                   types_quote(cc, e->at), schema_type_name(e->type, t));
        return NULL;
    }
    if (e->type.kind == TYPE_NULL)
        return e;
    return simplify_fold(cc, types_node(cc, EXPR_NEG, e->type, at, 1, &e));
}

const struct expr *types_concat(struct cc *cc, const struct expr *l, const struct expr *r,
                                struct span at)
{
    char t[32];
    if (l == NULL || r == NULL)
        return NULL;
    const struct expr *args[2] = {l, r};
    for (int i = 0; i < 2; i++) {
        if (args[i]->type.kind != TYPE_STRING && args[i]->type.kind != TYPE_NULL) {
            diag_error(cc->d, "type", args[i]->at, "CAST(... AS STRING) makes a text of it",
                       "|| joins texts, and %s is %s", types_quote(cc, args[i]->at),
                       schema_type_name(args[i]->type, t));
            return NULL;
        }
        args[i] = types_to(cc, args[i], types_of(TYPE_STRING));
    }
    return simplify_fold(cc, types_node(cc, EXPR_CONCAT, types_of(TYPE_STRING), at, 2, args));
}
