/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - one worker's keyed state in files: changes in, checkpoints out, entries back. The seam between backends.
 *
 * Room:   changed entries of a task -> [store] -> files in a checkpoint's folder -> entries for a task that starts
 * Owns:   its working folder
 * Thread: one at a time (the worker's writer).  Time: none.
 *
 * The store is given what has changed since the last checkpoint, never everything anew; what did not change is shared with
 * earlier checkpoints by hard links, so that deleting the folder of one deletes what no other needs.
 *
 * Heap backend: a base and files of changes behind it, in order; when the changes outweigh the base, all is merged into a
 * new base, one key group at a time, so that it takes the memory of one group. Fault points: store.link and those of
 * base/durable.h. */
#ifndef WEIR_STATE_STORE_H
#define WEIR_STATE_STORE_H
#include "state/snapfile.h"

struct store;

struct store_report { /* of a checkpoint */
    uint64_t changes; /* entries put since the one before */
    uint64_t written_bytes; /* new on the disk, merging included */
    uint64_t bytes; /* of all its files */
    unsigned files;
};

/* dir: this worker's own; what lies there is deleted. */
enum err store_open(const char *dir, struct diag *d, struct store **out);
void store_close(struct store *s); /* NULL is fine; its files in checkpoints stay */

/* A changed entry, or (value NULL) one that is gone. Once for each key between two checkpoints. */
enum err store_put(struct store *s, const char *op, unsigned group, const struct snapfile_entry *e);
/* What was put becomes part of what is kept, and all of it stands in `folder` under names that begin with `name`, fsynced.
 * On an error the changes may be lost: store_reset, and everything must be put. */
enum err store_checkpoint(struct store *s, const char *folder, const char *name,
                          struct store_report *out, struct diag *d);
void store_reset(struct store *s); /* nothing is kept */

/* The entries of groups [from, to) in a checkpoint, each key once. files: as its report said. */
enum err store_read(const char *folder, const char *name, unsigned files, unsigned from,
                    unsigned to, snapfile_take *take, void *ctx, struct diag *d);
/* Every block of its files against its checksum. */
enum err store_verify(const char *folder, const char *name, unsigned files, struct diag *d);

#endif
