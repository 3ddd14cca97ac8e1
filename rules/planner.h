/* SPDX-License-Identifier: Apache-2.0 */
/* planner.h - one rule's tree to its plan: which shape it has, and what all shapes share.
 *
 * Room:   ast -> bind -> [planner] -> plan (windowrule.c, matchrule.c, joinrule.c: a shape each)
 * Owns:   what it returns.  Thread: one. */
#ifndef WEIR_RULES_PLANNER_H
#define WEIR_RULES_PLANNER_H
#include "cep/plan.h"
#include "rules/names.h"

/* A plan with one reference, or NULL, once said. base: its arena is not used, each plan has its own. */
struct rule_plan *planner_rule(const struct cc *base, const struct ast_statement *st,
                               const char *name, const char *sql, size_t sql_n);

/* --- for the shapes --- */

/* The columns of a stream, or of (SELECT … WHERE …) over one. NULL, once said. */
struct names_relation *planner_relation(struct cc *cc, const struct ast_from *f);

/* The same for a side of a join, which may be rows of windows (*windowed): see windowrule_rows. */
struct names_relation *planner_windowed(struct cc *cc, const struct ast_from *f,
                                        struct window_plan *w, bool *windowed);

struct planner_outputs {
    struct plan_output *v;
    unsigned n, cap;
};
void planner_output(struct cc *cc, struct planner_outputs *o, const char *name, struct span at,
                    const struct expr *e);
/* The name of a SELECT item: its alias, its column, or EXPR$n. */
const char *planner_item_name(struct cc *cc, const struct ast_item *i, unsigned n);
/* SELECT over rows of `rel`, where * is all columns. */
void planner_select(struct cc *cc, const struct names_relation *rel, const struct ast_item *items,
                    struct planner_outputs *o);
/* A key from PARTITION BY or GROUP BY, its columns sorted; false, once said. */
bool planner_key(struct cc *cc, const struct names_relation *rel, const struct ast_expr *list,
                 const char *clause, struct plan_key *key);
/* The same of one of them. */
bool planner_key_part(struct cc *cc, const struct names_relation *rel, const struct ast_expr *e,
                      const char *clause, struct plan_key *key);
/* e as an expression over a row, or NULL, without a word. */
const struct expr *planner_try_row(struct cc *cc, const struct names_relation *rel,
                                   const struct ast_expr *e);
/* What the computed ones among them are computed from, too. */
void planner_computed(const struct schema *s, struct colset *reads);
bool planner_is_window_column(const struct names_relation *rel, const struct ast_expr *e);

#endif
