/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/joinrule.h"
#include "rules/bind.h"

/* One relation of all sides' columns, so that ambiguous and unknown names are found. */
static struct names_relation *both(struct cc *cc, const struct ast_from *f)
{
    struct names_relation *all = arena_zero(cc->arena, sizeof *all);
    bool good = true;
    for (; f != NULL; f = f->next) {
        if (f->match != NULL || f->function.text != NULL) {
            diag_error(cc->d, "unsupported", f->at, NULL, "a join is of two streams");
            return NULL;
        }
        struct names_relation *r = planner_relation(cc, f);
        if (r == NULL) {
            good = false;
            continue;
        }
        struct names_column *columns = arena_alloc(cc->arena, (all->n + r->n) * sizeof *columns);
        for (unsigned i = 0; i < all->n + r->n; i++)
            columns[i] = i < all->n ? all->columns[i] : r->columns[i - all->n];
        all->columns = columns;
        all->n += r->n;
        if (all->schema == NULL)
            all->schema = r->schema;
    }
    all->what = "the joined streams";
    return good ? all : NULL;
}

void joinrule_refuse(struct cc *cc, const struct ast_select *s)
{
    int errors = cc->d->errors;
    for (const struct ast_from *f = s->from->next; f != NULL; f = f->next)
        if (f->join == AST_JOIN_FULL || f->join == AST_JOIN_RIGHT)
            diag_error(
                cc->d, "join", f->join_at,
                f->join == AST_JOIN_RIGHT ? "turn the sides round, and write LEFT JOIN"
                                          : "write a LEFT JOIN for each side, as two rules",
                "%s JOIN cannot be done: rows that find no partner are given for the left side",
                f->join == AST_JOIN_RIGHT ? "RIGHT" : "FULL");
    struct names_relation *rel = both(cc, s->from);
    if (rel == NULL)
        return;
    struct bind b = {.cc = cc, .rel = rel, .clause = "ON"};
    for (const struct ast_from *f = s->from->next; f != NULL; f = f->next)
        bind_condition(&b, f->on, "ON");
    b.clause = "WHERE";
    if (s->where != NULL)
        bind_condition(&b, s->where, "WHERE");
    b.clause = "SELECT";
    for (const struct ast_item *i = s->items; i != NULL; i = i->next)
        if (i->e->kind != AST_STAR)
            bind_expr(&b, i->e);
    const struct ast_from *second = s->from->next;
    if (second != NULL && cc->d->errors == errors)
        diag_error(cc->d, "unsupported", second->join_at,
                   "a pattern over one stream may say the same",
                   "JOIN: this release has no operator for it yet");
}
