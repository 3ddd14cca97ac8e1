/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - one scalar: what a cell, a literal, a measure or a key part is. NULL and three-valued logic.
 *
 * Owns:   nothing; a string value points into a batch, an arena or a kept row, whose lifetime its holder knows
 * Thread: any.  Time: evtime inside TIMESTAMP. */
#ifndef WEIR_CEP_VALUE_H
#define WEIR_CEP_VALUE_H
#include "base/bytes.h"
#include "cep/row/schema.h"

struct str {
    const char *p; /* UTF-8, not NUL-terminated */
    uint32_t n;
    uint32_t
        id; /* id of a literal of the live rules (dict.h), 0: any other text. Never leaves the process. */
};

union cell {
    int64_t i;
    double d;
    struct str s;
};

struct value {
    struct type type;
    bool null;
    union cell c;
};

/* Three-valued truth. */
enum truth { TRUTH_FALSE = 0, TRUTH_TRUE = 1, TRUTH_NULL = 2 };

/* Order of two non-null values of the same type kind (DECIMALs of any scale): <0, 0, >0. NaN sorts last and equals NaN;
 * strings by bytes. */
int value_compare(const struct value *a, const struct value *b);

/* Canonical bytes of a value as part of a key (DESIGN, Keys): type tag, then DECIMAL at the column's scale, -0.0 as 0,
 * one NaN, TIMESTAMP in ms, string length and UTF-8; NULL is a tag of its own. Appends to `out`. */
void value_key(const struct value *v, struct bytes *out);
/* Are these the bytes of that text, which is shorter than VALUE_KEY_SHORT? Spares putting them together to compare. */
enum { VALUE_KEY_SHORT = 0x80 };
bool value_key_is_text(const uint8_t *key, size_t len, const char *p, uint32_t n);
/* One value back from its key bytes; strings point into `r`. */
bool value_from_key(struct bytes_reader *r, struct type type, struct value *out);

/* JSON text of a value: numbers plain, DECIMAL with its scale ("12.50" as 12.50), TIMESTAMP as RFC 3339 string, NULL as
 * null, non-finite doubles as null, strings escaped. Appends to `out`. */
void value_json(const struct value *v, struct bytes *out);
void value_json_string(const char *p, size_t n, struct bytes *out); /* with quotes */

/* The parsers that codec and CAST share. False: not a value of that type, or it overflows. */
extern const uint64_t value_powers[19]; /* of ten: all that an int64_t holds */
bool value_parse_decimal(const char *s, size_t n, unsigned precision, unsigned scale,
                         int64_t *out); /* 1e3 too */
bool value_parse_bigint(const char *s, size_t n, int64_t *out); /* 5.0 and 1e3 are whole */
bool value_parse_double(const char *s, size_t n, double *out);

/* A value of any type from its plain text, as in a CSV file: true, 12.50, 2026-11-21T06:48:51.120Z; a STRING is the text
 * itself, not copied. False: not one. */
bool value_parse_text(struct type t, const char *s, size_t n, union cell *out);

enum { VALUE_TEXT = 32 };
void value_format_decimal(int64_t v, unsigned scale, char out[VALUE_TEXT]);
size_t value_format_double(
    double d, char out[VALUE_TEXT]); /* the fewest digits that read back the same; its length */

#endif
