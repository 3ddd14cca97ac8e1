/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/plan.h"
#include "base/bug.h"
#include "cep/list.h"
#include <string.h>

struct rule_plan *plan_ref(struct rule_plan *p)
{
    __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void plan_unref(struct rule_plan *p)
{
    if (p == NULL)
        return;
    int before = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);
    BUG_IF(before <= 0, "rule %s was let go once too often", p->name);
    if (before > 1)
        return;
    for (unsigned i = 0; i < p->nlists; i++)
        list_unref(p->lists[i]);
    arena_free(p->arena); /* p lives in it */
}

unsigned plan_streams(const struct rule_plan *p, const struct schema *out[PLAN_STREAMS_MAX])
{
    unsigned n = 0;
    out[n++] = schema_rows(p->input);
    const struct schema *right =
        p->shape == RULE_JOIN ? schema_rows(p->join.side[JOIN_RIGHT].schema) : out[0];
    if (right != out[0])
        out[n++] = right;
    return n;
}

static unsigned add_roots(const struct schema *s, const struct schema **out, unsigned n)
{
    if (s->derived != DERIVED_NOT) {
        n = add_roots(s->from, out, n);
        return s->with != NULL && n <= PLAN_ROOTS_MAX ? add_roots(s->with, out, n) : n;
    }
    for (unsigned i = 0; i < n && i < PLAN_ROOTS_MAX; i++)
        if (out[i] == s)
            return n;
    if (n < PLAN_ROOTS_MAX)
        out[n] = s;
    return n + 1;
}

unsigned plan_roots(const struct rule_plan *p, const struct schema *out[PLAN_ROOTS_MAX])
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned n = 0, nstreams = plan_streams(p, streams);
    for (unsigned i = 0; i < nstreams && n <= PLAN_ROOTS_MAX; i++)
        n = add_roots(streams[i], out, n);
    return n;
}

bool plan_is_derived(const struct rule_plan *p)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    bool derived = false;
    for (unsigned i = 0, n = plan_streams(p, streams); i < n; i++)
        derived = derived || streams[i]->derived != DERIVED_NOT;
    return derived;
}

bool plan_reads_stream(const struct rule_plan *p, const struct schema *s)
{
    const struct schema *roots[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(p, roots);
    for (unsigned i = 0; i < n; i++)
        if (roots[i] == s)
            return true;
    return false;
}

unsigned plan_nvars(const struct rule_plan *p)
{
    return p->shape == RULE_MATCH ? p->match.nvars : p->shape == RULE_JOIN ? 2 : 0;
}

const char *plan_var_name(const struct rule_plan *p, unsigned i)
{
    return p->shape == RULE_JOIN ? p->join.side[i].name : p->match.vars[i].name;
}

unsigned plan_nkeys(const struct rule_plan *p)
{
    return p->shape == RULE_JOIN     ? p->join.nkeys
           : p->shape == RULE_WINDOW ? p->key.n + p->window.split.n
                                     : p->key.n;
}

bool plan_key_same(const struct plan_key *a, const struct plan_key *b)
{
    if (a->n != b->n || a->nvalues != b->nvalues ||
        memcmp(a->columns, b->columns, plan_key_ncolumns(a) * sizeof *a->columns) != 0)
        return false;
    for (unsigned i = 0; i < a->nvalues; i++)
        if (!expr_same(a->values[i].e, b->values[i].e))
            return false;
    return true;
}

void plan_key_reads(const struct plan_key *k, struct colset *out)
{
    for (unsigned i = 0; i < plan_key_ncolumns(k); i++)
        colset_add(out, k->columns[i]);
    for (unsigned i = 0; i < k->nvalues; i++)
        expr_columns(k->values[i].e, out);
}

const char *plan_key_part(const struct plan_key *k, const struct schema *s, unsigned i)
{
    return i < plan_key_ncolumns(k) ? s->columns[k->columns[i]].name
                                    : k->values[i - plan_key_ncolumns(k)].name;
}

struct type plan_key_part_type(const struct plan_key *k, const struct schema *s, unsigned i)
{
    return i < plan_key_ncolumns(k) ? s->columns[k->columns[i]].type
                                    : k->values[i - plan_key_ncolumns(k)].e->type;
}

void plan_key_id(const struct plan_key *k, const struct schema *s, struct bytes *out)
{
    for (unsigned i = 0; i < k->n; i++) {
        if (i > 0)
            bytes_u8(out, ',');
        if (i < plan_key_ncolumns(k))
            bytes_printf(out, "%s", s->columns[k->columns[i]].name);
        else
            expr_print(k->values[i - plan_key_ncolumns(k)].e, s, NULL, out);
    }
}

/* Of which of the two is value i, and which there? */
static const struct plan_key *part_of(const struct rule_plan *p, unsigned *i)
{
    if (*i < p->key.n || p->shape != RULE_WINDOW)
        return &p->key;
    *i -= p->key.n;
    return &p->window.split;
}

const char *plan_key_name(const struct rule_plan *p, unsigned i)
{
    if (p->shape == RULE_JOIN)
        return p->join.keys[i].name;
    const struct plan_key *k = part_of(p, &i);
    return plan_key_part(k, p->input, i);
}

struct type plan_key_type(const struct rule_plan *p, unsigned i)
{
    if (p->shape == RULE_JOIN)
        return p->join.keys[i].type;
    const struct plan_key *k = part_of(p, &i);
    return plan_key_part_type(k, p->input, i);
}

bool plan_order_same(const struct match_plan *a, const struct match_plan *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->norder == b->norder && a->order_desc == b->order_desc &&
           memcmp(a->order_columns, b->order_columns, a->norder * sizeof *a->order_columns) == 0;
}
