/* SPDX-License-Identifier: Apache-2.0 */
/* lexer.h - the words of a script: text to tokens, one at a time.
 *
 * Room:   text -> [lexer] -> parse
 * Owns:   nothing; tokens point into the text, which ends with a NUL that is not counted
 * Thread: one. */
#ifndef WEIR_RULES_LEXER_H
#define WEIR_RULES_LEXER_H
#include "rules/ast.h"

struct lexer {
    const char *text, *at, *end; /* *end == 0 */
};

/* Kinds that the grammar does not know: negative, so that they cannot meet its own. */
enum {
    LEXER_END = 0,
    LEXER_BAD_CHARACTER = -1,
    LEXER_OPEN_STRING = -2, /* '… without its end; the token reaches to the end of the text */
    LEXER_OPEN_NAME = -3,
    LEXER_OPEN_COMMENT = -4,
    LEXER_BAD_NUMBER = -5, /* 12abc */
    LEXER_EMPTY_NAME = -6,
    LEXER_SEMI = -7,
};

struct token lexer_next(struct lexer *l);
/* The word as it stands in the grammar ("SELECT"), or NULL if the kind is no keyword. */
const char *lexer_keyword(int kind);

#endif
