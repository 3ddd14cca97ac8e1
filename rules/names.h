/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - what the names of a statement stand for: streams, their columns, pattern variables; all "unknown name"s.
 *
 * Room:   ast -> [names] -> bind
 * Owns:   nothing; relations live in the arena of the context
 * Thread: one.
 *
 * An unquoted name is compared without regard to case, a quoted one as it is. Of pattern variables, as in ISO, the
 * unquoted ones are in upper case, so that "b" and b are two. */
#ifndef WEIR_RULES_NAMES_H
#define WEIR_RULES_NAMES_H
#include "cep/expr/expr.h"
#include "cep/plan.h"
#include "rules/ast.h"
#include "rules/cc.h"

struct bind_over;

struct names_column {
    const char *name;
    const char *qualifier; /* by which name.column it can be called; NULL: none */
    const struct expr
        *e; /* over the input's row (or the match); NULL: it was wrong, which has been said */
    bool hidden; /* not among those of `*` */
};

/* What columns can be named: of a stream, of (SELECT …) over one, of a match's output, of two joined streams. */
struct names_relation {
    const struct schema *schema; /* the input; of a join the first */
    const char *what; /* "stream payments", for messages */
    unsigned n;
    struct names_column *columns;
    const struct expr *where; /* of (SELECT … WHERE …), or NULL */
    struct bind_over *over; /* of (SELECT … OVER …), whose columns may be slots; NULL: none */
    const struct expr *having; /* then QUALIFY, and WHERE around it; or NULL */
    bool whole; /* an unknown q.column is shown from q on */
};

/* The variables and subsets of a pattern. */
struct names_vars {
    unsigned n, nsubsets;
    const char *vars[PLAN_VARS_MAX];
    struct subset subsets[PLAN_VARS_MAX];
};

/* What the script has defined under that name, whatever its case; NULL: nothing. */
struct cc_known *names_known(const struct cc *cc, const char *name);
/* In small letters, in the arena. */
const char *names_key(struct arena *a, const char *name);
void names_unknown_source(struct cc *cc, const struct ast_name *n);
/* NULL, once said. */
struct list *names_list(struct cc *cc, const struct ast_name *n);
/* The same, or *table is one (else NULL). */
struct list *names_list_or_table(struct cc *cc, const struct ast_name *n,
                                 const struct table **table);
struct names_relation *names_of_schema(struct cc *cc, const struct schema *s, const char *alias);

bool names_same(const struct ast_name *n, const char *name);
/* The column that [qualifier.]name means, or NULL, once said. */
const struct names_column *names_column(struct cc *cc, const struct names_relation *r,
                                        const struct ast_expr *e);
/* Without a word; `ambiguous` says that there are several. */
const struct names_column *names_find(const struct names_relation *r,
                                      const struct ast_name *qualifier, const struct ast_name *name,
                                      bool *ambiguous);
bool names_has_qualifier(const struct names_relation *r, const struct ast_name *q);

/* How a variable is called: unquoted ones in upper case. */
const char *names_variable(struct cc *cc, const struct ast_name *n);
int names_find_var(const struct names_vars *v, const char *name); /* -1: none */
int names_find_subset(const struct names_vars *v, const char *name);
/* The bits of a variable or subset; 0, once said. */
uint64_t names_var_bits(struct cc *cc, const struct names_vars *v, const struct ast_name *n);
void names_unknown_var(struct cc *cc, const struct names_vars *v, const struct ast_name *n,
                       bool with_subsets);

/* ", did you mean X?" as a hint, or NULL; lives in the arena. */
const char *names_hint(struct cc *cc, const char *name, const char *const *candidates, size_t n);

#endif
