/* SPDX-License-Identifier: Apache-2.0 */
/* evalbad.h - the line that tells of an event which could not be decoded.
 *
 * {"rule":null,"kind":"error","time":null,"stream":"s","place":7,"code":"wrong-type","reason":"…","raw":"…"} */
#ifndef WEIR_SERVER_EVALBAD_H
#define WEIR_SERVER_EVALBAD_H
#include "base/bytes.h"

/* Appends it. stream NULL: the event belongs to none, and has no place. Of `raw` no more than 4,096 bytes are shown, and
 * U+FFFD for each byte that is no UTF-8. */
void evalbad_line(const char *stream, uint64_t place, const char *raw, size_t n, const char *code,
                  const char *reason, struct bytes *out);

#endif
