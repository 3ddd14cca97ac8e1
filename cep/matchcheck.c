/* SPDX-License-Identifier: Apache-2.0
 *
 * What the matcher does not do is refused before a plan ever runs, at the place of the element. */
#include "cep/agg.h"
#include "cep/matchrun.h"

static enum err refuse(struct diag *d, struct span at, const char *hint, const char *what)
{
    if (d != NULL)
        diag_error(d, "unsupported", at, hint, "%s is not done by this release", what);
    return ERR_UNSUPPORTED;
}

/* A `$` is decided at the end of the input, when the time of a WITHIN may long be over. */
static enum err check_element(const struct pattern *p, struct diag *d)
{
    if (p->kind == PATTERN_END)
        return refuse(d, p->at, "leave WITHIN out", "the anchor $ with WITHIN");
    for (unsigned i = 0; i < p->nchildren; i++) {
        enum err e = check_element(p->children[i], d);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err check_expr(const struct expr *e, struct diag *d)
{
    if (e == NULL)
        return ERR_OK;
    if ((e->kind == EXPR_NAV || e->kind == EXPR_CLASSIFIER) && e->nav.physical > 0)
        return refuse(d, e->at, "PREV looks back", "NEXT");
    if (e->kind == EXPR_CLASSIFIER && e->nav.physical < 0)
        return refuse(d, e->at, NULL, "PREV of CLASSIFIER");
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
    if (m->rows == ROWS_ALL_UNMATCHED)
        return refuse(d, m->pattern->at, "leave WITH UNMATCHED ROWS out",
                      "ALL ROWS PER MATCH WITH UNMATCHED ROWS");
    enum err e = m->within_ms >= 0 ? check_element(m->pattern, d) : ERR_OK;
    if (e == ERR_OK)
        e = check_exprs(p, d);
    if (e == ERR_OK)
        e = nfa_build(m, d, &n);
    if (e == ERR_OK && n->states[0].accepts != 0 && m->rows != ROWS_ONE)
        e = refuse(d, m->pattern->at, "let the pattern take a row at least",
                   "ALL ROWS PER MATCH of a pattern that can be empty");
    nfa_free(n);
    return e;
}
