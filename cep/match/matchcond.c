/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/match/matchcond.h"

static void *make(const void *ctx, const struct expr *e)
{
    (void)ctx;
    return matchenv_new(e);
}

static void free_machine(void *machine)
{
    matchenv_free(machine);
}

static bool value(void *machine, const void *at, union cell *out)
{
    const struct matchcond_at *m = at;
    return matchenv_value_at(m->m, m->cell, m->var, machine, m->n, m->r, out);
}

static void print(const void *ctx, const struct expr *e, struct bytes *out)
{
    const struct rule_plan *p = ctx;
    expr_print(e, p->input, p->shape == RULE_MATCH ? p->match.var_names : NULL, out);
}

static const struct cond_way of_match = {make, free_machine, value, print};

struct cond *matchcond_new(const struct expr *a, const struct expr *b, const struct rule_plan *p)
{
    return cond_new(&of_match, p, a, b);
}
