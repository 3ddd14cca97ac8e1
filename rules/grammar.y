/* SPDX-License-Identifier: Apache-2.0 */
/* grammar.y - one statement of the rule language, without its `;`: parse.c cuts the script into statements.
 *
 * Each action is one call of a constructor in ast.c. docs/language.md has the same grammar as EBNF. What this grammar
 * knows and no operator does yet is refused later, at its place, by a sentence that says so. */
%name grammar_
%token_prefix TOKEN_
%token_type {struct token}
%default_type {struct token}
%extra_context {struct ast *a}
%stack_size 1000
%include {
#include "rules/ast.h"
#include "rules/grammar_tables.h"
#include <assert.h>
#include <stddef.h>
/* One error for each statement is enough: parse.c gives up on it and goes on after its `;`. */
#define YYNOERRORRECOVERY 1
static const struct token none;
static const struct ast_exprs no_exprs;
}
%stack_overflow { a->too_deep = true; }

%left OR.
%left AND.
%right NOT.
%left IS LIKE REGEXP BETWEEN IN EQ NE LT LE GT GE.
%right ESCAPE.
%left PLUS MINUS CONCAT.
%left STAR SLASH PERCENT.
%right UMINUS.
%left AT.
%left TO.

/* Words that are names where the grammar does not wait for them as words. Not those that may follow an optional alias
 * (LEFT, EMIT): there the table's default would take them for the alias. */
%fallback ID
    AFTER ASC AT CURRENT DESC DESCRIPTOR EACH EMPTY ERRORS ESCAPE EXPLAIN EXTRACT FILTER FINAL FIRST FOLLOWING
    FORMAT INSERT INTERVAL INTO KEY LAST LATE LIST MATCH MATCHES NEXT NO OF OMIT ONE PAST PER PERMUTE PRECEDING PRIMARY
    PUNCTUATED RANGE REGEXP REPLACE ROW ROWS RULE RUNNING SHOW SINK SKIP STEP STREAM SYSTEM_TIME TIME TIMEOUTS TIMESTAMP TO
    UNBOUNDED UNKNOWN UNMATCHED UNTIL VALUES WATERMARK ZONE.

script ::= statement. { a->statement = a->built; }
script ::= .

// --- statements ---------------------------------------------------------------------------------------------------
statement ::= create(C) STREAM ID(N) LP columns(L) RP with(W). {
    struct ast_statement *s = ast_statement(a, AST_STREAM, C, N);
    s->columns = L.first;
    s->options = W.first;
}
statement ::= create(C) LIST ID(N) LP columns(L) RP with(W). {
    struct ast_statement *s = ast_statement(a, AST_LIST, C, N);
    s->columns = L.first;
    s->options = W.first;
}
statement ::= create(C) TABLE ID(N) LP columns(L) RP with(W). {
    struct ast_statement *s = ast_statement(a, AST_TABLE, C, N);
    s->columns = L.first;
    s->options = W.first;
}
statement ::= INSERT(C) INTO ID(N) VALUES values(R). {
    struct ast_statement *s = ast_statement(a, AST_INSERT, C, N);
    s->rows = R.first;
}
statement ::= create(C) SINK ID(N) with(W). {
    struct ast_statement *s = ast_statement(a, AST_SINK, C, N);
    s->options = W.first;
}
statement ::= create(C) RULE ID(N) with(W) AS select(S) emit(E). {
    struct ast_statement *s = ast_statement(a, AST_RULE, C, N);
    s->options = W.first;
    s->select = S;
    s->emits = E.first;
    s->emit_at = E.at;
}
statement ::= select(S). {
    struct ast_statement *s = ast_statement(a, AST_SELECT, none, none);
    s->select = S;
    s->at = S->at;
}
statement ::= EXPLAIN(C) RULE ID(N) format(F). {
    struct ast_statement *s = ast_statement(a, AST_EXPLAIN, C, N);
    s->format = F;
}
create(A) ::= CREATE(A).
create(A) ::= CREATE(A) OR REPLACE. { A.n = 0; /* ast_statement reads this as OR REPLACE */ }
format(A) ::= . { A = none; }
format(A) ::= LP FORMAT ID(F) RP. { A = F; }

%type values {struct ast_values}
values(A) ::= LP(P) exprs(L) RP(R). { A = ast_values(a, (struct ast_values){0}, P, L, R); }
values(A) ::= values(B) COMMA LP(P) exprs(L) RP(R). { A = ast_values(a, B, P, L, R); }

%type with {struct ast_options}
%type options {struct ast_options}
with(A) ::= . { A = (struct ast_options){0}; }
with(A) ::= WITH LP options(L) RP. { A = L; }
options(A) ::= STRING(N) EQ STRING(V). { A = ast_options(a, (struct ast_options){0}, N, V); }
options(A) ::= options(L) COMMA STRING(N) EQ STRING(V). { A = ast_options(a, L, N, V); }

%type emit {struct ast_emits}
%type emits {struct ast_emits}
emit(A) ::= . { A = (struct ast_emits){0}; }
emit(A) ::= EMIT(W) emits(L). {
    A = L;
    A.at = W.at;
}
emits(A) ::= emit_what(W) TO ID(N). { A = ast_emits(a, (struct ast_emits){0}, W, N); }
emits(A) ::= emits(L) COMMA emit_what(W) TO ID(N). { A = ast_emits(a, L, W, N); }
emit_what(A) ::= . { A = none; }
emit_what(A) ::= LATE|TIMEOUTS|ERRORS(W). { A = W; }

// --- columns of a stream, list or table ------------------------------------------------------------------------------------
%type columns {struct ast_columns}
%type column {struct ast_column}
columns(A) ::= column(C). { A = ast_columns(a, (struct ast_columns){0}, C); }
columns(A) ::= columns(L) COMMA column(C). { A = ast_columns(a, L, C); }
%type typed {struct ast_column}
column(A) ::= typed(A).
typed(A) ::= ID(N) type(T). { A = ast_column(a, N, T); }
typed(A) ::= typed(A) NOT NULL. { A.not_null = true; }
typed(A) ::= typed(A) PRIMARY KEY. { A.primary_key = true; }
typed(A) ::= typed(A) FROM STRING(P). { A.path = P; }
column(A) ::= ID(N) AS expr(E). { A = ast_column_computed(a, N, E); }
column(A) ::= WATERMARK(W) FOR ID(N) AS expr(E). { A = ast_column_watermark(a, W, N, false, E); }
column(A) ::= WATERMARK(W) FOR ID(N) AS PUNCTUATED WHEN expr(E). { A = ast_column_watermark(a, W, N, true, E); }
column(A) ::= WATERMARK(W) FOR ID(N) PUNCTUATED WHEN expr(E). { A = ast_column_watermark(a, W, N, true, E); }

%type type {struct ast_type *}
type(A) ::= ID(N). { A = ast_type(a, N, none, none); }
type(A) ::= ID(N) LP INTEGER(P) RP. { A = ast_type(a, N, P, none); }
type(A) ::= ID(N) LP INTEGER(P) COMMA INTEGER(S) RP. { A = ast_type(a, N, P, S); }

// --- select ---------------------------------------------------------------------------------------------------------
%type select {struct ast_select *}
%type items {struct ast_items}
%type from {struct ast_from *}
%type table {struct ast_from *}
%type where {struct ast_expr *}
%type group {struct ast_exprs}
%type having {struct ast_expr *}
%type qualify {struct ast_expr *}
select(A) ::= SELECT(W) items(L) FROM from(F) where(C) group(G) having(H) qualify(Q). {
    A = ast_select(a, W, L, F);
    A->where = C;
    A->group = G.first;
    A->having = H;
    A->qualify = Q;
}
items(A) ::= expr(E) alias(N). { A = ast_items(a, (struct ast_items){0}, E, N); }
items(A) ::= STAR(S). { A = ast_items(a, (struct ast_items){0}, ast_star(a, none, S), none); }
items(A) ::= ID(Q) DOT STAR(S). { A = ast_items(a, (struct ast_items){0}, ast_star(a, Q, S), none); }
items(A) ::= items(L) COMMA expr(E) alias(N). { A = ast_items(a, L, E, N); }
items(A) ::= items(L) COMMA STAR(S). { A = ast_items(a, L, ast_star(a, none, S), none); }
items(A) ::= items(L) COMMA ID(Q) DOT STAR(S). { A = ast_items(a, L, ast_star(a, Q, S), none); }
alias(A) ::= . { A = none; }
alias(A) ::= ID(N). { A = N; }
alias(A) ::= AS ID(N). { A = N; }
where(A) ::= . { A = NULL; }
where(A) ::= WHERE expr(E). { A = E; }
group(A) ::= . { A = no_exprs; }
group(A) ::= GROUP BY exprs(L). { A = L; }
having(A) ::= . { A = NULL; }
having(A) ::= HAVING expr(E). { A = E; }
qualify(A) ::= . { A = NULL; }
qualify(A) ::= QUALIFY expr(E). { A = E; }

from(A) ::= table(A).
from(A) ::= from(L) join_kind(K) JOIN(W) table(R) ON expr(E). {
    A = ast_from_join(L, (enum ast_join)K.kind, K.n > 0 ? K : W, R, E);
}
join_kind(A) ::= . { A = none; A.kind = AST_JOIN_INNER; }
join_kind(A) ::= INNER(T). { A = T; A.kind = AST_JOIN_INNER; }
join_kind(A) ::= LEFT(T) outer. { A = T; A.kind = AST_JOIN_LEFT; }
join_kind(A) ::= RIGHT(T) outer. { A = T; A.kind = AST_JOIN_RIGHT; }
join_kind(A) ::= FULL(T) outer. { A = T; A.kind = AST_JOIN_FULL; }
outer ::= .
outer ::= OUTER.
table(A) ::= ID(N) alias(S). { A = ast_from_name(a, N, S); }
table(A) ::= ID(N) DOT ID(O) alias(S). { A = ast_from_side(a, N, O, S); }
table(A) ::= ID(N) FOR SYSTEM_TIME AS OF expr(T) alias(S). {
    A = ast_from_name(a, N, S);
    A->as_of = T;
}
table(A) ::= LP(L) select(Q) RP alias(S). { A = ast_from_query(a, L, Q, S); }
table(A) ::= TABLE LP ID(F) LP args(L) RP RP alias(S). { A = ast_from_window(a, F, L, S); }
table(A) ::= ID(N) alias(S) match(M) alias(T). { A = ast_from_match(a, ast_from_name(a, N, S), M, T); }
table(A) ::= ID(N) DOT ID(O) alias(S) match(M) alias(T). { A = ast_from_match(a, ast_from_side(a, N, O, S), M, T); }
table(A) ::= LP(L) select(Q) RP alias(S) match(M) alias(T). { A = ast_from_match(a, ast_from_query(a, L, Q, S), M, T); }

%type args {struct ast_args}
%type arg {struct ast_arg}
args(A) ::= arg(E). { A = ast_args(a, (struct ast_args){0}, E); }
args(A) ::= args(L) COMMA arg(E). { A = ast_args(a, L, E); }
arg(A) ::= expr(E). { A = ast_arg_expr(E); }
arg(A) ::= TABLE(W) ID(N) table_keys(P). { A = ast_arg_table(a, W, N, P); }
arg(A) ::= TABLE(W) ID(N) DOT ID(O) table_keys(P). { A = ast_arg_side(ast_arg_table(a, W, N, P), ast_name(a, O)); }
arg(A) ::= LP(L) select(Q) RP table_keys(P). { A = ast_arg_query(L, Q, P); }
arg(A) ::= DESCRIPTOR(W) LP ID(N) RP. { A = ast_arg_descriptor(a, W, N); }
%type table_keys {struct ast_exprs}
table_keys(A) ::= . { A = no_exprs; }
table_keys(A) ::= PARTITION BY ID(N). { A = ast_exprs(a, no_exprs, ast_column_ref(a, none, N)); }
table_keys(A) ::= PARTITION BY LP exprs(L) RP. { A = L; }
%type partition {struct ast_exprs}
partition(A) ::= . { A = no_exprs; }
partition(A) ::= PARTITION BY exprs(L). { A = L; }
%type order {struct ast_exprs}
%type order_items {struct ast_exprs}
order(A) ::= . { A = no_exprs; }
order(A) ::= ORDER BY order_items(L). { A = L; }
order_items(A) ::= expr(E) direction(D). { A = ast_order(a, no_exprs, E, D); }
order_items(A) ::= order_items(L) COMMA expr(E) direction(D). { A = ast_order(a, L, E, D); }
%type direction {int}
direction(A) ::= . { A = 0; }
direction(A) ::= ASC. { A = 0; }
direction(A) ::= DESC. { A = 1; }

// --- match_recognize ------------------------------------------------------------------------------------------------
%type match {struct ast_match *}
%type measures {struct ast_items}
%type measure_items {struct ast_items}
%type rows {int}
%type skip {struct ast_skip_to}
%type pattern {struct ast_pattern *}
%type within {struct ast_match *}
%type subsets {struct ast_subsets}
%type subset_items {struct ast_subsets}
%type defines {struct ast_defines}
%type define_items {struct ast_defines}
%type names {struct ast_names}
match(A) ::= MATCH_RECOGNIZE(W) LP partition(P) order(O) measures(M) rows(R) skip(S)
             PATTERN(T) LP pattern(X) RP within(I) subsets(U) defines(D) RP. {
    A = I;
    A->at = W.at;
    A->partition = P.first;
    A->order = O.first;
    A->measures = M.first;
    A->rows = (enum ast_rows)R;
    A->skip = S;
    A->pattern = X;
    A->pattern_at = T.at;
    A->subsets = U.first;
    A->defines = D.first;
}
measures(A) ::= . { A = (struct ast_items){0}; }
measures(A) ::= MEASURES measure_items(L). { A = L; }
measure_items(A) ::= expr(E) AS ID(N). { A = ast_items(a, (struct ast_items){0}, E, N); }
measure_items(A) ::= measure_items(L) COMMA expr(E) AS ID(N). { A = ast_items(a, L, E, N); }
rows(A) ::= . { A = AST_ROWS_DEFAULT; }
rows(A) ::= ONE ROW PER MATCH. { A = AST_ROWS_ONE; }
rows(A) ::= ALL ROWS PER MATCH. { A = AST_ROWS_ALL; }
rows(A) ::= ALL ROWS PER MATCH SHOW EMPTY matches. { A = AST_ROWS_SHOW; }
rows(A) ::= ALL ROWS PER MATCH OMIT EMPTY matches. { A = AST_ROWS_OMIT; }
rows(A) ::= ALL ROWS PER MATCH WITH UNMATCHED ROWS. { A = AST_ROWS_UNMATCHED; }
matches ::= .
matches ::= MATCHES.
skip(A) ::= . { A = (struct ast_skip_to){0}; }
skip(A) ::= AFTER MATCH NO SKIP. { A = ast_skip_to(a, AST_SKIP_NONE, none); }
skip(A) ::= AFTER MATCH SKIP TO NEXT ROW. { A = ast_skip_to(a, AST_SKIP_NEXT, none); }
skip(A) ::= AFTER MATCH SKIP PAST LAST ROW. { A = ast_skip_to(a, AST_SKIP_PAST, none); }
skip(A) ::= AFTER MATCH SKIP TO FIRST ID(N). { A = ast_skip_to(a, AST_SKIP_FIRST, N); }
skip(A) ::= AFTER MATCH SKIP TO LAST ID(N). { A = ast_skip_to(a, AST_SKIP_LAST, N); }
skip(A) ::= AFTER MATCH SKIP TO ID(N). { A = ast_skip_to(a, AST_SKIP_LAST, N); }
within(A) ::= . { A = ast_match(a); }
within(A) ::= WITHIN interval(E). { A = ast_match(a); A->within = E; }
within(A) ::= WITHIN interval(E) EACH STEP. { A = ast_match(a); A->within = E; A->each_step = true; }
subsets(A) ::= . { A = (struct ast_subsets){0}; }
subsets(A) ::= SUBSET subset_items(L). { A = L; }
subset_items(A) ::= ID(N) EQ LP names(L) RP. { A = ast_subsets(a, (struct ast_subsets){0}, N, L); }
subset_items(A) ::= subset_items(L) COMMA ID(N) EQ LP names(M) RP. { A = ast_subsets(a, L, N, M); }
names(A) ::= ID(N). { A = ast_names(a, (struct ast_names){0}, N); }
names(A) ::= names(L) COMMA ID(N). { A = ast_names(a, L, N); }
defines(A) ::= . { A = (struct ast_defines){0}; }
defines(A) ::= DEFINE define_items(L). { A = L; }
define_items(A) ::= ID(N) AS expr(E). { A = ast_defines(a, (struct ast_defines){0}, N, E); }
define_items(A) ::= define_items(L) COMMA ID(N) AS expr(E). { A = ast_defines(a, L, N, E); }

// --- patterns -------------------------------------------------------------------------------------------------------
%type sequence {struct ast_pattern *}
%type element {struct ast_pattern *}
%type primary {struct ast_pattern *}
%type permuted {struct ast_pattern *}
%type quant {struct ast_quant}
%type quant_core {struct ast_quant}
%type suffixes {struct ast_suffix}
pattern(A) ::= sequence(A).
pattern(A) ::= pattern(L) BAR sequence(P). { A = ast_pattern_add(a, AST_PATTERN_ALT, L, 0, P); }
sequence(A) ::= element(A).
sequence(A) ::= sequence(L) element(P). { A = ast_pattern_add(a, AST_PATTERN_SEQ, L, 0, P); }
sequence(A) ::= sequence(L) ARROW|ARROW2(W) element(P). { A = ast_pattern_add(a, AST_PATTERN_SEQ, L, W.kind, P); }
element(A) ::= primary(P) suffixes(S). { A = ast_pattern_suffix(a, P, (struct ast_quant){0}, S); }
element(A) ::= primary(P) quant(Q) suffixes(S). { A = ast_pattern_suffix(a, P, Q, S); }
primary(A) ::= ID(N). { A = ast_pattern(a, AST_PATTERN_VAR, N); }
primary(A) ::= BANG(B) ID(N). { A = ast_pattern_not(a, B, N); }
primary(A) ::= CARET(T). { A = ast_pattern(a, AST_PATTERN_START, T); }
primary(A) ::= DOLLAR(T). { A = ast_pattern(a, AST_PATTERN_END, T); }
primary(A) ::= LP(L) RP(R). { A = ast_pattern_wrap(a, AST_PATTERN_EMPTY, L, NULL, R); }
primary(A) ::= LP(L) pattern(P) RP(R). { A = ast_pattern_group(a, L, P, R); }
primary(A) ::= LEXCLUDE(L) pattern(P) REXCLUDE(R). { A = ast_pattern_wrap(a, AST_PATTERN_EXCLUDE, L, P, R); }
primary(A) ::= PERMUTE(W) LP permuted(P) RP(R). { A = ast_pattern_wrap(a, AST_PATTERN_PERMUTE, W, P, R); }
permuted(A) ::= pattern(P). { A = ast_pattern_add(a, AST_PATTERN_PERMUTE, NULL, 0, P); }
permuted(A) ::= permuted(L) COMMA pattern(P). { A = ast_pattern_add(a, AST_PATTERN_PERMUTE, L, 0, P); }

quant(A) ::= quant_core(Q). { A = ast_pattern_quant_with(Q, none, false); }
quant(A) ::= quant_core(Q) QUESTION. { A = ast_pattern_quant_with(Q, none, true); }
quant(A) ::= ARROW_LOOP|ARROW2_LOOP(W) quant_core(Q). { A = ast_pattern_quant_with(Q, W, false); }
quant(A) ::= ARROW_LOOP|ARROW2_LOOP(W) quant_core(Q) QUESTION. { A = ast_pattern_quant_with(Q, W, true); }
quant_core(A) ::= PLUS|STAR|QUESTION(T). { A = ast_pattern_quant(none, T, false); }
quant_core(A) ::= LBRACE(L) INTEGER(M) RBRACE(R). { A = ast_pattern_braces(L, M, true, M, R); }
quant_core(A) ::= LBRACE(L) INTEGER(M) COMMA RBRACE(R). { A = ast_pattern_braces(L, M, false, none, R); }
quant_core(A) ::= LBRACE(L) COMMA INTEGER(N) RBRACE(R). { A = ast_pattern_braces(L, none, false, N, R); }
quant_core(A) ::= LBRACE(L) COMMA RBRACE(R). { A = ast_pattern_braces(L, none, false, none, R); }
quant_core(A) ::= LBRACE(L) INTEGER(M) COMMA INTEGER(N) RBRACE(R). { A = ast_pattern_braces(L, M, false, N, R); }
suffixes(A) ::= . { A = (struct ast_suffix){0}; }
suffixes(A) ::= suffixes(S) UNTIL(W) ID(N). { A = ast_pattern_until(a, S, W, N); }
suffixes(A) ::= suffixes(S) WITHIN(W) interval(E). { A = ast_pattern_within(S, W, E); }

// --- expressions ----------------------------------------------------------------------------------------------------
%type expr {struct ast_expr *}
%type call {struct ast_expr *}
%type interval {struct ast_expr *}
%type exprs {struct ast_exprs}
%type call_args {struct ast_exprs}
%type call_arg {struct ast_expr *}
%type whens {struct ast_exprs}
%type not {int}
%type otherwise {struct ast_expr *}
%type escape {struct ast_expr *}
exprs(A) ::= expr(E). { A = ast_exprs(a, no_exprs, E); }
exprs(A) ::= exprs(L) COMMA expr(E). { A = ast_exprs(a, L, E); }

expr(A) ::= NULL(T). { A = ast_null(a, T); }
expr(A) ::= TRUE(T). { A = ast_boolean(a, T, true); }
expr(A) ::= FALSE(T). { A = ast_boolean(a, T, false); }
expr(A) ::= INTEGER|NUMBER(T). { A = ast_number(a, T); }
expr(A) ::= STRING(T). { A = ast_string(a, T); }
expr(A) ::= TIMESTAMP(W) STRING(T). { A = ast_timestamp(a, W, T); }
expr(A) ::= interval(A).
interval(A) ::= INTERVAL(W) STRING(T) ID(U). [AT] { A = ast_interval(a, W, T, U, none); }
interval(A) ::= INTERVAL(W) STRING(T) ID(U) TO ID(V). { A = ast_interval(a, W, T, U, V); }
expr(A) ::= ID(N). { A = ast_column_ref(a, none, N); }
expr(A) ::= ID(Q) DOT ID(N). { A = ast_column_ref(a, Q, N); }
expr(A) ::= LP(L) expr(E) RP(R). { A = ast_parens(E, L, R); }
expr(A) ::= MINUS|PLUS(T) expr(E). [UMINUS] { A = ast_unary(a, T, E); }
expr(A) ::= NOT(T) expr(E). { A = ast_unary(a, T, E); }
expr(A) ::= expr(L) OR(T) expr(R). { A = ast_binary(a, T, L, R); }
expr(A) ::= expr(L) AND(T) expr(R). { A = ast_binary(a, T, L, R); }
expr(A) ::= expr(L) EQ|NE|LT|LE|GT|GE(T) expr(R). { A = ast_binary(a, T, L, R); }
expr(A) ::= expr(L) PLUS|MINUS|CONCAT(T) expr(R). { A = ast_binary(a, T, L, R); }
expr(A) ::= expr(L) STAR|SLASH|PERCENT(T) expr(R). { A = ast_binary(a, T, L, R); }
expr(A) ::= expr(E) IS not(N) NULL|TRUE|FALSE|UNKNOWN(T). [IS] { A = ast_is(a, E, T.kind, N, NULL, T); }
expr(A) ::= expr(E) IS not(N) DISTINCT(T) FROM expr(R). [IS] { A = ast_is(a, E, T.kind, N, R, T); }
expr(A) ::= expr(E) IN LP exprs(L) RP(T). [IN] { A = ast_in(a, E, false, L, T); }
expr(A) ::= expr(E) NOT IN LP exprs(L) RP(T). [IN] { A = ast_in(a, E, true, L, T); }
expr(A) ::= expr(E) IN LIST ID(N). [IN] { A = ast_in_list(a, E, false, N); }
expr(A) ::= expr(E) NOT IN LIST ID(N). [IN] { A = ast_in_list(a, E, true, N); }
expr(A) ::= expr(E) BETWEEN expr(L) AND expr(H). [BETWEEN] { A = ast_between(a, E, false, L, H); }
expr(A) ::= expr(E) NOT BETWEEN expr(L) AND expr(H). [BETWEEN] { A = ast_between(a, E, true, L, H); }
expr(A) ::= expr(E) LIKE expr(P) escape(X). [LIKE] { A = ast_like(a, E, false, P, X); }
expr(A) ::= expr(E) NOT LIKE expr(P) escape(X). [LIKE] { A = ast_like(a, E, true, P, X); }
expr(A) ::= expr(E) REGEXP(T) expr(P). { A = ast_call_regexp(a, E, T, false, P); }
expr(A) ::= expr(E) NOT REGEXP(T) expr(P). [REGEXP] { A = ast_call_regexp(a, E, T, true, P); }
expr(A) ::= expr(E) AT(T) TIME ZONE expr(Z). [AT] { A = ast_call_zone(a, E, T, Z); }
escape(A) ::= . [LIKE] { A = NULL; }
escape(A) ::= ESCAPE expr(E). [ESCAPE] { A = E; }
not(A) ::= . { A = 0; }
not(A) ::= NOT. { A = 1; }
expr(A) ::= CASE(W) whens(L) otherwise(O) END(T). { A = ast_case(a, W, NULL, L, O, T); }
expr(A) ::= CASE(W) expr(E) whens(L) otherwise(O) END(T). { A = ast_case(a, W, E, L, O, T); }
whens(A) ::= WHEN expr(C) THEN expr(E). { A = ast_exprs(a, ast_exprs(a, no_exprs, C), E); }
whens(A) ::= whens(L) WHEN expr(C) THEN expr(E). { A = ast_exprs(a, ast_exprs(a, L, C), E); }
otherwise(A) ::= . { A = NULL; }
otherwise(A) ::= ELSE expr(E). { A = E; }
expr(A) ::= CAST(W) LP expr(E) AS type(T) RP(R). { A = ast_cast(a, W, E, T, false, R); }
expr(A) ::= TRY_CAST(W) LP expr(E) AS type(T) RP(R). { A = ast_cast(a, W, E, T, true, R); }
expr(A) ::= EXTRACT(W) LP ID(F) FROM expr(E) RP(R). { A = ast_extract(a, W, F, E, R); }
expr(A) ::= call(A).
expr(A) ::= call(C) FILTER LP WHERE expr(E) RP. { A = ast_filtered(a, C, E); }
expr(A) ::= call(C) OVER(W) LP partition(P) order(O) frame(F) RP. { A = ast_over(a, C, W, P, O, F); }
expr(A) ::= call(C) FILTER LP WHERE expr(E) RP OVER(W) LP partition(P) order(O) frame(F) RP. {
    A = ast_over(a, ast_filtered(a, C, E), W, P, O, F);
}
call(A) ::= ID(N) LP RP(R). { A = ast_call(a, N, false, no_exprs, R); }
call(A) ::= ID(N) LP call_args(L) RP(R). { A = ast_call(a, N, false, L, R); }
call(A) ::= ID(N) LP DISTINCT call_args(L) RP(R). { A = ast_call(a, N, true, L, R); }
call(A) ::= ID(N) LP expr(E) FROM expr(F) RP(R). {
    A = ast_call_from(a, N, ast_exprs(a, ast_exprs(a, no_exprs, E), F), R);
}
call(A) ::= ID(N) LP expr(E) FROM expr(F) FOR expr(G) RP(R). {
    A = ast_call_from(a, N, ast_exprs(a, ast_exprs(a, ast_exprs(a, no_exprs, E), F), G), R);
}
call(A) ::= ID(N) LP ID(W) STRING(S) FROM expr(E) RP(R). { A = ast_call_trim(a, N, W, ast_string(a, S), E, R); }
call(A) ::= ID(N) LP expr(E) TO ID(U) RP(R). { A = ast_call_to(a, N, E, U, R); }
call(A) ::= ID(N) LP expr(P) IN ID(C) RP(R). { A = ast_call_in(a, N, P, ast_column_ref(a, none, C), R); }
call(A) ::= ID(N) LP expr(P) IN ID(Q) DOT ID(C) RP(R). { A = ast_call_in(a, N, P, ast_column_ref(a, Q, C), R); }
call(A) ::= ID(N) LP expr(P) IN STRING(S) RP(R). { A = ast_call_in(a, N, P, ast_string(a, S), R); }
call(A) ::= LEFT|RIGHT(N) LP call_args(L) RP(R). { A = ast_call(a, N, false, L, R); }
call(A) ::= FINAL|RUNNING(M) call(C). { A = ast_modified(a, M, C); }
call_args(A) ::= call_arg(E). { A = ast_exprs(a, no_exprs, E); }
call_args(A) ::= call_args(L) COMMA call_arg(E). { A = ast_exprs(a, L, E); }
call_arg(A) ::= expr(A).
call_arg(A) ::= STAR(S). { A = ast_star(a, none, S); }
call_arg(A) ::= ID(Q) DOT STAR(S). { A = ast_star(a, Q, S); }

// The frame of OVER: FOLLOWING is kept, to be refused at its place.
%type frame {struct ast_frame}
%type bound {struct ast_bound}
frame(A) ::= . { A = (struct ast_frame){0}; }
frame(A) ::= ROWS|RANGE(U) bound(B). { A = (struct ast_frame){.unit = U, .from = B}; }
frame(A) ::= ROWS|RANGE(U) BETWEEN bound(B) AND bound(C). { A = (struct ast_frame){U, B, C}; }
bound(A) ::= UNBOUNDED(W) PRECEDING. { A = (struct ast_bound){.word = W}; }
bound(A) ::= CURRENT(W) ROW. { A = (struct ast_bound){.word = W}; }
bound(A) ::= expr(E) PRECEDING(W). { A = (struct ast_bound){W, E}; }
bound(A) ::= expr FOLLOWING(W). { A = (struct ast_bound){.word = W}; }
bound(A) ::= UNBOUNDED FOLLOWING(W). { A = (struct ast_bound){.word = W}; }

%code {
/* Which tokens could come next, asked of the parser's own tables: the states on the stack are walked as the parser
 * would, without its actions. Fallbacks are left out, so that a word is offered as a word only where it is one. */
static bool could_come(const unsigned short *stack, unsigned n, int token)
{
    unsigned short s[GRAMMAR_TABLES_STACK_MAX];
    if (n + 2 >= GRAMMAR_TABLES_STACK_MAX)
        return false;
    for (unsigned i = 0; i < n; i++)
        s[i] = stack[i];
    for (;;) {
        unsigned act = s[n - 1];
        if (act <= YY_MAX_SHIFT) {
            unsigned i = yy_shift_ofst[act] + (unsigned)token;
            act = yy_lookahead[i] == token ? yy_action[i] : yy_default[act];
        }
        if (act < YY_MIN_REDUCE)
            return act <= YY_MAX_SHIFTREDUCE || act == YY_ACCEPT_ACTION;
        unsigned rule = act - YY_MIN_REDUCE;
        n = (unsigned)((int)n + yyRuleInfoNRhs[rule]);
        if (n == 0 || n + 1 >= GRAMMAR_TABLES_STACK_MAX)
            return false;
        s[n] = yy_find_reduce_action(s[n - 1], yyRuleInfoLhs[rule]);
        n++;
    }
}

unsigned grammar_tables_expected(const unsigned short *stack, unsigned n, unsigned char *tokens)
{
    unsigned found = 0;
    for (int t = 0; t < YYNTOKEN; t++) /* 0: the end */
        if (could_come(stack, n, t))
            tokens[found++] = (unsigned char)t;
    return found;
}

unsigned grammar_tables_stack(const void *parser, unsigned short *stack)
{
    const yyParser *p = parser;
    unsigned n = 0;
    for (const yyStackEntry *e = p->yystack; e <= p->yytos && n < GRAMMAR_TABLES_STACK_MAX; e++)
        stack[n++] = e->stateno;
    return n;
}

size_t grammar_tables_size(void)
{
    return sizeof(yyParser);
}
}

%syntax_error { (void)yymajor; (void)TOKEN; a->failed = true; }
