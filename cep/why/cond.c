/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/why/cond.h"
#include "base/mem.h"
#include "cep/output.h"
#include <string.h>

enum { VALUES_MAX = 6, LONG = 24 };

struct side {
    const struct expr *e;
    void *machine;
    struct bytes text;
};

struct part { /* of a conjunction */
    const struct expr *e;
    void *machine;
    struct bytes text;
    unsigned nvalues;
    struct side values[VALUES_MAX];
    bool numbers; /* it compares two */
    struct side sides[2]; /* them */
};

struct cond {
    const struct cond_way *way;
    const void *ctx;
    unsigned n;
    struct part *parts;
};

/* --- making --- */

static bool is_logic(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_EQ ... EXPR_LIKE:
        return true;
    default:
        return false;
    }
}

static bool is_number(enum type_kind k)
{
    return k == TYPE_BIGINT || k == TYPE_DOUBLE || k == TYPE_DECIMAL;
}

static const struct expr *uncast(const struct expr *e)
{
    while (e->kind == EXPR_CAST && e->nargs == 1)
        e = e->args[0];
    return e;
}

/* The values that a condition is about: what stands on the sides of comparisons, but for constants. */
static void add_values(const struct cond *c, struct part *p, const struct expr *e)
{
    e = uncast(e);
    if (e->kind == EXPR_CONST || p->nvalues == VALUES_MAX)
        return;
    if (is_logic(e)) {
        for (unsigned i = 0; i < e->nargs; i++)
            add_values(c, p, e->args[i]);
        return;
    }
    for (unsigned i = 0; i < p->nvalues; i++)
        if (expr_same(p->values[i].e, e))
            return;
    struct side *s = &p->values[p->nvalues++];
    *s = (struct side){.e = e, .machine = c->way->make(c->ctx, e)};
    c->way->print(c->ctx, e, &s->text);
}

static void add_sides(const struct cond *c, struct part *p)
{
    const struct expr *e = p->e;
    p->numbers = e->kind >= EXPR_EQ && e->kind <= EXPR_GE && is_number(e->args[0]->type.kind) &&
                 is_number(e->args[1]->type.kind);
    for (unsigned i = 0; p->numbers && i < 2; i++)
        p->sides[i] = (struct side){.e = e->args[i], .machine = c->way->make(c->ctx, e->args[i])};
}

void cond_add(struct cond *c, const struct expr *e)
{
    if (e == NULL)
        return;
    if (e->kind == EXPR_AND) {
        for (unsigned i = 0; i < e->nargs; i++)
            cond_add(c, e->args[i]);
        return;
    }
    c->parts = mem_resize_array(c->parts, c->n + 1, sizeof *c->parts);
    struct part *p = &c->parts[c->n++];
    *p = (struct part){.e = e, .machine = c->way->make(c->ctx, e)};
    c->way->print(c->ctx, e, &p->text);
    add_values(c, p, e);
    add_sides(c, p);
}

struct cond *cond_new(const struct cond_way *way, const void *ctx, const struct expr *a,
                      const struct expr *b)
{
    struct cond *c = mem_new(sizeof *c);
    c->way = way;
    c->ctx = ctx;
    cond_add(c, a);
    cond_add(c, b);
    return c;
}

static void side_fini(const struct cond *c, struct side *s)
{
    c->way->free(s->machine);
    bytes_fini(&s->text);
}

void cond_free(struct cond *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        for (unsigned k = 0; k < p->nvalues; k++)
            side_fini(c, &p->values[k]);
        for (unsigned k = 0; p->numbers && k < 2; k++)
            side_fini(c, &p->sides[k]);
        c->way->free(p->machine);
        bytes_fini(&p->text);
    }
    mem_free(c->parts);
    mem_free(c);
}

/* --- asking --- */

static struct value value_of(const struct cond *c, const struct side *s, const void *at)
{
    struct value v = {.type = s->e->type};
    v.null = !c->way->value(s->machine, at, &v.c);
    return v;
}

static double as_double(const struct value *v)
{
    double d = v->type.kind == TYPE_DOUBLE ? v->c.d : (double)v->c.i;
    for (unsigned s = 0; v->type.kind == TYPE_DECIMAL && s < v->type.scale; s++)
        d /= 10;
    return d;
}

/* How far the sides of a comparison that does not hold are apart. Exact, but where one is DOUBLE. False: it is not known. */
static bool apart(const struct cond *c, const struct part *p, const void *at, struct value *by,
                  double *share)
{
    if (!p->numbers)
        return false;
    struct value a = value_of(c, &p->sides[0], at), b = value_of(c, &p->sides[1], at);
    if (a.null || b.null)
        return false;
    double x = as_double(&a), y = as_double(&b), far = x > y ? x - y : y - x;
    double most = (x < 0 ? -x : x) > (y < 0 ? -y : y) ? (x < 0 ? -x : x) : (y < 0 ? -y : y);
    *share = most > 0 ? far / most : 0;
    *by = (struct value){.type = {.kind = TYPE_DOUBLE}, .c.d = far};
    if (a.type.kind == TYPE_DOUBLE || b.type.kind == TYPE_DOUBLE)
        return true;
    unsigned sa = a.type.kind == TYPE_DECIMAL ? a.type.scale : 0;
    unsigned sb = b.type.kind == TYPE_DECIMAL ? b.type.scale : 0, scale = sa > sb ? sa : sb;
    __int128 l = (__int128)a.c.i * value_powers[scale - sa];
    __int128 r = (__int128)b.c.i * value_powers[scale - sb], d = l > r ? l - r : r - l;
    if (d > INT64_MAX)
        return true;
    by->type = (struct type){.kind = scale > 0 ? TYPE_DECIMAL : TYPE_BIGINT,
                             .precision = 18,
                             .scale = (uint8_t)scale};
    by->c.i = (int64_t)d;
    return true;
}

static enum truth truth_of(const struct cond *c, const struct part *p, const void *at)
{
    union cell v;
    if (!c->way->value(p->machine, at, &v))
        return TRUTH_NULL;
    return v.i != 0 ? TRUTH_TRUE : TRUTH_FALSE;
}

static void put_part(const struct cond *c, const struct part *p, const void *at, enum truth truth,
                     struct bytes *out)
{
    static const char *const names[] = {"false", "true", "null"};
    struct value by;
    double share;
    bytes_printf(out, "{\"text\":");
    value_json_string((const char *)p->text.p, p->text.n, out);
    bytes_printf(out, ",\"true\":%s,\"values\":[", names[truth]);
    for (unsigned k = 0; k < p->nvalues; k++) {
        const struct side *s = &p->values[k];
        struct value v = value_of(c, s, at);
        bytes_printf(out, "%s{\"of\":", k > 0 ? "," : "");
        value_json_string((const char *)s->text.p, s->text.n, out);
        bytes_printf(out, ",\"value\":");
        value_json(&v, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]");
    if (truth == TRUTH_FALSE && apart(c, p, at, &by, &share)) {
        bytes_printf(out, ",\"missed_by\":");
        value_json(&by, out);
    }
    bytes_printf(out, "}");
}

struct cond_said cond_ask(struct cond *c, const void *at, struct bytes *json)
{
    struct cond_said said = {.parts = c->n, .apart = 1};
    struct value by;
    if (json != NULL)
        bytes_u8(json, '[');
    for (unsigned i = 0; i < c->n; i++) {
        const struct part *p = &c->parts[i];
        enum truth truth = truth_of(c, p, at);
        said.hold += truth == TRUTH_TRUE;
        if (truth != TRUTH_TRUE && said.failed == NULL) {
            said.failed = &p->text;
            apart(c, p, at, &by, &said.apart);
        }
        if (json == NULL)
            continue;
        if (i > 0)
            bytes_u8(json, ',');
        put_part(c, p, at, truth, json);
    }
    if (json != NULL)
        bytes_u8(json, ']');
    return said;
}

static void say_part(const struct cond *c, const struct part *p, const void *at, bool unknown,
                     struct bytes *out)
{
    struct value by;
    double share;
    bytes_put(out, p->text.p, p->text.n);
    bytes_printf(out, unknown ? " is not known" : " does not hold");
    /* What is long and has just been said is not said again. */
    bool it = p->nvalues == 1 && p->values[0].text.n > LONG && p->numbers &&
              expr_same(uncast(p->e->args[0]), p->values[0].e);
    for (unsigned k = 0; k < p->nvalues; k++) {
        struct value v = value_of(c, &p->values[k], at);
        bytes_printf(out, k == 0 ? ": " : ", ");
        if (it)
            bytes_printf(out, "it");
        else
            bytes_put(out, p->values[k].text.p, p->values[k].text.n);
        bytes_printf(out, " was ");
        value_json(&v, out);
    }
    if (!unknown && p->nvalues > 0 && p->e->kind >= EXPR_LT && apart(c, p, at, &by, &share)) {
        bytes_printf(out, ", off by ");
        value_json(&by, out);
    }
}

void cond_say(struct cond *c, const void *at, struct bytes *out)
{
    for (unsigned i = 0; i < c->n; i++) {
        enum truth truth = truth_of(c, &c->parts[i], at);
        if (truth == TRUTH_TRUE)
            continue;
        say_part(c, &c->parts[i], at, truth == TRUTH_NULL, out);
        return;
    }
}

/* --- the way of a row --- */

static void *row_make(const void *ctx, const struct expr *e)
{
    (void)ctx;
    return exprvm_new(e, NULL);
}

static void row_free(void *machine)
{
    exprvm_free(machine);
}

static bool row_value(void *machine, const void *at, union cell *out)
{
    const struct cond_row *r = at;
    return output_value(machine, r->row, r->layout, r->slots, r->scratch, out);
}

static void row_print(const void *ctx, const struct expr *e, struct bytes *out)
{
    const struct cond_names *n = ctx;
    expr_print_slots(e, n->schema, n->slot, n->ctx, out);
}

const struct cond_way cond_of_row = {row_make, row_free, row_value, row_print};
