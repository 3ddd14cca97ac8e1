/* SPDX-License-Identifier: Apache-2.0 */
/* table_source.h - one connection to the database that has a table (CREATE TABLE), and the question for some keys.
 *
 * Room:   server/worker/lookups (its threads) -> [table_source] -> libsqlite3, libpq
 * Owns:   the connection; made with the first question, and anew after it was lost
 * Thread: one at a time; calls block, but not past their deadline.  Time: montime.
 *
 * What a table holds is as hostile as what comes over a wire: a value that does not fit its column is an answer about that
 * row alone, with a sentence. */
#ifndef WEIR_IO_TABLE_SOURCE_H
#define WEIR_IO_TABLE_SOURCE_H
#include "base/bytes.h"
#include "base/err.h"
#include "cep/row/value.h"
#include "cep/table.h"

enum table_found { TABLE_MISSING, TABLE_ROW, TABLE_BAD };
struct table_answer {
    enum table_found found;
    size_t at, n; /* in the bytes: of ROW its values (table_row_get), of BAD a sentence */
};

enum { TABLE_WHY = 256 };

struct table_source;

struct table_source *table_source_new(const struct table *t);
void table_source_free(struct table_source *s); /* NULL is fine */

/* Any thread: the question that is being asked is given up soon, as if its deadline had passed, and all further ones. */
void table_source_stop(struct table_source *s);

/* An answer for each of n keys, which are of the key's type, not NULL and different; bytes are added to `out`. ERR_AGAIN:
 * the deadline has passed; ERR_IO: the database cannot be asked, or refuses, with a sentence in `why`. */
enum err table_source_get(struct table_source *s, const struct value *keys, unsigned n,
                          montime deadline, struct table_answer *answers, struct bytes *out,
                          char why[TABLE_WHY]);

/* Column `column` of a row, which is `n` bytes at p, as table_source_get has put them; texts point into p. */
struct value table_row_get(const struct table *t, const uint8_t *p, unsigned column);

#endif
