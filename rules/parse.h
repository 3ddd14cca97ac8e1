/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - a script to statements, one at a time: feeds the grammar, says what is wrong with the text, and goes on
 * after the next `;`.
 *
 * Room:   lexer, grammar -> [parse] -> compile
 * Owns:   the generated parser's memory; trees live in the arena that each call names
 * Thread: one. */
#ifndef WEIR_RULES_PARSE_H
#define WEIR_RULES_PARSE_H
#include "rules/lexer.h"

struct parse;

/* The text ends with a NUL that is not counted, and outlives the parse; d->text is that text. */
struct parse *parse_new(const char *text, size_t n, struct diag *d);
void parse_free(struct parse *p); /* NULL is fine */

/* The next statement. False: there is no more. *out is NULL when the statement is wrong: that has been said in d. */
bool parse_next(struct parse *p, struct arena *arena, struct ast_statement **out);

#endif
