/* SPDX-License-Identifier: Apache-2.0 */
/* storerocks.h - inside of the RocksDB backend. For storerocks.c, storeout.c.
 *
 * Room:   store, storeout -> [storerocks: the working database]
 * Owns:   see store.h.  Thread: see there; the list of families is shared by two.  Time: none. */
#ifndef WEIR_STATE_STOREROCKS_H
#define WEIR_STATE_STOREROCKS_H
#include "base/bytes.h"
#include "state/rocksopts.h"
#include "state/storedef.h"
#include <pthread.h>

struct storerocks;

struct storerocks_change {
    const char *key; /* with its group */
    const void *value; /* NULL: gone */
    uint32_t key_n, value_n;
    size_t order; /* of putting; the last one counts */
};
struct storeout { /* an operator */
    struct storerocks *s;
    char *op;
    rocksdb_column_family_handle_t *handle;
    /* storerocks.c: */
    struct storerocks_change *changes;
    size_t n, cap;
    /* storeout.c: */
    rocksdb_column_family_handle_t *notes; /* NULL: there are none yet */
    struct bytes key, from; /* from: notes before it have been taken */
    unsigned taken; /* since the last that were deleted */
};
struct storerocks_file { /* of the last checkpoint */
    char *name;
};
struct storerocks {
    struct store store;
    struct rocksopts o;
    char *folder; /* of changes that are being written */
    char *dir; /* of the database, in it */
    rocksdb_t *db; /* NULL: it must be made */
    rocksdb_column_family_handle_t *format; /* of the family "default" */
    pthread_mutex_t lock; /* of the families: which there are */
    struct storeout **families;
    size_t nfamilies, families_cap, last; /* last: the one asked for last */
    struct arena *gathered; /* of the changes */
    uint64_t nchanges;
    bool broken; /* changes were lost */
    uint64_t made; /* files so far: their names */
    struct storerocks_file *files;
    size_t nfiles, files_cap;
};

static inline struct storerocks *storerocks_of(struct store *s)
{
    return (struct storerocks *)s; /* its first member */
}

/* The database is there. ERR_LIMIT: there are too many operators. */
enum err storerocks_family(struct storerocks *s, const char *op, struct storeout **out);
/* See storeout_keep. */
enum err storerocks_keep(struct storerocks *s, bool (*is_live)(const void *ctx, const char *op),
                         const void *ctx, struct diag *d);

#endif
