/* SPDX-License-Identifier: Apache-2.0 */
/* durable.h - files that are whole or not there, whatever happens while they are written.
 *
 * Room:   snapfile, checkpoint, file sinks
 * Owns:   an open file, until it is finished or abandoned
 * Thread: one for each file.  Time: none.
 *
 * Write under another name, fsync, rename, fsync the folder (POSIX promises no less). Each step is a fault point (fault.h):
 * durable.open, durable.write, durable.sync, durable.rename, durable.sync_folder. */
#ifndef WEIR_BASE_DURABLE_H
#define WEIR_BASE_DURABLE_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct durable {
    int fd; /* -1: none */
    char *path, *part; /* its name at the end; while it is written */
    uint64_t n; /* bytes written */
};

/* "path.part" is made or emptied. */
enum err durable_open(struct durable *f, const char *path);
enum err durable_write(struct durable *f, const void *p, size_t n);
/* It has its name now and survives a loss of power. On an error it is abandoned. */
enum err durable_finish(struct durable *f);
void durable_abandon(struct durable *f); /* of one that is finished: nothing happens */

enum err durable_sync_folder(const char *path);
/* A folder with all that is in it, or a file; none: nothing happens. errno says why it could not. */
enum err durable_delete(const char *path);
/* A whole small file at once. */
enum err durable_file(const char *path, const void *p, size_t n);

#endif
