/* SPDX-License-Identifier: Apache-2.0 */
#include "state/intakelogtrim.h"
#include "state/intakelog_def.h"
#include <string.h>

enum { PREFIX_BYTES = 8 }; /* of a key: stream and partition */

/* The offset in the key under the iterator. False: it is past the partition. */
static bool offset_of(rocksdb_iterator_t *it, const uint8_t key[INTAKELOG_KEY_BYTES],
                      uint64_t *offset)
{
    size_t n = 0;
    if (!rocksdb_iter_valid(it))
        return false;
    const char *at = rocksdb_iter_key(it, &n);
    if (n != INTAKELOG_KEY_BYTES || memcmp(at, key, PREFIX_BYTES) != 0)
        return false;
    struct bytes_reader r = bytes_read(at + PREFIX_BYTES, n - PREFIX_BYTES);
    *offset = bytes_get_be64(&r);
    return true;
}

static enum err delete_range(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t to)
{
    uint8_t from[INTAKELOG_KEY_BYTES], end[INTAKELOG_KEY_BYTES];
    char *text = NULL;
    intakelog_key(from, stream, partition, 0);
    intakelog_key(end, stream, partition, to);
    /* Whole files first, which gives their space back at once; then what lies in files with others. */
    rocksdb_delete_file_in_range(l->db, (const char *)from, sizeof from, (const char *)end,
                                 sizeof end, &text);
    rocksdb_free(text);
    text = NULL;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_range(batch, (const char *)from, sizeof from, (const char *)end,
                                    sizeof end);
    rocksdb_write(l->db, l->write, batch, &text);
    rocksdb_writebatch_destroy(batch);
    bool failed = text != NULL;
    rocksdb_free(text);
    return failed ? ERR_IO : ERR_OK;
}

enum err intakelogtrim(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                       evtime arrived_before, uint64_t *blocks)
{
    uint8_t key[INTAKELOG_KEY_BYTES];
    uint64_t first = 0, cut = 0, seen = 0;
    evtime arrival = EVTIME_MIN; /* of the block before */
    enum err e = ERR_OK;
    intakelog_key(key, stream, partition, 0);
    rocksdb_iterator_t *it = rocksdb_create_iterator(l->db, l->read);
    rocksdb_iter_seek(it, (const char *)key, sizeof key);
    while (seen < INTAKELOGTRIM_BLOCKS_MAX && offset_of(it, key, &first) && first <= offset &&
           arrival < arrived_before) {
        size_t n = 0;
        const char *value = rocksdb_iter_value(it, &n);
        cut = first;
        seen++;
        if ((e = intakelog_arrived(value, n, &arrival)) != ERR_OK)
            break;
        rocksdb_iter_next(it);
    }
    rocksdb_iter_destroy(it);
    *blocks = seen > 0 ? seen - 1 : 0; /* the one at the cut stays */
    return e == ERR_OK && *blocks > 0 ? delete_range(l, stream, partition, cut) : e;
}

uint64_t intakelogtrim_first(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    uint8_t key[INTAKELOG_KEY_BYTES];
    uint64_t first = 0;
    intakelog_key(key, stream, partition, 0);
    rocksdb_iterator_t *it = rocksdb_create_iterator(l->db, l->read);
    rocksdb_iter_seek(it, (const char *)key, sizeof key);
    bool any = offset_of(it, key, &first);
    rocksdb_iter_destroy(it);
    return any ? first : intakelog_end(l, stream, partition);
}
