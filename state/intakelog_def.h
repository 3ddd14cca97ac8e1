/* SPDX-License-Identifier: Apache-2.0 */
/* intakelog_def.h - inside of the intake log: its database, and what is known of each partition.
 *
 * Room:   intakelog.c, intakelognote.c, intakelogtrim.c. Nobody else includes this.
 * Owns:   the database.  Thread: see intakelog.h. */
#ifndef WEIR_STATE_INTAKELOG_DEF_H
#define WEIR_STATE_INTAKELOG_DEF_H
#include "base/bytes.h"
#include "base/map.h"
#include "state/intakelog.h"
#include <pthread.h>
#include <rocksdb/c.h>
#include <xxhash.h>
#include <zstd.h>

enum { INTAKELOG_KEY_BYTES = 16 };
#define INTAKELOG_NOTES UINT32_MAX /* stands where a key has its stream: the key of a note */

struct intakelog_partition {
    uint64_t place; /* key of the map: stream and partition */
    uint64_t end;
    evtime w, arrival; /* arrival: of the last row */
    bool finished;
    bool advanced; /* the clock's record stands at the end */
    MAP_LINK;
};
struct intakelog {
    rocksdb_options_t *options;
    rocksdb_t *db;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write, *write_sync;
    ZSTD_CCtx *pack; /* the appender's */
    struct bytes raw, value; /* the appender's */
    pthread_mutex_t lock; /* of what follows */
    struct intakelog_partition *partitions;
};

void intakelog_key(uint8_t key[INTAKELOG_KEY_BYTES], uint32_t stream, uint32_t partition,
                   uint64_t first);
/* When the rows of a block came. */
enum err intakelog_arrived(const void *value, size_t n, evtime *arrival);
enum err intakelog_watermark(const void *value, size_t n, evtime *w); /* after the block */
/* at: the offset of the first row that is written with it. */
void intakelognote_put(struct intakelog *l, rocksdb_writebatch_t *batch,
                       const struct intakelog_note *n, uint32_t stream, uint32_t partition,
                       uint64_t at);

#endif
