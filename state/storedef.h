/* SPDX-License-Identifier: Apache-2.0 */
/* storedef.h - what a backend of the store is made of. For store.c, storeheap.c, storerocks.c, rocksread.c.
 *
 * Room:   store -> [storeheap | storerocks, rocksread]
 * Owns:   see store.h.  Thread: one at a time.  Time: none. */
#ifndef WEIR_STATE_STOREDEF_H
#define WEIR_STATE_STOREDEF_H
#include "state/store.h"
#include <stdbool.h>

struct storedef {
    enum store_backend backend;
    void (*close)(struct store *s);
    enum err (*put)(struct store *s, const char *op, unsigned group,
                    const struct snapfile_entry *e);
    enum err (*checkpoint)(struct store *s, const char *folder, const char *name,
                           struct store_report *out, struct diag *d);
    bool (*is_whole)(struct store *s); /* NULL: never, after an error */
    void (*reset)(struct store *s);
    /* A part all of whose groups are of this store, and nothing has been put yet: its files are linked. */
    enum err (*adopt)(struct store *s, const struct store_part *p, struct diag *d);
    /* Entries were put that a checkpoint has: they are none of the next one's changes. */
    enum err (*settle)(struct store *s, struct diag *d);
};

struct store { /* first member of a backend's own */
    const struct storedef *def;
    char *dir;
};

/* store.c: an error of the system, told with its text. */
enum err store_fails(struct diag *d, const char *path, const char *what, int errnum);

/* storeheap.c */
enum err storeheap_open(struct store **out); /* its folder is there, and empty */
enum err storeheap_read(const struct store_part *p, unsigned from, unsigned to, snapfile_take *take,
                        void *ctx, struct diag *d);
enum err storeheap_verify(const struct store_part *p, struct diag *d);
/* Its entries are of groups [*from, *to); none: both are 0. */
enum err storeheap_span(const struct store_part *p, unsigned *from, unsigned *to, struct diag *d);

/* storerocks.c */
enum err storerocks_open(const char *dir, const struct store_options *o, struct diag *d,
                         struct store **out);

/* rocksread.c */
char *rocksread_folder(const struct store_part *p); /* freed by mem_free */
/* The files of such a folder; how many. each may be NULL. */
typedef void rocksread_file(void *ctx, const char *name, uint64_t bytes);
unsigned rocksread_files(const char *dir, rocksread_file *each, void *ctx);
bool rocksread_is(const struct store_part *p); /* it was written by RocksDB */
enum err rocksread_entries(const struct store_part *p, unsigned from, unsigned to,
                           snapfile_take *take, void *ctx, struct diag *d);
enum err rocksread_verify(const struct store_part *p, struct diag *d);
enum err rocksread_span(const struct store_part *p, unsigned *from, unsigned *to, struct diag *d);

#endif
