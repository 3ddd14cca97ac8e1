/* SPDX-License-Identifier: Apache-2.0 */
/* textdiff.h - which lines of a text went and which came: the longest common sequence of lines.
 *
 * Room:   two texts -> [textdiff] -> api_versiondiff
 * Owns:   nothing.  Thread: any. */
#ifndef WEIR_SERVER_TEXTDIFF_H
#define WEIR_SERVER_TEXTDIFF_H
#include <stddef.h>

enum { TEXTDIFF_LINES_MAX = 2000 }; /* of longer texts all lines go, and all come */
enum textdiff_op { TEXTDIFF_SAME, TEXTDIFF_REMOVED, TEXTDIFF_ADDED };
/* Calls `each` for the lines in order; those that go before those that come. */
void textdiff(const char *from, const char *to,
              void (*each)(void *ctx, enum textdiff_op op, const char *line, size_t n), void *ctx);

#endif
