/* SPDX-License-Identifier: Apache-2.0 */
/* bind.h - expressions as written to expressions that run: names become columns, slots, rows of the match.
 *
 * Room:   ast -> [bind] over names, types, logic -> plans
 * Owns:   nothing.  Thread: one. */
#ifndef WEIR_RULES_BIND_H
#define WEIR_RULES_BIND_H
#include "rules/logic.h"
#include "rules/names.h"

enum bind_place {
    BIND_ROW, /* columns of a row: WHERE, a filter's SELECT, computed columns */
    BIND_GROUP, /* keys, window columns and aggregates: SELECT and HAVING of a window rule */
    BIND_DEFINE, /* the row being tested, and the match so far */
    BIND_MEASURE, /* the match */
};

/* Aggregates of a group rule, in the order of their slots. */
struct bind_group {
    const struct plan_key *key;
    const struct plan_key
        *split; /* of the first aggregates, which divide the key's rows; or NULL */
    struct agg_call *aggs;
    unsigned naggs, cap;
};

/* The argument of a navigation function or an aggregate of a match, while it is being bound: all that it reads must be
 * of one variable. */
struct bind_arg {
    const char *function;
    bool seen; /* a column or CLASSIFIER has been */
    uint64_t vars;
    const char *name; /* of the variable or subset; NULL: every row of the match */
};

/* Calls with OVER of a rule, in the order of their slots. */
struct bind_over {
    const struct names_relation *rel; /* whose rows they are about */
    struct plan_key key;
    struct over_call *calls;
    unsigned ncalls, cap;
    bool done; /* of a query below: none can be added */
};

struct bind {
    struct cc *cc;
    enum bind_place place;
    const struct names_relation *rel;
    const char *clause; /* "WHERE", for messages */
    const struct names_vars *vars; /* DEFINE, MEASURE */
    unsigned self; /* DEFINE: the variable */
    bool bounded; /* the input ends: NEXT may be used */
    struct bind_group *group;
    struct bind_over *over; /* NULL: OVER cannot stand here */
    struct bind_arg *arg;
};

/* NULL, once said. */
const struct expr *bind_expr(struct bind *b, const struct ast_expr *e);
/* The same for a condition. */
const struct expr *bind_condition(struct bind *b, const struct ast_expr *e, const char *what);
/* INTERVAL '…' unit in milliseconds; false, once said. */
bool bind_interval(struct cc *cc, const struct ast_expr *e, int64_t *ms);
bool bind_type(struct cc *cc, const struct ast_type *t, struct type *out);

#endif
