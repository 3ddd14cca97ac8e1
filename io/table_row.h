/* SPDX-License-Identifier: Apache-2.0 */
/* table_row.h - the values of a row of a table outside, checked against the columns, one after the other. For table_*.c.
 *
 * Room:   table_sqlite, table_postgres -> [table_row] -> bytes of an answer
 * Owns:   nothing.  Thread: any. */
#ifndef WEIR_IO_TABLE_ROW_H
#define WEIR_IO_TABLE_ROW_H
#include "io/table_source.h"

struct table_row {
    const struct table *table;
    struct bytes *out;
    size_t begin; /* of the row in out */
    unsigned n; /* columns so far */
    bool bad; /* the rest is left out; a sentence stands in its place */
};

void table_row_begin(struct table_row *r, const struct table *t, struct bytes *out);
/* The next column. p: NULL is NULL; else its plain text. */
void table_row_text(struct table_row *r, const char *p, size_t n);
/* The next column is what no column of ours can be: "a blob". */
void table_row_refuse(struct table_row *r, const char *what);
void table_row_end(struct table_row *r, struct table_answer *a);
/* Instead of a row: a sentence. */
void table_row_say(struct table_answer *a, struct bytes *out, const char *text);

/* A key as plain text. */
void table_row_key(const struct value *v, struct bytes *out);
/* "a.b" as "a"."b": each part between quotes. */
void table_row_quote(const char *name, bool parts, struct bytes *out);

#endif
