/* SPDX-License-Identifier: Apache-2.0 */
/* flowfile.h - the flow of one worker in a checkpoint: records in the order in which they were given out, whole or not there.
 *
 * Room:   snapshot of a task -> [flowfile] -> checkpoint folder -> a task that starts
 * Owns:   the open file
 * Thread: one at a time.  Time: none.
 *
 * Always written anew and read from its beginning to its end. The reader trusts nothing: each block is held against its
 * checksum, and a file without its end (torn) is ERR_CORRUPT before any record is given. The format is in state/README.md. */
#ifndef WEIR_STATE_FLOWFILE_H
#define WEIR_STATE_FLOWFILE_H
#include "base/bytes.h"
#include "base/diag.h"
#include "base/durable.h"

enum {
    FLOWFILE_VERSION = 1,
    FLOWFILE_RECORD_MAX = 1 << 28,
    FLOWFILE_BLOCK_BYTES = 64 << 10 /* a block is written when it has become as long */
};

struct flowfile_writer {
    struct durable file;
    struct bytes block;
    uint32_t in_block; /* records */
    uint64_t records;
    enum err e; /* the first that went wrong; finish says it */
};

enum err flowfile_create(struct flowfile_writer *w, const char *path);
void flowfile_put(struct flowfile_writer *w, const void *p, size_t n);
/* It is fsynced and has its name, or it is not there. Frees in any case. *bytes: of the file. */
enum err flowfile_finish(struct flowfile_writer *w, uint64_t *bytes);
void flowfile_abandon(struct flowfile_writer *w); /* of one that was finished: nothing happens */

/* Another answer than ERR_OK ends the reading. The record lives for the call. */
typedef enum err flowfile_take(void *ctx, const void *p, size_t n);
enum err flowfile_read(const char *path, flowfile_take *take, void *ctx, struct diag *d);

#endif
