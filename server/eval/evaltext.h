/* SPDX-License-Identifier: Apache-2.0 */
/* evaltext.h - the texts of rules that a command line names, joined to one script, and errors told where they stand.
 *
 * Owns: the texts.  Thread: one. Lines of a diag count over the whole script; they are told by file. */
#ifndef WEIR_SERVER_EVALTEXT_H
#define WEIR_SERVER_EVALTEXT_H
#include "base/bytes.h"
#include "base/diag.h"

enum { EVALTEXT_FILES_MAX = 256 };

struct evaltext {
    struct bytes text; /* each file ends in a newline */
    unsigned nfiles;
    const char *paths[EVALTEXT_FILES_MAX];
    int first_line[EVALTEXT_FILES_MAX]; /* of each file in the text, from 1 */
    int lines; /* in the text so far */
    const char *command; /* for messages without a place; NULL: eval */
};

/* "-": standard input. Not owned: path. ERR_IO (errno), ERR_LIMIT: too many files or bytes. */
enum err evaltext_add(struct evaltext *t, const char *path);
void evaltext_fini(struct evaltext *t);
/* "rules.sql:3:8: error: no column 'amout' in stream payments [unknown-column]", the line, a mark under it, the hint. */
void evaltext_tell(const struct evaltext *t, const struct diag *d, struct bytes *out);
void evaltext_say(const struct evaltext *t, const struct diag *d); /* the same, to stderr */

#endif
