/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/readgraph.h"
#include "base/diag.h"
#include "rules/parse.h"
#include <strings.h>

enum { TREES_BLOCK = 64 << 10 };

struct edge {
    const char *rule, *reads;
    bool seen; /* on this walk */
    struct edge *next;
};

struct readgraph {
    struct edge *first;
};

static void add(struct readgraph *g, const char *rule, const struct ast_from *f, struct arena *a)
{
    for (; f != NULL; f = f->next) {
        const char *reads = f->name.text;
        if (f->query != NULL) {
            add(g, rule, f->query->from, a);
            continue;
        }
        for (const struct ast_arg *arg = f->args; arg != NULL; arg = arg->next) {
            if (arg->kind == AST_ARG_TABLE)
                reads = arg->name.text;
            if (arg->kind == AST_ARG_QUERY)
                add(g, rule, arg->query->from, a);
        }
        if (reads == NULL)
            continue;
        struct edge *e = arena_zero(a, sizeof *e);
        *e = (struct edge){arena_str(a, rule), arena_str(a, reads), false, g->first};
        g->first = e;
    }
}

struct readgraph *readgraph_new(const char *text, size_t n, struct arena *a)
{
    struct readgraph *g = arena_zero(a, sizeof *g);
    struct arena *trees = arena_new(TREES_BLOCK, 0);
    struct diag quiet;
    diag_init(&quiet, text, n);
    struct parse *p = parse_new(text, n, &quiet);
    for (struct ast_statement *st; parse_next(p, trees, &st); arena_reset(trees))
        if (st != NULL && st->kind == AST_RULE)
            add(g, st->name.text, st->select->from, a);
    parse_free(p);
    diag_fini(&quiet);
    arena_free(trees);
    return g;
}

bool readgraph_has(const struct readgraph *g, const char *rule)
{
    const struct edge *e = g->first;
    while (e != NULL && strcasecmp(e->rule, rule) != 0)
        e = e->next;
    return e != NULL;
}

static const char *walk(const struct readgraph *g, const char *from, const char *to,
                        struct arena *a)
{
    if (strcasecmp(from, to) == 0)
        return from;
    for (struct edge *e = g->first; e != NULL; e = e->next) {
        if (e->seen || strcasecmp(e->rule, from) != 0)
            continue;
        e->seen = true;
        const char *rest = walk(g, e->reads, to, a);
        if (rest != NULL)
            return arena_printf(a, "%s -> %s", from, rest);
    }
    return NULL;
}

const char *readgraph_path(const struct readgraph *g, const char *from, const char *to,
                           struct arena *a)
{
    for (struct edge *e = g->first; e != NULL; e = e->next)
        e->seen = false;
    return walk(g, from, to, a);
}
