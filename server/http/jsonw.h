/* SPDX-License-Identifier: Apache-2.0 */
/* jsonw.h - JSON written piece by piece into a buffer: the answers of the API.
 *
 * Room:   api_*, problem, sse -> [jsonw] -> bytes.  Owns: nothing.  Thread: any, one a buffer.
 *
 * Commas set themselves: one is written before a key or an element unless the buffer is empty or ends in { [ : blank or
 * newline. Text that is JSON already (rows, keys, events) goes in as it is, so that 12.50 stays 12.50. */
#ifndef WEIR_SERVER_JSONW_H
#define WEIR_SERVER_JSONW_H
#include "base/bytes.h"
#include "base/timebase.h"

void jsonw_open(struct bytes *b, char bracket); /* { or [ */
void jsonw_close(struct bytes *b, char bracket); /* } or ] */
void jsonw_key(struct bytes *b, const char *key); /* plain ASCII */

/* Values: after a key, or as an element. */
void jsonw_str(struct bytes *b, const char *s); /* NULL: null. What is not UTF-8 becomes U+FFFD */
void jsonw_strn(struct bytes *b, const char *s, size_t n);
void jsonw_i64(struct bytes *b, int64_t v);
void jsonw_u64(struct bytes *b, uint64_t v);
void jsonw_num(struct bytes *b, double v); /* not finite: null */
void jsonw_bool(struct bytes *b, bool v);
void jsonw_null(struct bytes *b);
void jsonw_time(struct bytes *b,
                evtime t); /* RFC 3339; EVTIME_MIN, EVTIME_MAX or out of range: null */
void jsonw_raw(struct bytes *b, const char *json, size_t n); /* is JSON; NULL or empty: null */

/* "key": value in one call */
void jsonw_kstr(struct bytes *b, const char *key, const char *s);
void jsonw_ki64(struct bytes *b, const char *key, int64_t v);
void jsonw_ku64(struct bytes *b, const char *key, uint64_t v);
void jsonw_kbool(struct bytes *b, const char *key, bool v);
void jsonw_ktime(struct bytes *b, const char *key, evtime t);
void jsonw_kraw(struct bytes *b, const char *key, const char *json); /* NULL: null */

#endif
