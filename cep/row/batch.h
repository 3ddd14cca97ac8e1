/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - up to BATCH_ROWS rows of one stream and one partition, by column: the unit in which everything moves.
 *
 * Room:   codec, exchange -> [batch] -> conditions, ordering, operators
 * Owns:   its columns and the arena its strings point into; freed by the last batch_unref
 * Thread: one worker.  Time: evtime per row.
 *
 * Only columns in `present` have data. A column is an array of 8-byte cells, or of struct str for STRING. A NULL's cell is
 * zero (the empty string). Bit i of nulls: row i is NULL; `nulls` is always there, `has_nulls` says if any is set. */
#ifndef WEIR_CEP_BATCH_H
#define WEIR_CEP_BATCH_H
#include "base/arena.h"
#include "cep/row/value.h"

enum { BATCH_ROWS = 1024, BATCH_WORDS = BATCH_ROWS / 64, BATCH_SUMMED_MAX = 4 };

struct batch_column {
    union {
        int64_t *i; /* BOOLEAN, BIGINT, DECIMAL, TIMESTAMP */
        double *d;
        struct str *s;
    };
    uint64_t *nulls; /* BATCH_WORDS words */
    bool has_nulls;
};

struct batch {
    const struct schema *schema;
    uint32_t partition;
    unsigned n; /* rows */
    int refs;
    size_t counted; /* of its bytes, in batch_live_bytes */
    evtime ts[BATCH_ROWS]; /* each row's event time */
    uint64_t offset[BATCH_ROWS]; /* its place in the partition, strictly ascending */
    uint64_t late[BATCH_WORDS]; /* bit: ts < W of its own partition when it came */
    evtime late_w[BATCH_ROWS]; /* W when it came; set for late rows only */
    bool has_late;
    /* In a frame: key definitions (jobdef_key.id) whose sums have these rows already (taskpresum.c). */
    unsigned nsummed;
    uint64_t summed[BATCH_SUMMED_MAX];
    struct colset present;
    struct colset
        with_ids; /* string columns whose str.id are those of dictionary `dict_serial`; else they mean nothing */
    uint64_t dict_serial;
    struct batch_column *columns; /* schema->ncolumns */
    struct arena *arena; /* strings that are not slices of `bytes` */
    void *bytes; /* raw text that strings may point into, or NULL; mem_free'd with the batch */
};

/* One reference. Memory for the columns in `want` only (they become `present`); columns hold a multiple of 64 cells, and
 * cells from n on may be read, but mean nothing. */
struct batch *batch_new(const struct schema *s, const struct colset *want);
struct batch *batch_ref(struct batch *b);
void batch_unref(struct batch *b); /* NULL is fine */
/* Memory of all batches that this thread has made and not freed; of a batch that goes on being filled, as of the last
 * batch_settle. */
size_t batch_live_bytes(void);
void batch_settle(struct batch *b); /* its strings are there */
/* Row `row` has the time t, whatever was decoded: 'time'='ingestion' and 'processing'. */
void batch_set_time(struct batch *b, unsigned row, evtime t);
/* Row i of b behind those of `to`, with the columns that both have; of the same stream, or one whose columns begin with its
 * own. Texts are copied; their ids are the other's. */
void batch_append(struct batch *to, const struct batch *b, unsigned i);
/* A value of a column that is there; texts are copied. */
void batch_put(struct batch *b, unsigned column, unsigned row, const struct value *v);
static inline bool batch_is_null(const struct batch *b, unsigned column, unsigned row)
{
    const struct batch_column *c = &b->columns[column];
    return c->has_nulls && (c->nulls[row / 64] >> (row % 64) & 1); /* spares a cache line, mostly */
}
static inline struct value batch_value(const struct batch *b, unsigned column, unsigned row)
{
    const struct batch_column *c = &b->columns[column];
    struct value v = {.type = b->schema->columns[column].type,
                      .null = batch_is_null(b, column, row)};
    if (v.type.kind == TYPE_STRING)
        v.c.s = c->s[row];
    else
        v.c.i = c->i[row];
    return v;
}
static inline bool batch_is_late(const struct batch *b, unsigned row)
{
    return b->late[row / 64] >> (row % 64) & 1;
}

#endif
