/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_tables.h - what parse.c asks of the generated parser beside feeding it: which tokens could have come.
 *
 * The functions stand at the end of grammar.y, where the generated tables can be seen.  Thread: any. */
#ifndef WEIR_RULES_GRAMMAR_TABLES_H
#define WEIR_RULES_GRAMMAR_TABLES_H
#include "rules/ast.h"
#include <stddef.h>

enum { GRAMMAR_TABLES_STACK_MAX = 1100, GRAMMAR_TABLES_TOKENS_MAX = 256 };

/* The generated parser. The memory is the caller's, of this size. */
size_t grammar_tables_size(void);
void grammar_Init(void *parser, struct ast *a);
void grammar_Finalize(void *parser);
void grammar_(void *parser, int kind, struct token t);
int grammar_Fallback(int kind);

/* The states on the parser's stack, to be kept before a token is fed: feeding a wrong one may pop some. */
unsigned grammar_tables_stack(const void *parser, unsigned short *stack);
/* The tokens that could follow; 0 is the end of the statement. Returns how many. */
unsigned grammar_tables_expected(const unsigned short *stack, unsigned n, unsigned char *tokens);

#endif
