/* SPDX-License-Identifier: Apache-2.0 */
/* rocksopts.h - how RocksDB is set up for state, and its errors as ours.
 *
 * Room:   [rocksopts] -> storerocks, rocksread
 * Owns:   the options and the block cache; an open database uses them until it is closed
 * Thread: one at a time.  Time: none.
 *
 * No write-ahead log: what lasts is a checkpoint. A key is its group (u16, big-endian), then its bytes, so that the keys
 * of a group lie together. A column family is "state|" and the operator's text. The family "default" has one entry,
 * "format" -> "1". */
#ifndef WEIR_STATE_ROCKSOPTS_H
#define WEIR_STATE_ROCKSOPTS_H
#include "base/diag.h"
#include "state/store.h"
#include <rocksdb/c.h>
#include <stdbool.h>

#define ROCKSOPTS_STATE "state|"
#define ROCKSOPTS_DUE "due|"
#define ROCKSOPTS_FORMAT_KEY "format"
#define ROCKSOPTS_FORMAT "1"

enum { ROCKSOPTS_GROUP_BYTES = 2, ROCKSOPTS_FAMILIES_MAX = 4096 };

struct rocksopts_over { /* what is dropped when files are merged */
    bool (*is_over)(const void *value, size_t n, int64_t now); /* NULL: nothing is */
    int64_t now; /* atomic */
};
struct rocksopts {
    rocksdb_options_t *db; /* of the database and its families, but for */
    rocksdb_options_t *state; /* those of state */
    struct rocksopts_over over; /* both stay in their place while a database is open */
    rocksdb_compactionfilter_t *filter;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
};

void rocksopts_init(struct rocksopts *o, const struct store_options *from);
void rocksopts_fini(struct rocksopts *o);

/* What RocksDB says (freed here; NULL: nothing) as an error, told in d with the folder and what was tried. */
enum err rocksopts_err(char *text, const char *dir, const char *what, struct diag *d);

struct rocksopts_families { /* of a database that is open */
    size_t n;
    char **names;
    rocksdb_column_family_handle_t **handles;
};
/* Opens it with all its families. */
enum err rocksopts_open(const struct rocksopts *o, const char *dir, bool read_only,
                        struct rocksopts_families *f, struct diag *d, rocksdb_t **out);
void rocksopts_close(struct rocksopts_families *f, rocksdb_t *db); /* NULL is fine */

#endif
