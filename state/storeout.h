/* SPDX-License-Identifier: Apache-2.0 */
/* storeout.h - entries that are not in the memory of the task: put into the store and asked for one by one. RocksDB alone.
 *
 * Room:   a task above its budget -> [storeout] -> the working database of store.h
 * Owns:   nothing but what the store has.
 * Thread: one, which need not be the one that calls the rest of the store.  Time: what `due` and `now` say.
 *
 * What is put here is in the next checkpoint, like what store_put was given. An entry may have a note of when it is due:
 * notes are given out in order of time, once; a note of an entry that has changed since is not taken back, so whoever
 * takes one looks. */
#ifndef WEIR_STATE_STOREOUT_H
#define WEIR_STATE_STOREOUT_H
#include "base/bytes.h"
#include "state/store.h"

struct storeout; /* an operator's entries */

/* ERR_UNSUPPORTED: of the heap backend. Valid until the store is closed; not after store_reset. */
enum err storeout_open(struct store *s, const char *op, struct storeout **out);
/* Of the operators that the store was given by store_restore those alone stay of which is_live says yes: a rule that is no more
 * leaves its entries behind. Before anything is put. Of the heap backend all stay. */
enum err storeout_keep(struct store *s, bool (*is_live)(const void *ctx, const char *op),
                       const void *ctx, struct diag *d);
/* Into *value, emptied first. ERR_NOT_FOUND: there is none. */
enum err storeout_get(struct storeout *o, unsigned group, const void *key, size_t key_n,
                      struct bytes *value);
/* value NULL: it is gone. */
enum err storeout_put(struct storeout *o, unsigned group, const struct snapfile_entry *e);
enum err storeout_note(struct storeout *o, unsigned group, const void *key, size_t key_n,
                       int64_t due);
typedef void storeout_take(void *ctx, unsigned group, const void *key, size_t key_n);
/* Up to n notes of up to `to`, in order; they are gone. *next: the time of the first that stays; INT64_MAX: none does. */
enum err storeout_due(struct storeout *o, int64_t to, unsigned n, storeout_take *take, void *ctx,
                      int64_t *next);
/* Every key of a group. */
enum err storeout_keys(struct storeout *o, unsigned group, storeout_take *take, void *ctx);

/* How far time has come: entries that are over by then (store_options.is_over) are dropped when files are merged. */
void storeout_now(struct store *s, int64_t now);

struct storeout_stats {
    uint64_t memory_bytes; /* of the block cache and of what is not in files yet */
    uint64_t disk_bytes;
    uint64_t entries; /* about */
};
void storeout_stats(struct store *s, struct storeout_stats *out);

#endif
