/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/plan.h"
#include "base/bug.h"
#include "cep/list.h"

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
    out[n++] = p->input;
    if (p->shape == RULE_JOIN && p->join.side[JOIN_RIGHT].schema != p->input)
        out[n++] = p->join.side[JOIN_RIGHT].schema;
    return n;
}

bool plan_reads_stream(const struct rule_plan *p, const struct schema *s)
{
    return p->input == s || (p->shape == RULE_JOIN && p->join.side[JOIN_RIGHT].schema == s);
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
    return p->shape == RULE_JOIN ? p->join.nkeys : p->key.n;
}

const char *plan_key_name(const struct rule_plan *p, unsigned i)
{
    return p->shape == RULE_JOIN ? p->join.keys[i].name : p->input->columns[p->key.columns[i]].name;
}

struct type plan_key_type(const struct rule_plan *p, unsigned i)
{
    return p->shape == RULE_JOIN ? p->join.keys[i].type : p->input->columns[p->key.columns[i]].type;
}
