/* SPDX-License-Identifier: Apache-2.0 */
/* json_split.h - a body of events cut into the texts of its events, with no text changed: decimals stay as written.
 *
 * Room:   POST …/events -> [json_split] -> runtime_intake, which decodes each text.  Owns: nothing.  Thread: any.
 *
 * An array is cut at its top level by counting brackets outside strings; what lies inside an element is the decoder's to
 * judge, so a bad event is one bad row. Only what makes the cut itself doubtful is an error of the whole body. */
#ifndef WEIR_SERVER_JSON_SPLIT_H
#define WEIR_SERVER_JSON_SPLIT_H
#include "base/err.h"
#include <stddef.h>

struct json_split_text {
    const char *p; /* into the body */
    size_t n;
};
enum { JSON_SPLIT_DEPTH = 512 };
struct json_split_problem {
    const char *text; /* static: "the array is not closed" */
    size_t at; /* byte offset */
};

/* The elements of the array that the body is (blanks around it allowed). ERR_INVALID: *why; ERR_LIMIT: more than max,
 * *n = max. *n may be 0. */
enum err json_split_array(const char *body, size_t len, struct json_split_text *out, unsigned max,
                          unsigned *n, struct json_split_problem *why);
/* The lines of the body that are not blank, without their ends (LF or CRLF). ERR_LIMIT: more than max, *n = max. */
enum err json_split_lines(const char *body, size_t len, struct json_split_text *out, unsigned max,
                          unsigned *n);
/* The text of the value of the only member of the object that the body is: 12.50 stays 12.50. The body has been found to be
 * such JSON; of any other what comes out means nothing. ERR_INVALID: it is cut off. */
enum err json_split_member(const char *body, size_t len, struct json_split_text *out);
/* The first byte that is no JSON blank, or 0 if there is none. */
char json_split_first(const char *body, size_t len);
/* Line and column, from 1, of a byte; columns in code points. */
void json_split_place(const char *body, size_t at, int *line, int *column);

#endif
