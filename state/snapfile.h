/* SPDX-License-Identifier: Apache-2.0 */
/* snapfile.h - a file of state: entries by operator and key group, each block with a checksum. The reader's side.
 *
 * Room:   snapwriter -> checkpoint folder, savepoint -> [snapfile] -> a task that starts
 * Owns:   the file while it is open
 * Thread: one at a time.  Time: none.
 *
 * An operator is known by a text of its own (what it is of, never a number of this run); an entry by operator, key group
 * and key bytes. Within a block all entries are of one operator and group, so a worker that starts with a part of the key
 * groups reads those blocks alone. The order of entries within a group is that of writing.
 *
 * The format is in state/README.md. The reader trusts nothing: every length is held against what is there, every block
 * against its checksum, and a file without its end (torn) is ERR_CORRUPT before any entry is given. */
#ifndef WEIR_STATE_SNAPFILE_H
#define WEIR_STATE_SNAPFILE_H
#include "base/diag.h"
#include <stddef.h>
#include <stdint.h>

enum {
    SNAPFILE_VERSION = 1,
    SNAPFILE_OPERATORS_MAX = 1 << 16,
    SNAPFILE_GROUPS_MAX = 1 << 15,
    SNAPFILE_NAME_MAX = 4096, /* bytes of an operator's text */
    SNAPFILE_KEY_MAX = 1 << 20,
    SNAPFILE_VALUE_MAX = 1 << 30
};

struct snapfile_entry {
    const void *key;
    size_t key_n;
    const void *value; /* NULL: there is no such entry any more (files of changes) */
    size_t value_n;
};

struct snapfile;

/* ERR_CORRUPT, ERR_VERSION, ERR_IO …: d says what is wrong with the file. */
enum err snapfile_open(const char *path, struct diag *d, struct snapfile **out);
void snapfile_close(struct snapfile *f); /* NULL is fine */
unsigned snapfile_operators(const struct snapfile *f);
const char *snapfile_operator(const struct snapfile *f, unsigned i);
uint64_t snapfile_entries(const struct snapfile *f, unsigned op); /* of all groups */
uint64_t snapfile_bytes(const struct snapfile *f); /* of the file */
/* Entries are of groups [*from, *to) alone; none: both are 0. */
void snapfile_groups(const struct snapfile *f, unsigned *from, unsigned *to);

/* Another answer than ERR_OK ends the reading. The entry lives for the call. */
typedef enum err snapfile_take(void *ctx, const char *op, unsigned group,
                               const struct snapfile_entry *e);
/* The entries of operator `op` (index) in groups [from, to). d: what is wrong, where. */
enum err snapfile_read(struct snapfile *f, unsigned op, unsigned from, unsigned to,
                       snapfile_take *take, void *ctx, struct diag *d);
enum err snapfile_verify(struct snapfile *f, struct diag *d); /* every block */

#endif
