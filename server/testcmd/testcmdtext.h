/* SPDX-License-Identifier: Apache-2.0 */
/* testcmdtext.h - the words of a test file: names, literals, JSON objects, and CREATE statements as a whole.
 *
 * Room:   text -> [testcmdtext] -> testcmdfile
 * Owns:   nothing; words point into the text.  Thread: one.  Time: durations in milliseconds. */
#ifndef WEIR_SERVER_TESTCMDTEXT_H
#define WEIR_SERVER_TESTCMDTEXT_H
#include "base/diag.h"
#include <stdint.h>

enum testcmdtext_kind {
    TESTCMDTEXT_END,
    TESTCMDTEXT_WORD, /* a name or keyword */
    TESTCMDTEXT_QUOTED, /* "name" or `name` */
    TESTCMDTEXT_TEXT, /* 'text' */
    TESTCMDTEXT_NUMBER,
    TESTCMDTEXT_DURATION, /* 10s, 1h30m, 250ms */
    TESTCMDTEXT_JSON, /* { … } */
    TESTCMDTEXT_MARK, /* any one other character */
    TESTCMDTEXT_OPEN, /* a quote, comment or { without its end */
};

struct testcmdtext_word {
    enum testcmdtext_kind kind;
    const char *p; /* with its quotes */
    size_t n;
    struct span at;
};

struct testcmdtext {
    const char *text, *p, *end;
};

struct testcmdtext_word testcmdtext_next(struct testcmdtext *t);
/* Goes on after the next `;` that is in no quotes or comment; returns where it stands (or the end). */
size_t testcmdtext_skip_statement(struct testcmdtext *t);

bool testcmdtext_is(const struct testcmdtext_word *w, const char *keyword); /* in any case */
bool testcmdtext_is_mark(const struct testcmdtext_word *w, char c);
/* False: a unit that nobody knows, or more than 64 bits. */
bool testcmdtext_duration(const struct testcmdtext_word *w, int64_t *ms);

#endif
