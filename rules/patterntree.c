/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/patterntree.h"
#include "rules/bind.h"
#include "rules/grammar.h"
#include <string.h>

struct tree {
    struct cc *cc;
    const struct ast_match *m;
    struct names_vars *vars;
    bool bounded, full; /* full: PLAN_VARS_MAX has been said */
    unsigned elements;
    int64_t within_ms; /* of the whole; -1: none */
};

static void say(struct tree *t, struct span at, const char *hint, const char *message)
{
    diag_error(t->cc->d, "pattern", at, hint, "%s", message);
}

static int variable(struct tree *t, const struct ast_name *n)
{
    const char *name = names_variable(t->cc, n);
    int i = names_find_var(t->vars, name);
    if (i >= 0)
        return i;
    if (t->vars->n == PLAN_VARS_MAX) {
        if (!t->full)
            diag_error(t->cc->d, "limit", n->at, NULL, "a pattern has at most %d variables",
                       PLAN_VARS_MAX);
        t->full = true;
        return 0;
    }
    t->vars->vars[t->vars->n] = name;
    return (int)t->vars->n++;
}

/* --- quantifiers ------------------------------------------------------------------------------ */

static bool bound(struct tree *t, struct token tok, uint32_t *out)
{
    int64_t v;
    if (value_parse_bigint(tok.p, tok.n, &v) && v <= INT32_MAX) {
        *out = (uint32_t)v;
        return true;
    }
    diag_error(t->cc->d, "quantifier", tok.at, NULL, "a bound is at most %d, not %.*s", INT32_MAX,
               (int)(tok.n < 60 ? tok.n : 60), tok.p);
    return false;
}

static void braces(struct tree *t, const struct ast_quant *q, struct pattern *p)
{
    p->min = 0;
    p->max = UINT32_MAX;
    if ((q->min.kind != 0 && !bound(t, q->min, &p->min)) ||
        (q->max.kind != 0 && !bound(t, q->max, &p->max)))
        return;
    if (p->max == 0)
        say(t, q->at, NULL, "a quantifier whose most is 0 takes no row");
    else if (p->min > p->max)
        diag_error(t->cc->d, "quantifier", q->at, NULL, "the least, %u, is more than the most, %u",
                   p->min, p->max);
}

static void quantify(struct tree *t, const struct ast_pattern *a, struct pattern *p)
{
    const struct ast_quant *q = &a->quant;
    if (p->negated)
        say(t, q->at, NULL, "an element with ! takes no quantifier");
    p->quantified = true;
    p->reluctant = q->reluctant;
    p->inner = q->arrow == TOKEN_ARROW_LOOP    ? CONTIGUITY_FOLLOWED
               : q->arrow == TOKEN_ARROW2_LOOP ? CONTIGUITY_ANY
                                               : CONTIGUITY_NEXT;
    p->min = q->op == TOKEN_PLUS ? 1 : 0;
    p->max = q->op == TOKEN_QUESTION ? 1 : UINT32_MAX;
    if (q->op == TOKEN_LBRACE)
        braces(t, q, p);
}

static void suffixes(struct tree *t, const struct ast_pattern *a, struct pattern *p)
{
    if (a->until.text != NULL) {
        if (!p->quantified || p->max != UINT32_MAX || a->negated)
            say(t, a->until.at, "like A->+? UNTIL S", "UNTIL needs a loop without an upper bound");
        p->until = variable(t, &a->until);
    }
    if (a->within == NULL || !bind_interval(t->cc, a->within, &p->within_ms))
        return;
    if (p->within_ms <= 0)
        say(t, a->within->at, NULL, "WITHIN needs an interval longer than nothing");
    else if (t->within_ms >= 0 && p->within_ms > t->within_ms)
        say(t, a->within->at, NULL,
            "the time of one step is longer than that of the whole pattern");
}

/* --- elements --------------------------------------------------------------------------------- */

static struct pattern *build(struct tree *t, const struct ast_pattern *a);

static struct pattern *node(struct tree *t, enum pattern_kind kind, struct span at)
{
    struct pattern *p = arena_zero(t->cc->arena, sizeof *p);
    p->kind = kind;
    p->at = at;
    p->var = p->until = -1;
    p->min = p->max = 1;
    p->within_ms = -1;
    if (++t->elements == PATTERNTREE_ELEMENTS_MAX)
        diag_error(t->cc->d, "limit", at, NULL, "a pattern has at most %d elements",
                   PATTERNTREE_ELEMENTS_MAX);
    return p;
}

static enum contiguity contiguity(int follows)
{
    return follows == TOKEN_ARROW    ? CONTIGUITY_FOLLOWED
           : follows == TOKEN_ARROW2 ? CONTIGUITY_ANY
                                     : CONTIGUITY_NEXT;
}

static bool is_bare(const struct ast_pattern *a)
{
    return !a->quant.given && a->until.text == NULL && a->within == NULL;
}

/* Nothing is written on it, nor, inside parentheses that it may be, on what is alone there. */
static bool is_bare_within(const struct ast_pattern *a)
{
    for (; a->kind == AST_PATTERN_SEQ && a->nchildren == 1; a = a->children)
        if (!is_bare(a))
            return false;
    return is_bare(a);
}

/* A sequence inside a sequence that nothing is written on is part of it. */
static bool is_spliced(const struct pattern *p, const struct pattern *child)
{
    return p->kind == PATTERN_SEQ && child->kind == PATTERN_SEQ && !child->quantified &&
           child->until < 0 && child->within_ms < 0;
}

static void add_children(struct tree *t, const struct ast_pattern *a, struct pattern *p)
{
    struct pattern **built =
        arena_alloc(t->cc->arena, (a->nchildren + 1) * sizeof(struct pattern *));
    unsigned n = 0, total = 0;
    for (const struct ast_pattern *c = a->children; c != NULL; c = c->next) {
        built[n] = build(t, c);
        if (t->elements >= PATTERNTREE_ELEMENTS_MAX)
            return;
        if (p->kind == PATTERN_SEQ)
            built[n]->before = contiguity(c->follows);
        total += is_spliced(p, built[n]) ? built[n]->nchildren : 1;
        n++;
    }
    const struct pattern **list = arena_alloc(t->cc->arena, (total + 1) * sizeof(struct pattern *));
    n = 0;
    unsigned k = 0;
    for (const struct ast_pattern *c = a->children; c != NULL; c = c->next, k++) {
        if (!is_spliced(p, built[k])) {
            list[n++] = built[k];
            continue;
        }
        for (unsigned i = 0; i < built[k]->nchildren; i++) {
            struct pattern *inner = arena_alloc(t->cc->arena, sizeof *inner);
            *inner = *built[k]->children[i];
            if (i == 0)
                inner->before = built[k]->before;
            list[n++] = inner;
        }
    }
    p->children = list;
    p->nchildren = n;
}

static struct pattern *build_kind(struct tree *t, const struct ast_pattern *a)
{
    static const enum pattern_kind kinds[] = {
        [AST_PATTERN_VAR] = PATTERN_VAR,         [AST_PATTERN_SEQ] = PATTERN_SEQ,
        [AST_PATTERN_ALT] = PATTERN_ALT,         [AST_PATTERN_PERMUTE] = PATTERN_PERMUTE,
        [AST_PATTERN_EXCLUDE] = PATTERN_EXCLUDE, [AST_PATTERN_EMPTY] = PATTERN_EMPTY,
        [AST_PATTERN_START] = PATTERN_START,     [AST_PATTERN_END] = PATTERN_END,
    };
    /* Parentheses round one element that nothing is written on are only parentheses. */
    if (a->kind == AST_PATTERN_SEQ && a->nchildren == 1 &&
        (is_bare(a) || is_bare_within(a->children)))
        return build(t, a->children);
    struct pattern *p = node(t, kinds[a->kind], a->at);
    switch (a->kind) {
    case AST_PATTERN_VAR:
        p->var = variable(t, &a->name);
        p->negated = a->negated;
        break;
    case AST_PATTERN_START:
    case AST_PATTERN_END:
        if (!t->bounded)
            diag_error(t->cc->d, "unbounded", a->at, NULL,
                       "the anchor %c can be used on input that ends only",
                       a->kind == AST_PATTERN_START ? '^' : '$');
        break;
    case AST_PATTERN_EXCLUDE:
        if (t->m->rows == AST_ROWS_UNMATCHED)
            say(t, a->at, NULL, "{- -} cannot be used with ALL ROWS PER MATCH WITH UNMATCHED ROWS");
        add_children(t, a, p);
        break;
    default:
        add_children(t, a, p);
    }
    return p;
}

static struct pattern *build(struct tree *t, const struct ast_pattern *a)
{
    struct pattern *p = build_kind(t, a);
    if (t->elements >= PATTERNTREE_ELEMENTS_MAX)
        return p;
    if (a->quant.given)
        quantify(t, a, p);
    suffixes(t, a, p);
    return p;
}

/* --- where ! may stand ------------------------------------------------------------------------ */

static bool only_negated(const struct pattern *p)
{
    return p->kind == PATTERN_VAR && p->negated;
}

static void check_negated(struct tree *t, const struct pattern *p, bool first)
{
    if (only_negated(p)) {
        if (first)
            say(t, p->at, "begin with an element that takes a row",
                "! cannot be the first element: there is no row before it");
        else if (p->before == CONTIGUITY_ANY)
            say(t, p->at, "-> !A is: no A in between", "->> cannot stand before !");
    }
    for (unsigned i = 0; i < p->nchildren; i++) {
        const struct pattern *c = p->children[i];
        if (p->kind != PATTERN_SEQ && only_negated(c)) {
            say(t, c->at, NULL, "! needs an element before it in the same sequence");
            continue;
        }
        check_negated(t, c, i == 0 && (first || p->kind != PATTERN_SEQ || p->quantified));
    }
}

/* A -> !B at the end comes true when a time is over, so there must be one. */
static void check_end(struct tree *t, const struct pattern *p)
{
    if (p->kind != PATTERN_SEQ) {
        for (unsigned i = 0; i < p->nchildren; i++)
            check_end(t, p->children[i]);
        return;
    }
    for (unsigned i = p->nchildren; i-- > 0;) {
        const struct pattern *c = p->children[i];
        if (!only_negated(c)) {
            if (i + 1 == p->nchildren)
                check_end(t, c);
            return;
        }
        if (c->before == CONTIGUITY_FOLLOWED && c->within_ms < 0)
            say(t, c->at, "PATTERN (A -> !B) WITHIN INTERVAL '5' MINUTE",
                "a pattern that ends with -> ! needs WITHIN: how long there must be none");
    }
}

const struct pattern *patterntree_build(struct cc *cc, const struct ast_match *m, int64_t within_ms,
                                        bool bounded, struct names_vars *vars)
{
    struct tree t = {.cc = cc, .m = m, .vars = vars, .bounded = bounded, .within_ms = within_ms};
    int errors = cc->d->errors;
    struct pattern *p = build(&t, m->pattern);
    if (cc->d->errors != errors)
        return NULL;
    if (vars->n == 0 && !bounded) /* input that ends has empty matches */
        say(&t, m->pattern->at, NULL, "the pattern has no variable");
    check_negated(&t, p, true);
    if (m->within == NULL)
        check_end(&t, p);
    return cc->d->errors == errors ? p : NULL;
}

/* --- what can be said of a tree --------------------------------------------------------------- */

uint64_t patterntree_takes(const struct pattern *p)
{
    if (p->kind == PATTERN_VAR)
        return p->negated ? 0 : UINT64_C(1) << p->var;
    uint64_t vars = 0;
    for (unsigned i = 0; i < p->nchildren; i++)
        vars |= patterntree_takes(p->children[i]);
    return vars;
}

struct firsts {
    uint64_t vars; /* that can take the first row */
    bool empty; /* may take no row */
};

static struct firsts firsts_of(const struct pattern *p)
{
    struct firsts f = {0, p->kind != PATTERN_ALT && p->kind != PATTERN_VAR};
    if (p->kind == PATTERN_VAR)
        f = (struct firsts){p->negated ? 0 : UINT64_C(1) << p->var, p->negated};
    for (unsigned i = 0; i < p->nchildren; i++) {
        struct firsts c = firsts_of(p->children[i]);
        switch (p->kind) {
        case PATTERN_ALT:
            f.vars |= c.vars;
            f.empty = f.empty || c.empty;
            break;
        case PATTERN_PERMUTE:
            f.vars |= c.vars;
            f.empty = f.empty && c.empty;
            break;
        default:
            f.vars |= f.empty ? c.vars : 0;
            f.empty = f.empty && c.empty;
        }
    }
    f.empty = f.empty || p->min == 0;
    return f;
}

/* How often variables of a set can take a row: 0, 1, or 2 for more. */
static unsigned times(const struct pattern *p, uint64_t vars)
{
    unsigned n = 0;
    if (p->kind == PATTERN_VAR)
        n = !p->negated && (vars >> p->var & 1) != 0;
    for (unsigned i = 0; i < p->nchildren; i++) {
        unsigned c = times(p->children[i], vars);
        n = p->kind == PATTERN_ALT ? (c > n ? c : n) : n + c;
    }
    n = n > 0 && p->max > 1 ? 2 : n;
    return n > 2 ? 2 : n;
}

void patterntree_check_skip(struct cc *cc, const struct pattern *p, const struct ast_skip_to *to,
                            uint64_t vars)
{
    if ((patterntree_takes(p) & vars) == 0) {
        diag_error(cc->d, "skip", to->name.at, NULL, "%s takes no row, so there is none to skip to",
                   to->name.text);
        return;
    }
    bool always = (firsts_of(p).vars & ~vars) == 0;
    if (always && (to->kind == AST_SKIP_FIRST || times(p, vars) < 2))
        diag_error(cc->d, "skip", to->name.at, "SKIP TO NEXT ROW goes on at the second row",
                   "%s is always the first row of the match: matching would begin there again",
                   to->name.text);
}
