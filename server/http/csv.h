/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - comma-separated values (RFC 4180) cut into fields: pure, so that it can be fuzzed.
 *
 * Room:   POST …/items:bulk as text/csv -> [csv] -> listitems
 * Owns:   the text of the fields of the present line.  Thread: one.
 *
 * Lines end in LF or CRLF, the last needs none; blank lines are skipped; a byte order mark at the start is skipped. A
 * field in quotes may hold commas, line ends and doubled quotes. Blanks belong to a field. */
#ifndef WEIR_SERVER_CSV_H
#define WEIR_SERVER_CSV_H
#include "base/bytes.h"
#include "base/err.h"
#include <stdbool.h>

enum { CSV_FIELDS_MAX = 256 };

struct csv_field {
    const char *p; /* valid until the next line is asked for */
    size_t n;
    bool quoted;
};
struct csv {
    const char *p, *end;
    unsigned long line; /* of the text, from 1: where the present record begins */
    unsigned long next_line;
    unsigned n;
    struct csv_field fields[CSV_FIELDS_MAX];
    const char *why; /* ERR_INVALID */
    struct bytes text; /* fields whose quotes had to be taken away */
};

void csv_init(struct csv *c, const char *text, size_t n); /* the text must live on */
void csv_fini(struct csv *c);
/* The next record into fields and n. ERR_END: none; ERR_INVALID: `why`, in the record that begins at `line`. */
enum err csv_next(struct csv *c);

#endif
