/* SPDX-License-Identifier: Apache-2.0 */
/* framerows.h - rows of a batch as bytes, by column, and back: what is inside a frame's message of rows.
 *
 * Room:   inside of frame
 * Owns:   nothing.  Thread: one worker.  Time: evtime.
 *
 * By column there is little to do for a row: cells are copied as they lie, the texts of a column in one piece. */
#ifndef WEIR_CEP_FRAMEROWS_H
#define WEIR_CEP_FRAMEROWS_H
#include "base/bytes.h"
#include "cep/row/batch.h"
#include "cep/row/dict.h"

struct framerows_columns {
    unsigned n;
    uint8_t list[SCHEMA_COLUMNS_MAX];
};

/* --- writing --- */

struct framerows { /* rows that are to be written: which, and how wide each of their columns is */
    const struct batch *b;
    struct framerows_columns columns;
    unsigned n;
    uint16_t rows[BATCH_ROWS];
    uint32_t text[BATCH_ROWS]; /* bytes of all its texts */
    uint8_t forms[SCHEMA_COLUMNS_MAX]; /* by place in columns */
    uint8_t flags;
    size_t fixed; /* bytes of a row, but for its bits and texts */
    unsigned nbits; /* of a row */
};

/* Rows of b in `rows` (BATCH_WORDS words), with all columns that are present. Valid as long as b. */
void framerows_select(struct framerows *s, const struct batch *b, const uint64_t *rows);
/* As many of them as have room from number `from` on: where they end. */
unsigned framerows_fitting(const struct framerows *s, unsigned from, size_t room);
/* What rows take together beside that room, at most. */
size_t framerows_head_bytes(const struct framerows *s);
void framerows_put(const struct framerows *s, unsigned from, unsigned to, struct bytes *out);

/* --- reading --- */

struct framerows_head {
    unsigned n, flags;
    uint64_t offset, ts; /* of the first row */
};

/* False: these are no rows. */
bool framerows_get_head(struct bytes_reader *in, struct framerows_head *out);
/* A batch may have a row of that offset behind its last: places are in order, but for those of derived streams. */
bool framerows_may_follow(const struct batch *b, uint64_t offset);
/* Rows go behind those of b, which has room for them. dict: ids for columns in b->with_ids, or NULL. False: these are no rows,
 * and b is of no more use. */
bool framerows_get(struct bytes_reader *in, const struct framerows_head *h,
                   const struct framerows_columns *columns, struct batch *b,
                   const struct dict *dict);

#endif
