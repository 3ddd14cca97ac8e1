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
 * Heap backend (storeheap.c): a base and files of changes behind it, in order; when the changes outweigh the base, all is
 * merged into a new base, one key group at a time, so that it takes the memory of one group.
 * RocksDB backend (storerocks.c): a database with a column family for each operator; changes are written sorted, as files
 * that it takes in, and a checkpoint is one of its own, whose files are links.
 *
 * What the backends write can be told apart, so either reads the checkpoints of the other. Fault points: store.write,
 * store.link and those of base/durable.h. */
#ifndef WEIR_STATE_STORE_H
#define WEIR_STATE_STORE_H
#include "state/snapfile.h"
#include <stdbool.h>

struct store;

enum store_backend { STORE_HEAP, STORE_ROCKSDB };

struct store_options {
    enum store_backend backend;
    /* RocksDB: memory for blocks that were read, and for what is not in files yet. 0: 32 and 16 MiB. */
    size_t cache_bytes, write_bytes;
    /* RocksDB: such entries are dropped when files are merged (storeout_now). NULL: none is. Called by any thread. */
    bool (*is_over)(const void *value, size_t n, int64_t now);
};

struct store_report { /* of a checkpoint */
    uint64_t changes; /* entries put since the one before */
    uint64_t written_bytes; /* new on the disk, merging included */
    uint64_t bytes; /* of all its files */
    unsigned files;
};

/* dir: this worker's own; what lies there is deleted. */
enum err store_open(const char *dir, struct diag *d, struct store **out); /* heap */
enum err store_open_as(const char *dir, const struct store_options *o, struct diag *d,
                       struct store **out);
void store_close(struct store *s); /* NULL is fine; its files in checkpoints stay */

/* A changed entry, or (value NULL) one that is gone. Once for each key between two checkpoints. */
enum err store_put(struct store *s, const char *op, unsigned group, const struct snapfile_entry *e);
/* What was put becomes part of what is kept, and all of it stands in `folder` under names that begin with `name`, fsynced.
 * On an error the changes may be lost: store_reset, and everything must be put, unless store_is_whole. */
enum err store_checkpoint(struct store *s, const char *folder, const char *name,
                          struct store_report *out, struct diag *d);
/* After an error: all that was put is in it nevertheless, so it can go on, and the next checkpoint has it. RocksDB, if it
 * was the checkpoint alone that failed. */
bool store_is_whole(struct store *s);
void store_reset(struct store *s); /* nothing is kept */

/* --- checkpoints, of either backend ---
 *
 * files: as the report said. */

/* The entries of groups [from, to), each key once. */
enum err store_read(const char *folder, const char *name, unsigned files, unsigned from,
                    unsigned to, snapfile_take *take, void *ctx, struct diag *d);
/* Every block of its files against its checksum. */
enum err store_verify(const char *folder, const char *name, unsigned files, struct diag *d);

struct store_part { /* what one worker put into a checkpoint */
    const char *folder, *name;
    unsigned files;
};
/* The entries of groups [from, to) of all parts are what an empty store keeps from now on, as if they had been put before a
 * checkpoint; each is given to `take` (may be NULL) too, when the store has them all. Files that have these groups alone are linked, not copied.
 * On an error: store_reset. */
enum err store_restore(struct store *s, const struct store_part *parts, unsigned n, unsigned from,
                       unsigned to, snapfile_take *take, void *ctx, struct diag *d);

#endif
