/* SPDX-License-Identifier: Apache-2.0 */
/* codec_json.h - hostile bytes to batch columns: one JSON object, one row; an error for a row, never for a batch.
 *
 * Room:   bytes -> [codec_json] -> batch -> watermark -> task
 * Owns:   the parser and its buffers.  Thread: one.  simdjson lives in codec_simd.cpp and nowhere else.
 *
 * Rules of docs/language.md (Streams): DECIMAL from the text, never through double; BIGINT takes whole numbers only; a
 * missing field is NULL; of a doubled key the last counts; no other implicit conversion; TIMESTAMP is a number (ms) or an
 * ISO 8601 string; years 1 to 9999. Only wanted columns are stored, NOT NULL is checked for all. */
#ifndef WEIR_IO_CODEC_JSON_H
#define WEIR_IO_CODEC_JSON_H
#include "base/err.h"
#include "cep/row/batch.h"
#include "cep/row/dict.h"

enum {
    CODEC_PADDING = 64, /* readable bytes after every text */
    CODEC_EVENT_MAX = 1 << 20, /* bytes of the largest event */
};

/* X(name, "code of the problem") */
/* clang-format off */
#define CODEC_PROBLEMS(X)                                                                          \
    X(NONE, "") X(JSON, "not-json") X(OBJECT, "not-an-object") X(MISSING, "missing-field")         \
    X(TYPE, "wrong-type") X(RANGE, "out-of-range") X(TIME, "time-out-of-range")                    \
    X(TOO_BIG, "event-too-big") X(UTF8, "invalid-utf8")
/* clang-format on */
enum codec_problem_code {
#define CODEC_ENUM(name, text) CODEC_##name,
    CODEC_PROBLEMS(CODEC_ENUM)
#undef CODEC_ENUM
};
struct codec_problem {
    enum codec_problem_code code;
    const char *column; /* of the schema, or NULL */
    char text[192]; /* a sentence: "field 'amount' must be a number, is a boolean" */
};
const char *codec_problem_name(enum codec_problem_code c);

struct codec_json;

/* want: columns to store (the time column always is); dict: see cep/row/dict.h, may be NULL. */
struct codec_json *codec_json_new(const struct schema *s, const struct colset *want,
                                  const struct dict *dict);
void codec_json_free(struct codec_json *c); /* NULL is fine */

/* One event into the next row of b (made by batch_new with the same `want`), at `offset`. ERR_INVALID: b is as before,
 * *p says why. CODEC_PADDING bytes must be readable after text + n; the text may go away afterwards. */
enum err codec_json_row(struct codec_json *c, const char *text, size_t n, uint64_t offset,
                        struct batch *b, struct codec_problem *p);

/* A block of JSON lines from buf + *pos, until b is full or the block ends; blank lines take no offset. Each bad row is
 * told to on_bad, takes its offset, and is left out. Offsets count up from *offset. Fast path of files and benches.
 * The last line needs no newline. Computed columns are the task's. */
typedef void codec_json_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                            const struct codec_problem *p);
void codec_json_lines(struct codec_json *c, const char *buf, size_t len, size_t *pos,
                      uint64_t *offset, struct batch *b, codec_json_bad *on_bad, void *ctx);

#endif
