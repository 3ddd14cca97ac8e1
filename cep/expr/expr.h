/* SPDX-License-Identifier: Apache-2.0 */
/* expr.h - a checked and typed expression: what rules/ writes, what the machine (exprvm.h) runs, what EXPLAIN prints.
 *
 * Room:   rules/ (bind, types) -> [expr] -> exprvm, predindex, match, window
 * Owns:   nothing; lives in the arena of its plan.  Immutable.  Thread: any, read only.
 *
 * All coercions are explicit EXPR_CAST nodes: the arguments of a comparison or an arithmetic node have one type kind
 * (DECIMALs: one scale for + and -), so the machine chooses by kind alone. Only DECIMALs of different scales, and BIGINT
 * with DECIMAL, are compared as they are, which is exact; a constant has the scale of what it is compared with. Constants
 * are folded. */
#ifndef WEIR_CEP_EXPR_H
#define WEIR_CEP_EXPR_H
#include "base/arena.h"
#include "base/diag.h"
#include "cep/row/value.h"

/* X(name, "text in EXPLAIN") */
/* clang-format off */
#define EXPR_LIST(X)                                                                               \
    X(CONST, "const") /* constant */                                                               \
    X(COLUMN, "column") /* column `index` of the row being looked at */                            \
    X(SLOT, "slot") /* value `index` of the group: keys, window bounds, aggregates (plan.h) */     \
    X(NAV, "nav") /* args[0], a row expression, evaluated at another row of the match: `nav` */    \
    X(MATCH_AGG, "agg") /* an aggregate over rows of the match: `agg` */                           \
    X(CLASSIFIER, "classifier") /* name of the variable the row at `nav` is mapped to */           \
    X(MATCH_NUMBER, "match_number")                                                                \
    X(MATCH_ROWTIME, "match_rowtime") /* the time of the match as a result */                      \
    X(NEG, "-")                                                                                    \
    X(ADD, "+")                                                                                    \
    X(SUB, "-")                                                                                    \
    X(MUL, "*")                                                                                    \
    X(DIV, "/")                                                                                    \
    X(MOD, "%")                                                                                    \
    X(EQ, "=")                                                                                     \
    X(NE, "<>")                                                                                    \
    X(LT, "<")                                                                                     \
    X(LE, "<=")                                                                                    \
    X(GT, ">")                                                                                     \
    X(GE, ">=")                                                                                    \
    X(DISTINCT, "is distinct from")                                                                \
    X(NOT_DISTINCT, "is not distinct from")                                                        \
    X(AND, "and")                                                                                  \
    X(OR, "or")                                                                                    \
    X(NOT, "not") /* AND, OR: n arguments */                                                       \
    X(IS_NULL, "is null")                                                                          \
    X(IS_TRUE, "is true")                                                                          \
    X(IS_FALSE, "is false")                                                                        \
    X(IN, "in") /* args[0] in the constants args[1..] */                                           \
    X(IN_LIST, "in list") /* args[0], of the key's type, in `list` (list.h) */                     \
    X(LIKE, "like") /* args: text, pattern, [escape] */                                            \
    X(CASE, "case") /* when, then, …, else */                                                      \
    X(COALESCE, "coalesce")                                                                        \
    X(CAST, "cast")                                                                                \
    X(TRY_CAST, "try_cast")                                                                        \
    X(CONCAT, "||")                                                                                \
    X(FUNC, "func") /* scalar function `func` (func.h) */                                          \
    X(LOOKUP, "lookup") /* column `list_column` of the row in `list` whose key is args[0] */
/* clang-format on */

enum expr_kind {
#define EXPR_ENUM(name, text) EXPR_##name,
    EXPR_LIST(EXPR_ENUM)
#undef EXPR_ENUM
};

/* Which row of a match: ISO 9075-2 row pattern navigation. In a DEFINE the row being tested counts as mapped to the
 * variable that is defined, for navigation and aggregates alike. A row expression inside an aggregate may hold a
 * CLASSIFIER with `current`: the name of the variable that the aggregated row is mapped to. */
struct nav {
    uint64_t vars; /* bit v: variable v of the plan; all bits: any row of the match */
    bool first; /* FIRST, else LAST */
    bool running; /* RUNNING (up to the current row), else FINAL */
    uint32_t logical; /* offset of FIRST/LAST */
    int32_t physical; /* then PREV (< 0) or NEXT (> 0) */
    bool
        current; /* the row being tested or output itself, before `physical`; vars and logical unused */
};

/* X(name, text) - aggregates; which are done, and where, is agg.h's to say */
/* clang-format off */
#define AGG_LIST(X)                                                                                \
    X(COUNT_STAR, "COUNT(*)")                                                                      \
    X(COUNT, "COUNT")                                                                              \
    X(SUM, "SUM")                                                                                  \
    X(AVG, "AVG")                                                                                  \
    X(MIN, "MIN")                                                                                  \
    X(MAX, "MAX")                                                                                  \
    X(STDDEV, "STDDEV")                                                                            \
    X(FIRST, "FIRST")                                                                              \
    X(LAST, "LAST")                                                                                \
    X(TOP, "TOP")                                                                                  \
    X(LIST_AGG, "LIST_AGG")                                                                        \
    X(APPROX_COUNT_DISTINCT, "APPROX_COUNT_DISTINCT")                                              \
    X(APPROX_PERCENTILE, "APPROX_PERCENTILE")
/* clang-format on */

enum agg_kind {
#define AGG_ENUM(name, text) AGG_##name,
    AGG_LIST(AGG_ENUM)
#undef AGG_ENUM
};

struct agg_call {
    enum agg_kind kind;
    bool distinct;
    struct type type; /* of the result */
    const struct expr *arg; /* a row expression; NULL for COUNT(*) */
    const struct value *params; /* constants after the argument: TOP's n, the percentile … */
    unsigned nparams;
    const struct expr *filter; /* FILTER (WHERE …) or NULL */
};

struct list;

struct expr {
    enum expr_kind kind;
    struct type type;
    struct span at; /* where in the rule's text */
    unsigned nargs;
    const struct expr *const *args;
    union {
        struct value constant;
        unsigned index; /* COLUMN, SLOT */
        struct nav nav; /* NAV, CLASSIFIER */
        struct {
            struct agg_call call;
            uint64_t vars; /* rows of these variables; all bits: every row of the match */
            bool running;
        } agg;
        unsigned func; /* FUNC */
        struct { /* IN_LIST, LOOKUP */
            const struct list *list; /* the plan holds it (plan.h) */
            uint64_t list_since; /* cuts of it that hold for all rows (list.h) */
            unsigned list_column; /* LOOKUP */
        };
    };
};

const char *expr_kind_name(enum expr_kind k);
const char *expr_agg_name(enum agg_kind k);
enum expr_kind expr_mirrored(enum expr_kind k); /* of a comparison whose sides are changed over */
bool expr_same(const struct expr *a,
               const struct expr *b); /* structurally equal, places in the text apart */
bool expr_same_agg(const struct agg_call *a, const struct agg_call *b);
uint64_t expr_hash(const struct expr *e); /* agrees with expr_same */
/* The first IN LIST or look-up in e, or NULL; e may be NULL. */
const struct expr *expr_find_list(const struct expr *e);
/* True if only columns of the row itself are read: no NAV (but `current`), aggregate, CLASSIFIER, SLOT. */
bool expr_is_row_only(const struct expr *e);
void expr_columns(const struct expr *e,
                  struct colset *out); /* adds every column read, also inside NAV and aggregates */
/* The same with its columns as slots from `first` on (from: COLUMN), or slots from `first` on as columns (SLOT). */
const struct expr *expr_moved(struct arena *a, const struct expr *e, enum expr_kind from,
                              unsigned first);
/* SQL-like text, for EXPLAIN and the dashboard; `columns` gives names, `vars` those of pattern variables (or NULL). */
void expr_print(const struct expr *e, const struct schema *columns, const char *const *vars,
                struct bytes *out);
/* The same with names for slots. slot NULL: by their numbers. */
void expr_print_slots(const struct expr *e, const struct schema *columns,
                      void (*slot)(const void *ctx, unsigned index, struct bytes *out),
                      const void *ctx, struct bytes *out);

#endif
