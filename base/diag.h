/* SPDX-License-Identifier: Apache-2.0 */
/* diag.h - what a person is told: where in the text, a sentence, and what to do.
 *
 * Owned by the caller; only rules/, configuration and the API fill it. Several errors may be kept
 * (a rule has them all reported at once). Lines and columns count from 1, columns in Unicode code
 * points. */
#ifndef WEIR_BASE_DIAG_H
#define WEIR_BASE_DIAG_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct span { /* byte offsets into the text of one script, [begin, end) */
    unsigned begin, end;
};

struct diag_item {
    bool warning;
    const char *code; /* static: "unknown-column", "syntax", "unsupported" … */
    char *message; /* a sentence without a full stop */
    char *hint; /* what to do, or NULL */
    int line, column, end_line, end_column; /* 0: no place in a text */
};

enum { DIAG_ITEMS_MAX = 32 };

struct diag {
    struct diag_item items[DIAG_ITEMS_MAX];
    int n, errors;
    const char *text; /* the script that spans point into; not owned, may be NULL */
    size_t text_len;
};

void diag_init(struct diag *d, const char *text, size_t text_len);
void diag_fini(struct diag *d);

/* Add an error or a warning; past DIAG_ITEMS_MAX they are dropped (errors are still counted, and an
 * error takes the place of a warning). `hint` may be NULL. */
void diag_error(struct diag *d, const char *code, struct span at, const char *hint, const char *fmt,
                ...) __attribute__((format(printf, 5, 6)));
void diag_warn(struct diag *d, const char *code, struct span at, const char *hint, const char *fmt,
               ...) __attribute__((format(printf, 5, 6)));
/* An error that has no place in a text. */
void diag_say(struct diag *d, const char *code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* "line 7, column 12: no column 'amout' in stream payments (did you mean 'amount'?)", all items,
 * one a line. Caller frees with mem_free. */
char *diag_text(const struct diag *d);

/* The candidate nearest to `name` (case-insensitive edit distance, at most a third of its length),
 * or NULL. */
const char *diag_nearest(const char *name, const char *const *candidates, size_t n);

#endif
