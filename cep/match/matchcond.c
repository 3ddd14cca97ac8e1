/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/match/matchcond.h"
#include "base/mem.h"

enum { VALUES_MAX = 6 };

struct part { /* of a conjunction */
    const struct expr *e;
    struct match_expr *x;
    struct bytes text;
    unsigned nvalues;
    struct side {
        const struct expr *e;
        struct match_expr *x;
        struct bytes text;
    } values[VALUES_MAX];
};

struct matchcond {
    const struct rule_plan *plan;
    unsigned n;
    struct part *parts;
};

static bool is_logic(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_EQ ... EXPR_LIKE:
        return true;
    default:
        return false;
    }
}

static void print(const struct matchcond *c, const struct expr *e, struct bytes *out)
{
    const struct match_plan *m = &c->plan->match;
    expr_print(e, c->plan->input, c->plan->shape == RULE_MATCH ? m->var_names : NULL, out);
}

/* The values that a condition is about: what stands on the sides of comparisons, but for constants. */
static void add_values(const struct matchcond *c, struct part *p, const struct expr *e)
{
    while (e->kind == EXPR_CAST && e->nargs == 1)
        e = e->args[0];
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
    *s = (struct side){.e = e, .x = matchenv_new(e)};
    print(c, e, &s->text);
}

static void add(struct matchcond *c, const struct expr *e)
{
    if (e == NULL)
        return;
    if (e->kind == EXPR_AND) {
        for (unsigned i = 0; i < e->nargs; i++)
            add(c, e->args[i]);
        return;
    }
    c->parts = mem_resize_array(c->parts, c->n + 1, sizeof *c->parts);
    struct part *p = &c->parts[c->n++];
    *p = (struct part){.e = e, .x = matchenv_new(e)};
    print(c, e, &p->text);
    add_values(c, p, e);
}

struct matchcond *matchcond_new(const struct expr *a, const struct expr *b,
                                const struct rule_plan *p)
{
    struct matchcond *c = mem_new(sizeof *c);
    c->plan = p;
    add(c, a);
    add(c, b);
    return c;
}

void matchcond_free(struct matchcond *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < c->n; i++) {
        struct part *p = &c->parts[i];
        for (unsigned k = 0; k < p->nvalues; k++) {
            matchenv_free(p->values[k].x);
            bytes_fini(&p->values[k].text);
        }
        matchenv_free(p->x);
        bytes_fini(&p->text);
    }
    mem_free(c->parts);
    mem_free(c);
}

static bool value_at(const struct matchcond_at *at, struct match_expr *x, union cell *out)
{
    return matchenv_value_at(at->m, at->cell, at->var, x, at->n, at->r, out);
}

static void put_part(const struct part *p, const struct matchcond_at *at, enum truth truth,
                     struct bytes *out)
{
    static const char *const names[] = {"false", "true", "null"};
    bytes_printf(out, "{\"text\":");
    value_json_string((const char *)p->text.p, p->text.n, out);
    bytes_printf(out, ",\"true\":%s,\"values\":[", names[truth]);
    for (unsigned k = 0; k < p->nvalues; k++) {
        const struct side *s = &p->values[k];
        struct value v = {.type = s->e->type};
        v.null = !value_at(at, s->x, &v.c);
        bytes_printf(out, "%s{\"of\":", k > 0 ? "," : "");
        value_json_string((const char *)s->text.p, s->text.n, out);
        bytes_printf(out, ",\"value\":");
        value_json(&v, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]}");
}

struct matchcond_said matchcond_ask(struct matchcond *c, const struct matchcond_at *at,
                                    struct bytes *json)
{
    struct matchcond_said said = {.parts = c->n};
    if (json != NULL)
        bytes_u8(json, '[');
    for (unsigned i = 0; i < c->n; i++) {
        union cell v;
        bool known = value_at(at, c->parts[i].x, &v);
        enum truth truth = !known ? TRUTH_NULL : v.i != 0 ? TRUTH_TRUE : TRUTH_FALSE;
        said.hold += truth == TRUTH_TRUE;
        if (truth != TRUTH_TRUE && said.failed == NULL)
            said.failed = &c->parts[i].text;
        if (json == NULL)
            continue;
        if (i > 0)
            bytes_u8(json, ',');
        put_part(&c->parts[i], at, truth, json);
    }
    if (json != NULL)
        bytes_u8(json, ']');
    return said;
}
