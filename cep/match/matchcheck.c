/* SPDX-License-Identifier: Apache-2.0
 *
 * What the matcher does not do is refused before a plan ever runs, at the place of the element. */
#include "cep/agg/agg.h"
#include "cep/match/matchrun.h"

static enum err check_expr(const struct expr *e, struct diag *d)
{
    if (e == NULL)
        return ERR_OK;
    for (unsigned i = 0; i < e->nargs; i++) {
        enum err bad = check_expr(e->args[i], d);
        if (bad != ERR_OK)
            return bad;
    }
    return ERR_OK;
}

static enum err check_exprs(const struct rule_plan *p, struct diag *d)
{
    enum err e = check_expr(p->match.having, d);
    for (unsigned i = 0; i < p->match.nvars && e == ERR_OK; i++)
        e = check_expr(p->match.vars[i].path, d);
    for (unsigned i = 0; i < p->noutputs && e == ERR_OK; i++)
        e = check_expr(p->outputs[i].e, d);
    return e;
}

enum err matchcheck_plan(const struct rule_plan *p, struct diag *d)
{
    const struct match_plan *m = &p->match;
    struct nfa *n = NULL;
    enum err e = check_exprs(p, d);
    if (e == ERR_OK)
        e = nfa_build(m, d, &n);
    nfa_free(n);
    return e;
}
