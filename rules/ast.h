/* SPDX-License-Identifier: Apache-2.0 */
/* ast.h - the tree of one statement as it was written: no names looked up, no types, places kept.
 *
 * Room:   grammar -> [ast] -> bind
 * Owns:   nothing; all of a tree lives in the arena of its statement, and is gone with it
 * Thread: one.
 *
 * Lists are linked through `next`, since the grammar builds them one at a time. `depth` is how deep a tree of
 * expressions or pattern elements is: past AST_DEPTH_MAX the statement is refused, so that no walk can overflow. */
#ifndef WEIR_RULES_AST_H
#define WEIR_RULES_AST_H
#include "base/arena.h"
#include "base/diag.h"
#include <stdbool.h>
#include <stdint.h>

enum { AST_DEPTH_MAX = 250 };

/* One word of the text. `kind` is a TOKEN_ of grammar.h. */
struct token {
    int kind;
    struct span at;
    const char *p;
    unsigned n;
};

struct ast_name {
    const char *text; /* NUL-terminated; NULL: not given */
    bool quoted;
    struct span at;
    struct ast_name *next;
};

enum ast_kind {
    AST_NULL,
    AST_BOOLEAN, /* `flag` */
    AST_NUMBER, /* `text` as written */
    AST_STRING, /* `text`, quotes undone */
    AST_TIMESTAMP, /* `text` */
    AST_INTERVAL, /* `text`, units in name and qualifier (TO) */
    AST_NAME, /* [qualifier.]name */
    AST_STAR, /* [qualifier.]* */
    AST_UNARY, /* op: - NOT */
    AST_BINARY, /* op; AND and OR: any number of arguments */
    AST_IS, /* op: NULL TRUE FALSE UNKNOWN DISTINCT; `negated` */
    AST_IN, /* first argument in the others; `negated` */
    AST_IN_LIST, /* argument in LIST name */
    AST_BETWEEN,
    AST_LIKE,
    AST_CASE, /* `flag`: with an operand first; then when, then, … ; else in `other` */
    AST_CAST, /* `flag`: TRY_CAST; `type` */
    AST_CALL, /* name(args) */
};

struct ast_type {
    struct ast_name name;
    unsigned nparams;
    struct token params[2];
    struct span at;
};

struct ast_bound {
    struct token word; /* UNBOUNDED, CURRENT, PRECEDING, FOLLOWING */
    struct ast_expr *n; /* PRECEDING */
};

struct ast_frame {
    struct token unit; /* ROWS, RANGE, or kind 0 */
    struct ast_bound from, to; /* to.word.kind 0: not written */
};

struct ast_over {
    struct span at; /* OVER (…) */
    struct ast_expr *partition, *order; /* lists */
    struct ast_frame frame;
};

struct ast_call {
    bool distinct;
    struct token modifier; /* RUNNING, FINAL, or kind 0 */
    struct ast_expr *filter;
    struct ast_over *over;
};

struct ast_expr {
    enum ast_kind kind;
    int op; /* a TOKEN_ */
    unsigned depth;
    bool negated, flag;
    bool descending; /* in ORDER BY */
    bool has_from; /* CALL: f(a FROM b [FOR c]) */
    struct span at; /* the whole */
    struct span op_at;
    const char *text;
    unsigned text_n;
    struct ast_name name, qualifier;
    unsigned nargs;
    struct ast_expr *args, *last_arg, *other;
    struct ast_type *type;
    struct ast_call *call;
    struct ast_expr *next;
};

/* A list while it is being built. */
struct ast_exprs {
    struct ast_expr *first, *last;
    unsigned n;
};

struct ast_names {
    struct ast_name *first, *last;
    unsigned n;
};

struct ast_item { /* of a SELECT list or of MEASURES */
    struct ast_expr *e;
    struct ast_name alias;
    struct ast_item *next;
};

struct ast_items {
    struct ast_item *first, *last;
};

struct ast_option {
    struct token name, value; /* both texts in quotes */
    struct ast_option *next;
};

struct ast_options {
    struct ast_option *first, *last;
};

enum ast_pattern_kind {
    AST_PATTERN_VAR,
    AST_PATTERN_SEQ,
    AST_PATTERN_ALT,
    AST_PATTERN_PERMUTE,
    AST_PATTERN_EXCLUDE,
    AST_PATTERN_EMPTY,
    AST_PATTERN_START,
    AST_PATTERN_END,
};

struct ast_quant {
    bool given, reluctant;
    int arrow; /* TOKEN_ARROW_LOOP, TOKEN_ARROW2_LOOP or 0: before the quantifier */
    int op; /* TOKEN_PLUS, STAR, QUESTION, LBRACE */
    struct token min, max; /* of {min,max}; kind 0: not written */
    bool exact; /* {n} */
    struct span at;
};

struct ast_pattern {
    enum ast_pattern_kind kind;
    unsigned depth;
    int follows; /* TOKEN_ARROW, TOKEN_ARROW2 or 0: how it follows the element before */
    bool negated, grouped; /* grouped: stood in parentheses */
    struct ast_name name;
    struct span at;
    struct ast_quant quant;
    struct ast_name until;
    struct ast_expr *within;
    unsigned nchildren;
    struct ast_pattern *children, *last_child;
    struct ast_pattern *next;
};

struct ast_suffix { /* UNTIL and WITHIN after an element, in any order */
    struct ast_name until;
    struct ast_expr *within;
    struct span twice;
    bool is_twice;
};

enum ast_skip {
    AST_SKIP_DEFAULT,
    AST_SKIP_NONE,
    AST_SKIP_NEXT,
    AST_SKIP_PAST,
    AST_SKIP_FIRST,
    AST_SKIP_LAST
};
enum ast_rows {
    AST_ROWS_DEFAULT,
    AST_ROWS_ONE,
    AST_ROWS_ALL,
    AST_ROWS_SHOW,
    AST_ROWS_OMIT,
    AST_ROWS_UNMATCHED
};

struct ast_skip_to {
    enum ast_skip kind;
    struct ast_name name;
};

struct ast_define {
    struct ast_name name;
    struct ast_expr *e;
    struct ast_define *next;
};

struct ast_subset {
    struct ast_name name;
    struct ast_name *members;
    struct ast_subset *next;
};

struct ast_defines {
    struct ast_define *first, *last;
};

struct ast_subsets {
    struct ast_subset *first, *last;
};

struct ast_match {
    struct span at; /* the word MATCH_RECOGNIZE */
    struct ast_expr *partition, *order;
    struct ast_item *measures;
    enum ast_rows rows;
    struct span rows_at;
    struct ast_skip_to skip;
    struct ast_pattern *pattern;
    struct span pattern_at;
    struct ast_expr *within;
    bool each_step;
    struct ast_subset *subsets;
    struct ast_define *defines;
};

enum ast_arg_kind { AST_ARG_EXPR, AST_ARG_TABLE, AST_ARG_DESCRIPTOR, AST_ARG_QUERY };

struct ast_arg { /* of a windowing function */
    enum ast_arg_kind kind;
    struct span at;
    struct ast_expr *e;
    struct ast_name name; /* of the stream or column */
    struct ast_name side; /* name.side */
    struct ast_select *query;
    struct ast_expr *partition; /* TABLE t PARTITION BY … */
    struct ast_arg *next;
};

struct ast_args {
    struct ast_arg *first, *last;
};

enum ast_join { AST_JOIN_NONE, AST_JOIN_INNER, AST_JOIN_LEFT, AST_JOIN_RIGHT, AST_JOIN_FULL };

struct ast_from {
    struct span at;
    struct ast_name name; /* a stream, list or rule */
    struct ast_name side; /* name.LATE and so on; text NULL: none */
    struct ast_select *query; /* or (SELECT …) */
    struct ast_name function; /* or TABLE(function(args)) */
    struct ast_arg *args;
    struct ast_name alias;
    struct ast_match *match;
    struct ast_name match_alias;
    enum ast_join join; /* how it joins what was before it */
    struct span join_at;
    struct ast_expr *as_of; /* FOR SYSTEM_TIME AS OF */
    struct ast_expr *on;
    struct ast_from *next;
};

struct ast_select {
    struct span at;
    struct ast_item *items;
    struct ast_from *from;
    struct ast_expr *where, *group, *having, *qualify;
    struct span group_at, qualify_at;
};

struct ast_column {
    struct ast_name name;
    struct ast_type *type;
    bool not_null, primary_key;
    struct token path;
    struct ast_expr *computed;
    /* WATERMARK FOR name AS e, or PUNCTUATED WHEN e */
    bool watermark, punctuated;
    struct ast_expr *mark;
    struct span at;
    struct ast_column *next;
};

struct ast_columns {
    struct ast_column *first, *last;
};

struct ast_emit {
    struct token what; /* LATE, TIMEOUTS, ERRORS, or kind 0: the results */
    struct ast_name to;
    struct ast_emit *next;
};

struct ast_emits {
    struct ast_emit *first, *last;
    struct span at; /* of EMIT */
};

enum ast_statement_kind {
    AST_STREAM = 1,
    AST_LIST,
    AST_SINK,
    AST_RULE,
    AST_SELECT, /* bare */
    AST_EXPLAIN,
    AST_INSERT,
    AST_TABLE,
};

struct ast_row { /* of VALUES */
    struct span at;
    struct ast_exprs values;
    struct ast_row *next;
};

struct ast_values {
    struct ast_row *first, *last;
};

struct ast_statement {
    enum ast_statement_kind kind;
    bool or_replace;
    struct span at;
    struct ast_name name;
    struct ast_column *columns; /* STREAM, LIST, TABLE */
    struct ast_option *options;
    struct ast_select *select; /* RULE, SELECT */
    struct ast_emit *emits;
    struct span emit_at;
    struct ast_row *rows; /* INSERT */
    struct token format; /* EXPLAIN: FORMAT x, or kind 0 */
};

/* What the grammar's actions are given. */
struct ast {
    struct arena *arena;
    struct diag *d;
    bool too_deep; /* said once for each statement */
    bool failed; /* the grammar does not know the token it was given */
    struct ast_statement *statement; /* the result */
    struct ast_statement *built; /* what it becomes once the statement is whole */
};

/* The constructors that grammar.y calls; see ast.c for what is not plain. All lists may be empty. */
struct ast_name ast_name(struct ast *a, struct token t);
struct ast_names ast_names(struct ast *a, struct ast_names l, struct token t);

struct ast_expr *ast_null(struct ast *a, struct token t);
struct ast_expr *ast_boolean(struct ast *a, struct token t, bool v);
struct ast_expr *ast_number(struct ast *a, struct token t);
struct ast_expr *ast_string(struct ast *a, struct token t);
struct ast_expr *ast_timestamp(struct ast *a, struct token word, struct token t);
struct ast_expr *ast_interval(struct ast *a, struct token word, struct token t, struct token from,
                              struct token to);
struct ast_expr *ast_column_ref(struct ast *a, struct token qualifier, struct token name);
struct ast_expr *ast_star(struct ast *a, struct token qualifier, struct token star);
struct ast_expr *ast_unary(struct ast *a, struct token op, struct ast_expr *e);
struct ast_expr *ast_binary(struct ast *a, struct token op, struct ast_expr *l, struct ast_expr *r);
struct ast_expr *ast_is(struct ast *a, struct ast_expr *e, int op, bool negated,
                        struct ast_expr *other, struct token last);
struct ast_expr *ast_in(struct ast *a, struct ast_expr *e, bool negated, struct ast_exprs l,
                        struct token last);
struct ast_expr *ast_in_list(struct ast *a, struct ast_expr *e, bool negated, struct token name);
struct ast_expr *ast_between(struct ast *a, struct ast_expr *e, bool negated, struct ast_expr *lo,
                             struct ast_expr *hi);
struct ast_expr *ast_like(struct ast *a, struct ast_expr *e, bool negated, struct ast_expr *p,
                          struct ast_expr *escape);
struct ast_expr *ast_case(struct ast *a, struct token word, struct ast_expr *operand,
                          struct ast_exprs whens, struct ast_expr *other, struct token end);
struct ast_expr *ast_cast(struct ast *a, struct token word, struct ast_expr *e, struct ast_type *t,
                          bool is_try, struct token end);
struct ast_expr *ast_call(struct ast *a, struct token name, bool distinct, struct ast_exprs args,
                          struct token end);
struct ast_expr *ast_extract(struct ast *a, struct token word, struct token field,
                             struct ast_expr *e, struct token end);
struct ast_expr *ast_call_from(struct ast *a, struct token name, struct ast_exprs args,
                               struct token end);
/* ast_call.c */
struct ast_expr *ast_call_to(struct ast *a, struct token name, struct ast_expr *x,
                             struct token unit, struct token end);
struct ast_expr *ast_call_regexp(struct ast *a, struct ast_expr *x, struct token op, bool negated,
                                 struct ast_expr *pattern);
struct ast_expr *ast_call_zone(struct ast *a, struct ast_expr *x, struct token at,
                               struct ast_expr *zone);
struct ast_expr *ast_call_trim(struct ast *a, struct token name, struct token where,
                               struct ast_expr *set, struct ast_expr *s, struct token end);
struct ast_expr *ast_call_in(struct ast *a, struct token name, struct ast_expr *part,
                             struct ast_expr *s, struct token end);
struct ast_expr *ast_modified(struct ast *a, struct token modifier, struct ast_expr *call);
struct ast_expr *ast_filtered(struct ast *a, struct ast_expr *call, struct ast_expr *filter);
struct ast_expr *ast_over(struct ast *a, struct ast_expr *call, struct token word,
                          struct ast_exprs partition, struct ast_exprs order,
                          struct ast_frame frame);
struct ast_expr *ast_parens(struct ast_expr *e, struct token l, struct token r);
struct ast_exprs ast_exprs(struct ast *a, struct ast_exprs l, struct ast_expr *e);
struct ast_exprs ast_order(struct ast *a, struct ast_exprs l, struct ast_expr *e, bool descending);
struct ast_type *ast_type(struct ast *a, struct token name, struct token p1, struct token p2);

struct ast_items ast_items(struct ast *a, struct ast_items l, struct ast_expr *e,
                           struct token alias);
struct ast_options ast_options(struct ast *a, struct ast_options l, struct token name,
                               struct token value);

struct ast_pattern *ast_pattern(struct ast *a, enum ast_pattern_kind kind, struct token t);
struct ast_pattern *ast_pattern_not(struct ast *a, struct token bang, struct token t);
struct ast_pattern *ast_pattern_group(struct ast *a, struct token l, struct ast_pattern *p,
                                      struct token r);
struct ast_pattern *ast_pattern_wrap(struct ast *a, enum ast_pattern_kind kind, struct token l,
                                     struct ast_pattern *p, struct token r);
/* Add `p` to the sequence or alternation `l`, which becomes one when it is not. */
struct ast_pattern *ast_pattern_add(struct ast *a, enum ast_pattern_kind kind,
                                    struct ast_pattern *l, int follows, struct ast_pattern *p);
struct ast_quant ast_pattern_quant(struct token arrow, struct token op, bool reluctant);
struct ast_quant ast_pattern_braces(struct token l, struct token min, bool exact, struct token max,
                                    struct token r);
struct ast_quant ast_pattern_quant_with(struct ast_quant q, struct token arrow, bool reluctant);
struct ast_suffix ast_pattern_until(struct ast *a, struct ast_suffix s, struct token word,
                                    struct token name);
struct ast_suffix ast_pattern_within(struct ast_suffix s, struct token word, struct ast_expr *e);
struct ast_pattern *ast_pattern_suffix(struct ast *a, struct ast_pattern *p, struct ast_quant q,
                                       struct ast_suffix s);

struct ast_subsets ast_subsets(struct ast *a, struct ast_subsets l, struct token name,
                               struct ast_names members);
struct ast_defines ast_defines(struct ast *a, struct ast_defines l, struct token name,
                               struct ast_expr *e);
struct ast_skip_to ast_skip_to(struct ast *a, enum ast_skip kind, struct token name);
struct ast_match *ast_match(struct ast *a);

struct ast_args ast_args(struct ast *a, struct ast_args l, struct ast_arg arg);
struct ast_arg ast_arg_expr(struct ast_expr *e);
struct ast_arg ast_arg_table(struct ast *a, struct token word, struct token name,
                             struct ast_exprs partition);
struct ast_arg ast_arg_descriptor(struct ast *a, struct token word, struct token name);
struct ast_arg ast_arg_side(struct ast_arg table, struct ast_name side);
struct ast_arg ast_arg_query(struct token l, struct ast_select *q, struct ast_exprs partition);

struct ast_from *ast_from_name(struct ast *a, struct token name, struct token alias);
struct ast_from *ast_from_side(struct ast *a, struct token name, struct token side,
                               struct token alias);
struct ast_from *ast_from_query(struct ast *a, struct token l, struct ast_select *q,
                                struct token alias);
struct ast_from *ast_from_window(struct ast *a, struct token function, struct ast_args args,
                                 struct token alias);
struct ast_from *ast_from_match(struct ast *a, struct ast_from *f, struct ast_match *m,
                                struct token alias);
struct ast_from *ast_from_join(struct ast_from *l, enum ast_join kind, struct token word,
                               struct ast_from *r, struct ast_expr *on);
struct ast_select *ast_select(struct ast *a, struct token word, struct ast_items items,
                              struct ast_from *from);

struct ast_columns ast_columns(struct ast *a, struct ast_columns l, struct ast_column c);
struct ast_column ast_column(struct ast *a, struct token name, struct ast_type *type);
struct ast_column ast_column_computed(struct ast *a, struct token name, struct ast_expr *e);
struct ast_column ast_column_watermark(struct ast *a, struct token word, struct token name,
                                       bool punctuated, struct ast_expr *e);

struct ast_values ast_values(struct ast *a, struct ast_values l, struct token open,
                             struct ast_exprs values, struct token close);
struct ast_emits ast_emits(struct ast *a, struct ast_emits l, struct token what, struct token to);
struct ast_statement *ast_statement(struct ast *a, enum ast_statement_kind kind, struct token first,
                                    struct token name);

/* Text without its quotes, doubled ones undone, in the arena. */
const char *ast_unquote(struct ast *a, struct token t, unsigned *n);
/* From the beginning of a to the end of b. */
struct span ast_span(struct span a, struct span b);

#endif
