/* SPDX-License-Identifier: Apache-2.0 */
/* wirefield.h - what several messages between the processes are made of: counts, texts, their end.
 *
 * Room:   control, snapwire -> [wirefield] -> base/bytes.  Owns: nothing.  Thread: any.
 *
 * Lists are a varint count and their elements. A count is believed only as far as the bytes that follow could hold that
 * many of the smallest element, so that a damaged one cannot ask for memory. */
#ifndef WEIR_SERVER_WIREFIELD_H
#define WEIR_SERVER_WIREFIELD_H
#include "base/arena.h"
#include "base/bytes.h"
#include <stdbool.h>

bool wirefield_finished(const struct bytes_reader *r); /* all was read, and none was bad */
unsigned wirefield_get_count(struct bytes_reader *r, size_t least_bytes);
void wirefield_put_text(struct bytes *out, const char *s);
/* A copy in the arena. "" and a bad reader: none was there, or it has a zero byte. */
const char *wirefield_get_text(struct bytes_reader *r, struct arena *a);
#endif
