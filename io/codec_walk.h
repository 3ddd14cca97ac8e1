/* SPDX-License-Identifier: Apache-2.0 */
/* codec_walk.h - one indexed line into one row: shared by the files codec_*.c and by nobody else.
 *
 * Room:   codec_simd (places) -> [codec_walk] -> batch
 * Owns:   nothing.  Thread: one. */
#ifndef WEIR_IO_CODEC_WALK_H
#define WEIR_IO_CODEC_WALK_H
#include "io/codec_json.h"
#include "io/codec_shape.h"

enum { CODEC_COPY = 32 }; /* short strings are copied so many bytes at a time */

struct codec_text { /* where strings of the batch go; a part of its arena */
    char *at, *end;
    size_t step; /* bytes to ask the arena for, at least */
};

struct codec_walk {
    const struct schema *schema;
    struct codec_shape shape;
    /* the line */
    const char *buf;
    const uint32_t *at; /* places, ascending; those past the line are at least `end` */
    uint32_t end;
    bool has_escapes; /* a backslash may be in it */
    /* the row */
    struct batch *b;
    unsigned row;
    void *cells[SCHEMA_COLUMNS_MAX]; /* of b's columns */
    struct codec_text text;
    evtime time;
    struct colset have; /* columns with a value that is not NULL */
    struct colset null; /* columns for which a NULL was written */
    struct colset bad; /* columns whose (last) value is wrong */
    bool is_bad; /* one has been found */
    struct codec_problem *problem; /* of the row; made when something is wrong */
    int problem_column; /* -1: of the whole row */
};

/* Fills the cells of row w->row. False: *w->problem says why; the row's null bits are untouched. On true w->at is at the
 * first place after the object. */
bool codec_walk_line(struct codec_walk *w);

/* The line is no JSON: `what`. Returns false. */
bool codec_walk_refuse(struct codec_walk *w, const char *what);

/* codec_value.c: a value that is not what its column takes at first sight: a NULL, a text with escapes, a numeric
 * string, an error. False: the line is no JSON. */
bool codec_value_other(struct codec_walk *w, const struct codec_field *f, uint32_t v,
                       uint32_t next);
/* Is it a string, a number, true, false or null? */
bool codec_value_is_scalar(const char *buf, uint32_t v, uint32_t next);
/* A string with escapes, decoded to `out` (at least n bytes); SIZE_MAX: it is not valid. */
size_t codec_value_unescape(const char *p, size_t n, char *out);
__attribute__((format(printf, 4, 5))) void codec_value_problem(struct codec_walk *w,
                                                               enum codec_problem_code code,
                                                               const struct codec_field *f,
                                                               const char *fmt, ...);

static inline bool codec_walk_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* One past the last byte of the key or value whose next place is `next`: between the two is only white space. */
static inline uint32_t codec_walk_token_end(const char *buf, uint32_t next)
{
    while (__builtin_expect(codec_walk_is_space(buf[next - 1]), 0))
        next--;
    return next;
}

/* n bytes, and CODEC_COPY more, for the batch to keep. */
char *codec_walk_room(struct codec_walk *w, size_t n);

static inline void codec_walk_store(struct codec_walk *w, const struct codec_field *f, int64_t v)
{
    unsigned c = (unsigned)f->column;
    if (f->wanted)
        w->b->columns[c].i[w->row] = v;
    colset_add(&w->have, c);
}

static inline void codec_walk_store_time(struct codec_walk *w, const struct codec_field *f,
                                         evtime t)
{
    if (f->column == w->schema->time_column)
        w->time = t;
    codec_walk_store(w, f, t);
}

#endif
