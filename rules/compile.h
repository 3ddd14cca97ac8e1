/* SPDX-License-Identifier: Apache-2.0 */
/* compile.h - the only header of rules/ that others include: text in, schemas and plans out.
 *
 * Room:   text -> lexer -> grammar -> ast -> bind, types -> plan -> [compile]
 * Owns:   see each function.  Thread: any (no global state).  Time: none. */
#ifndef WEIR_RULES_COMPILE_H
#define WEIR_RULES_COMPILE_H
#include "base/diag.h"
#include "cep/plan.h"
#include "cep/sink.h"
#include "rules/scope.h"

enum {
    COMPILE_TEXT_MAX = 4 << 20,
    COMPILE_RULE_MAX = 256 << 10
}; /* bytes of a script; of one statement */

enum statement_kind {
    STATEMENT_STREAM,
    STATEMENT_RULE,
    STATEMENT_LIST,
    STATEMENT_SINK,
    STATEMENT_EXPLAIN,
    STATEMENT_TABLE,
    STATEMENT_INSERT /* its items are in the list already, or in `rows` if the scope has lists of its own */
};

struct statement {
    enum statement_kind kind;
    bool or_replace;
    struct span at; /* in the script */
    const struct schema *schema; /* STREAM: lives in the script's arena */
    struct rule_plan *
        rule; /* RULE: one reference, taken over by whoever wants it (else freed with the script) */
    struct table
        *table; /* TABLE: lives in the script's arena; its number is whoever publishes it to give */
    const struct sink *sink; /* SINK: lives in the script's arena */
    struct list *list; /* LIST, INSERT: a reference of the script's */
    const struct value **rows; /* INSERT: a value for each column of the list */
    size_t nrows;
    const char *name; /* of what is created or explained */
    const char *format; /* EXPLAIN: "TEXT", "JSON", "DOT"; NULL: not said */
};

struct script {
    unsigned n;
    struct statement *statements;
    struct arena *arena; /* of the schemas; must outlive plans that read them */
};

/* Compile a script of any number of statements. Names are looked up among the script's own earlier statements, then in
 * `scope` (may be NULL). On ERR_INVALID, ERR_UNSUPPORTED or ERR_LIMIT `d` holds every error found with its place (the
 * parser goes on after a bad statement at the next `;`), and *out is untouched. Warnings may be in d on success. */
enum err compile_script(const char *text, size_t n, const struct scope *scope, struct diag *d,
                        struct script **out);
void compile_script_free(struct script *s); /* NULL is fine */
/* The same for input that ends (a file that is evaluated), whatever the connectors of the streams say: anchors and NEXT
 * may be used. */
enum err compile_script_bounded(const char *text, size_t n, const struct scope *scope,
                                struct diag *d, struct script **out);

/* A bare SELECT as the rule `name`, or one CREATE RULE statement (then name, if given, must agree or be NULL). */
enum err compile_rule(const char *name, const char *text, size_t n, const struct scope *scope,
                      struct diag *d, struct rule_plan **out);

enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_DOT };
/* The plan alone: what is read, conditions, keys, what comes out. TEXT or JSON. */
void compile_explain(const struct rule_plan *p, enum explain_format f, struct bytes *out);
/* EXPLAIN RULE: plan, bound of the state, automaton, what is shared with the other rules of the job (NULL: nothing of
 * that). DOT: the automaton, or the steps of a rule that has none, for Graphviz. Ends with a newline. */
struct job;
void compile_explain_rule(const struct rule_plan *p, const struct job *job, enum explain_format f,
                          struct bytes *out);
/* "TEXT", "JSON", "DOT" in any case; NULL is TEXT. False: another word. */
bool compile_explain_format(const char *word, enum explain_format *out);

#endif
