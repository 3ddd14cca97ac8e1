/* SPDX-License-Identifier: Apache-2.0 */
/* source_file.h - the 'file' connector: JSON lines read from where one left off.
 *
 * Room:   file -> [source_file] -> codec
 * Owns:   its descriptor and buffer.  Thread: one.  Time: none.
 *
 * WITH ('connector'='file', 'path'='day1.jsonl, day2/part-*.jsonl', 'follow'='false'). Each file is a partition, in the
 * order of the list, a glob's in order of name. An event's offset is the byte at which its line starts, so it can be
 * sought and its text fetched by place. At the end of a file its input has ended, unless 'follow'='true': then it waits
 * for more whole lines. */
#ifndef WEIR_IO_SOURCE_FILE_H
#define WEIR_IO_SOURCE_FILE_H
#include "base/diag.h"
#include "cep/row/schema.h"

/* The files of a stream. ERR_INVALID, ERR_NOT_FOUND, ERR_LIMIT with a sentence in d. *paths is one block, NULL at its
 * end: free it with source_file_list_free. */
enum err source_file_list(const struct schema *s, struct diag *d, char ***paths, unsigned *n);
void source_file_list_free(char **paths); /* NULL is fine */
bool source_file_follows(const struct schema *s);

struct source_file;

enum err source_file_open(const char *path, uint64_t offset, bool follow, struct source_file **out);
void source_file_close(struct source_file *f); /* NULL is fine */

/* The next line that is not blank, without its newline, valid until the next call; CODEC_PADDING bytes are readable after
 * it. Of a line longer than CODEC_EVENT_MAX the first CODEC_EVENT_MAX + 1 bytes, which the codec refuses. ERR_END: the
 * input has ended; ERR_AGAIN: no whole line yet (follow); ERR_IO. */
enum err source_file_next(struct source_file *f, const char **text, size_t *n, uint64_t *offset);
/* Whole lines, as many as are in memory, to be decoded as one; the place of the first. They stay the next until one seeks past
 * them. ERR_AGAIN: the next line is for source_file_next (the last one, without a newline, or one that is very long). */
enum err source_file_block(struct source_file *f, const char **text, size_t *n, uint64_t *offset);
/* offsets: numbers of lines of a block, blank ones not counted, in order; they become the places at which these start. */
void source_file_places(const char *text, size_t n, uint64_t at, uint64_t *offsets, unsigned rows);
uint64_t source_file_offset(const struct source_file *f); /* where the next line starts */
void source_file_seek(struct source_file *f, uint64_t offset);
uint64_t source_file_size(const struct source_file *f);

/* The text of the event at a place in a file that is open; caller frees with mem_free. ERR_NOT_FOUND, ERR_IO. */
enum err source_file_event(int fd, uint64_t offset, char **text, size_t *n);

#endif
