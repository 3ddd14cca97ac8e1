/* SPDX-License-Identifier: Apache-2.0 */
/* row.h - a row that outlives its batch: kept by patterns, joins, evictors; counted by reference.
 *
 * Room:   batch -> [row] -> match buffer, results
 * Owns:   its cells and its strings, in one block.  Thread: one worker, counts are plain.  Time: evtime. */
#ifndef WEIR_CEP_ROW_H
#define WEIR_CEP_ROW_H
#include "cep/row/batch.h"

/* Which columns are kept, and where; one for each (operator, stream). */
struct row_layout {
    const struct schema *schema;
    struct colset columns;
    uint16_t ncells;
    uint8_t cell[SCHEMA_COLUMNS_MAX]; /* column -> cell; valid for columns in the set */
};

struct row {
    uint32_t refs;
    uint32_t partition;
    uint64_t offset; /* the place */
    evtime ts;
    uint64_t nulls[SCHEMA_COLUMNS_MAX / 64]; /* by cell; set beyond its last */
    union cell cells[]; /* then the strings' bytes */
};

void row_layout_init(struct row_layout *l, const struct schema *s, const struct colset *columns);
struct row *row_new(const struct row_layout *l, const struct batch *b,
                    unsigned i); /* one reference */
struct row *row_ref(struct row *r);
void row_unref(struct row *r); /* NULL is fine */
size_t row_bytes(const struct row_layout *l, const struct row *r);

/* A row wherever it lies: in a batch, or kept. Plain data, by value. */
struct rowref {
    const struct batch *b; /* NULL: kept */
    union {
        unsigned i; /* its index in b */
        const struct row *r; /* NULL with b NULL: no such row */
    };
};

/* False: NULL (or no such row). */
static inline bool rowref_cell(struct rowref at, const struct row_layout *l, unsigned column,
                               union cell *out)
{
    if (at.b != NULL) {
        const struct batch_column *c = &at.b->columns[column];
        if (c->has_nulls && (c->nulls[at.i / 64] >> (at.i % 64) & 1))
            return false;
        if (at.b->schema->columns[column].type.kind == TYPE_STRING)
            out->s = c->s[at.i];
        else
            out->i = c->i[at.i];
        return true;
    }
    if (at.r == NULL)
        return false;
    unsigned k = l->cell[column];
    if (at.r->nulls[k / 64] >> (k % 64) & 1)
        return false;
    *out = at.r->cells[k];
    return true;
}

#endif
