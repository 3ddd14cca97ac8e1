/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of PATTERN (...). */
#include "rules/ast.h"
#include "rules/grammar.h"

static struct ast_pattern *node(struct ast *a, enum ast_pattern_kind kind, struct span at)
{
    struct ast_pattern *p = arena_zero(a->arena, sizeof *p);
    p->kind = kind;
    p->at = at;
    p->depth = 1;
    return p;
}

static void add_child(struct ast *a, struct ast_pattern *p, struct ast_pattern *child)
{
    child->next = NULL;
    if (p->last_child != NULL)
        p->last_child->next = child;
    else
        p->children = child;
    p->last_child = child;
    p->nchildren++;
    p->at.end = child->at.end;
    if (child->depth + 1 > p->depth)
        p->depth = child->depth + 1;
    if (p->depth > AST_DEPTH_MAX)
        a->too_deep = true;
}

struct ast_pattern *ast_pattern(struct ast *a, enum ast_pattern_kind kind, struct token t)
{
    struct ast_pattern *p = node(a, kind, t.at);
    if (kind == AST_PATTERN_VAR)
        p->name = ast_name(a, t);
    return p;
}

struct ast_pattern *ast_pattern_not(struct ast *a, struct token bang, struct token t)
{
    struct ast_pattern *p = ast_pattern(a, AST_PATTERN_VAR, t);
    p->negated = true;
    p->at.begin = bang.at.begin;
    return p;
}

/* What stands in parentheses is an element by itself: nothing written after them may go into it. */
struct ast_pattern *ast_pattern_group(struct ast *a, struct token l, struct ast_pattern *p,
                                      struct token r)
{
    struct ast_pattern *g = node(a, AST_PATTERN_SEQ, l.at);
    if (p->kind == AST_PATTERN_SEQ && !p->grouped)
        g = p;
    else
        add_child(a, g, p);
    g->grouped = true;
    g->at = ast_span(l.at, r.at);
    return g;
}

struct ast_pattern *ast_pattern_wrap(struct ast *a, enum ast_pattern_kind kind, struct token l,
                                     struct ast_pattern *p, struct token r)
{
    struct ast_pattern *w = node(a, kind, l.at);
    if (kind == AST_PATTERN_PERMUTE) {
        w = p; /* ast_pattern_add has made it */
        w->grouped = true;
    } else if (p != NULL) {
        add_child(a, w, p);
    }
    w->at = ast_span(l.at, r.at);
    return w;
}

struct ast_pattern *ast_pattern_add(struct ast *a, enum ast_pattern_kind kind,
                                    struct ast_pattern *l, int follows, struct ast_pattern *p)
{
    p->follows = follows;
    if (l == NULL || l->kind != kind || l->grouped) {
        struct ast_pattern *list = node(a, kind, l != NULL ? l->at : p->at);
        if (l != NULL)
            add_child(a, list, l);
        l = list;
    }
    add_child(a, l, p);
    return l;
}

struct ast_quant ast_pattern_quant(struct token arrow, struct token op, bool reluctant)
{
    return (struct ast_quant){
        .given = true, .reluctant = reluctant, .arrow = arrow.kind, .op = op.kind, .at = op.at};
}

struct ast_quant ast_pattern_braces(struct token l, struct token min, bool exact, struct token max,
                                    struct token r)
{
    return (struct ast_quant){.given = true,
                              .op = TOKEN_LBRACE,
                              .min = min,
                              .max = max,
                              .exact = exact,
                              .at = ast_span(l.at, r.at)};
}

struct ast_quant ast_pattern_quant_with(struct ast_quant q, struct token arrow, bool reluctant)
{
    q.arrow = arrow.kind;
    q.reluctant = reluctant;
    if (arrow.kind != 0)
        q.at.begin = arrow.at.begin;
    return q;
}

struct ast_suffix ast_pattern_until(struct ast *a, struct ast_suffix s, struct token word,
                                    struct token name)
{
    if (s.until.text != NULL) {
        s.is_twice = true;
        s.twice = word.at;
    }
    s.until = ast_name(a, name);
    return s;
}

struct ast_suffix ast_pattern_within(struct ast_suffix s, struct token word, struct ast_expr *e)
{
    if (s.within != NULL) {
        s.is_twice = true;
        s.twice = word.at;
    }
    s.within = e;
    return s;
}

struct ast_pattern *ast_pattern_suffix(struct ast *a, struct ast_pattern *p, struct ast_quant q,
                                       struct ast_suffix s)
{
    if (s.is_twice)
        diag_error(a->d, "pattern", s.twice, NULL,
                   "UNTIL and WITHIN may each stand once after an element");
    p->quant = q;
    p->until = s.until;
    p->within = s.within;
    if (q.given)
        p->at.end = q.at.end;
    return p;
}
