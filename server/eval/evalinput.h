/* SPDX-License-Identifier: Apache-2.0 */
/* evalinput.h - the lines of a file, in blocks as large as are at hand, in memory that does not grow with the file.
 *
 * Room:   file -> [evalinput] -> evalfeed
 * Owns:   the file and one buffer; what it returns is valid until the next call.  Thread: one.
 *
 * Read by read(2), not mapped: the mapped pages of a large file would count as the process's memory. A line longer than
 * CODEC_EVENT_MAX is cut to one byte more than that, for the codec to refuse; a byte order mark is left out. */
#ifndef WEIR_SERVER_EVALINPUT_H
#define WEIR_SERVER_EVALINPUT_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct evalinput;

/* "-" is standard input. ERR_IO: errno says why. */
enum err evalinput_open(const char *path, struct evalinput **out);
void evalinput_free(struct evalinput *in); /* NULL is fine */

/* Whole lines with their newlines (the last of the file may lack it), at least one; 64 bytes are readable after them.
 * False: the input has ended, or failed: evalinput_failed. What is not taken comes again; unless the input has ended, there
 * are at least `least` bytes, for which the buffer grows. */
bool evalinput_block(struct evalinput *in, size_t least, const char **p, size_t *n);
void evalinput_take(struct evalinput *in, size_t n);
/* The next line that is not blank, taken, without its newline. */
bool evalinput_line(struct evalinput *in, const char **p, size_t *n);
bool evalinput_ended(const struct evalinput *in); /* nothing comes after what is at hand */
bool evalinput_would_wait(
    const struct evalinput *in); /* no line is at hand, and the input is no file */
int evalinput_failed(const struct evalinput *in); /* errno of a read, or 0 */

#endif
