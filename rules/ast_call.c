/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that are calls in other clothes: FLOOR(t TO DAY), x REGEXP p, t AT TIME ZONE z, TRIM(BOTH 'x' FROM s),
 * POSITION(a IN s). */
#include "rules/ast.h"
#include "rules/grammar.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is(struct token t, const char *word)
{
    return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

static struct ast_expr *call_of(struct ast *a, struct token name, const char *function,
                                struct ast_expr *x, struct ast_expr *y, struct span to)
{
    struct ast_exprs args = ast_exprs(a, (struct ast_exprs){0}, x);
    if (y != NULL)
        args = ast_exprs(a, args, y);
    struct ast_expr *e = ast_call(a, name, false, args, name);
    e->at = ast_span(name.at.begin < x->at.begin ? name.at : x->at, to);
    if (function != NULL)
        e->name.text = function;
    return e;
}

struct ast_expr *ast_call_to(struct ast *a, struct token name, struct ast_expr *x,
                             struct token unit, struct token end)
{
    const char *function = is(name, "FLOOR")                         ? "TIME_FLOOR"
                           : is(name, "CEIL") || is(name, "CEILING") ? "TIME_CEIL"
                                                                     : NULL;
    struct ast_expr *u = ast_column_ref(a, (struct token){0}, unit);
    struct ast_expr *e = call_of(a, name, function, x, u, end.at);
    e->has_from = function == NULL; /* which takes no TO either */
    return e;
}

struct ast_expr *ast_call_regexp(struct ast *a, struct ast_expr *x, struct token op, bool negated,
                                 struct ast_expr *pattern)
{
    struct ast_expr *e = call_of(a, op, "REGEXP", x, pattern, pattern->at);
    if (!negated)
        return e;
    op.kind = TOKEN_NOT;
    struct span at = e->at;
    e = ast_unary(a, op, e);
    e->at = at;
    return e;
}

struct ast_expr *ast_call_zone(struct ast *a, struct ast_expr *x, struct token at,
                               struct ast_expr *zone)
{
    return call_of(a, at, "AT_ZONE", x, zone, zone->at);
}

/* f(x FROM s): EXTRACT and SUBSTRING have it, and TRIM, whose text comes last. */
struct ast_expr *ast_call_trim(struct ast *a, struct token name, struct token where,
                               struct ast_expr *set, struct ast_expr *s, struct token end)
{
    const char *function = is(where, "LEADING") ? "LTRIM" : is(where, "TRAILING") ? "RTRIM" : NULL;
    struct ast_expr *e = call_of(a, name, function, s, set, end.at);
    e->at = ast_span(name.at, end.at);
    e->has_from = !is(name, "TRIM") || (function == NULL && where.n > 0 && !is(where, "BOTH"));
    return e;
}

struct ast_expr *ast_call_from(struct ast *a, struct token name, struct ast_exprs args,
                               struct token end)
{
    struct ast_expr *x = args.first;
    if (is(name, "TRIM") && args.n == 2) {
        struct token where = {.p = x->name.text, .n = 0};
        bool word = x->kind == AST_NAME && x->qualifier.text == NULL && !x->name.quoted;
        if (word)
            where.n = (unsigned)strlen(x->name.text);
        word = word && (is(where, "BOTH") || is(where, "LEADING") || is(where, "TRAILING"));
        if (!word)
            where.n = 0;
        return ast_call_trim(a, name, where, word ? NULL : x, args.last, end);
    }
    struct ast_expr *e = ast_call(a, name, false, args, end);
    e->has_from = true;
    return e;
}

struct ast_expr *ast_call_in(struct ast *a, struct token name, struct ast_expr *part,
                             struct ast_expr *s, struct token end)
{
    struct ast_expr *e = call_of(a, name, NULL, part, s, end.at);
    e->at = ast_span(name.at, end.at);
    e->has_from = !is(name, "POSITION");
    return e;
}
