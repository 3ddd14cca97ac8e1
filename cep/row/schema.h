/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - what a stream is: columns, types, event time, watermark. Immutable once made.
 *
 * Room:   CREATE STREAM (rules/) -> [schema] -> codec, batch, plans
 * Owns:   nothing; a schema and all it points to lives in the arena it was compiled into
 * Thread: any, read only.  Time: evtime. */
#ifndef WEIR_CEP_SCHEMA_H
#define WEIR_CEP_SCHEMA_H
#include "base/timebase.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type_kind {
    TYPE_NULL, /* of the literal NULL only */
    TYPE_BOOLEAN, /* cell: 0 or 1 */
    TYPE_BIGINT, /* cell: int64 */
    TYPE_DOUBLE, /* cell: double */
    TYPE_DECIMAL, /* cell: int64, value * 10^scale; precision <= 18 */
    TYPE_STRING, /* struct str */
    TYPE_TIMESTAMP, /* cell: evtime */
    TYPE_INTERVAL, /* cell: ms */
};

struct type {
    uint8_t kind, precision, scale; /* precision and scale: DECIMAL only */
};

const char *schema_type_name(struct type t, char buf[32]); /* "DECIMAL(12,2)" */
bool schema_type_same(struct type a, struct type b);

struct expr; /* expr.h */

struct column {
    const char *name; /* as written; compared without regard to case unless quoted */
    const char *path; /* dotted path in the JSON object; NULL: the name */
    struct type type;
    bool not_null;
    bool hidden; /* not among those of `*` */
    const struct expr *computed; /* AS expr over the columns before it; NULL: from the input */
};

enum watermark_kind { WATERMARK_BOUNDED, WATERMARK_PUNCTUATED };
enum time_kind { TIME_EVENT, TIME_INGESTION, TIME_PROCESSING };

struct table; /* table.h */

struct option { /* WITH ('name'='value') */
    const char *name, *value;
};

/* What a stream is made of. All but the first are derived: their rows are made where rows of another stream are worked on
 * (cep/derived.h). */
enum derived_kind {
    DERIVED_NOT, /* read from outside */
    DERIVED_RESULTS, /* what a rule finds */
    DERIVED_LATE, /* the rows that came too late for it */
    DERIVED_TIMEOUTS,
    DERIVED_ERRORS,
    DERIVED_STREAM_LATE, /* the rows of a stream that came late */
    DERIVED_LOOKUP = 7, /* the rows of a stream with what a table has for them */
};

enum { SCHEMA_COLUMNS_MAX = 256, SCHEMA_PARTITIONS_MAX = 128 };

struct schema {
    const char *name;
    uint32_t
        id; /* the catalogue's number of the stream; 0..n-1 in order of the file in `weir eval` */
    const char *sql; /* the statement's own text */
    unsigned ncolumns;
    const struct column *columns;
    int time_column; /* index; the column of WATERMARK FOR */
    enum watermark_kind watermark;
    int64_t delay_ms; /* BOUNDED: W = max(ts) - delay; 0 = ascending */
    const struct expr *punctuated; /* PUNCTUATED WHEN: W = ts of rows for which it is true */
    enum time_kind time;
    unsigned partitions; /* 'partitions', default 1 */
    int64_t idle_timeout_ms; /* 0: never idle */
    bool poison_skip; /* 'poison': an event that kills workers again and again is set aside */
    int64_t max_ahead_ms; /* 'max-ahead', live connectors; 0: none */
    int64_t alignment_ms; /* 'watermark-alignment'; 0: none */
    const char *connector; /* "http" (default), "file", "generator", "inline", … */
    unsigned noptions;
    const struct option *options;
    enum derived_kind derived;
    unsigned stage; /* 0; of a derived stream one more than of what it is made from */
    /* Derived: the streams that the rule reads (a join two, else the second is NULL), or whose late rows these are. */
    const struct schema *from, *with;
    bool keeps_places; /* derived: a row has the place of the row of `from` that it is made of */
    const char *of; /* derived, or ERRORS of a stream: the name of the rule or stream */
    const struct schema
        *errors; /* of a stream from outside: what it refuses is a stream (derived.h) */
    const struct table *table; /* LOOKUP: whose columns stand behind those of `from` */
    const struct schema
        *copy_of; /* a fork (schema_fork): the stream whose rows these are; else NULL */
};

/* The stream whose rows these are, looked up or not: places, cuts and lists go by it. */
static inline const struct schema *schema_rows(const struct schema *s)
{
    while (s->derived == DERIVED_LOOKUP)
        s = s->from;
    return s;
}

/* The stream's number in places of its rows: those of a fork have the places that they have in the stream itself. */
static inline uint32_t schema_place(const struct schema *s)
{
    s = schema_rows(s);
    return s->copy_of != NULL ? s->copy_of->id : s->id;
}
/* A fork: the rows of a stream from outside once more, read from another place on (cep/task/tasklane.h). Its name, which
 * snapshots know it by, is no other stream's. In the arena. */
struct arena;
struct schema *schema_fork(const struct schema *s, uint32_t id, const char *name, struct arena *a);
/* Do both have the same rows, as forks or not, looked up in the same tables? */
bool schema_same_rows(const struct schema *a, const struct schema *b);

int schema_column(const struct schema *s, const char *name,
                  size_t n); /* index without regard to case, or -1 */
const char *schema_option(const struct schema *s, const char *name); /* NULL: not given */

/* A set of column indices. */
struct colset {
    uint64_t w[SCHEMA_COLUMNS_MAX / 64];
};
static inline void colset_add(struct colset *s, unsigned c)
{
    s->w[c / 64] |= UINT64_C(1) << (c % 64);
}
static inline bool colset_has(const struct colset *s, unsigned c)
{
    return s->w[c / 64] >> (c % 64) & 1;
}
static inline void colset_union(struct colset *s, const struct colset *o)
{
    for (unsigned i = 0; i < SCHEMA_COLUMNS_MAX / 64; i++)
        s->w[i] |= o->w[i];
}

#endif
