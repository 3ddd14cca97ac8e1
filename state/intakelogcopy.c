/* SPDX-License-Identifier: Apache-2.0 */
#include "state/intakelogcopy.h"
#include "state/intakelog_def.h"
#include "state/intakelogtrim.h"
#include <string.h>

enum { WHERE_OFFSET_IS = 8 }; /* in a key, behind stream and partition */
#define NEVER_FLUSH UINT64_MAX /* whatever the size of what is in memory: its log is copied */

enum err intakelogcopy(struct intakelog *l, const char *path, struct diag *d)
{
    char *text = NULL;
    rocksdb_checkpoint_t *c = rocksdb_checkpoint_object_create(l->db, &text);
    if (c != NULL)
        rocksdb_checkpoint_create(c, path, NEVER_FLUSH, &text);
    if (c != NULL)
        rocksdb_checkpoint_object_destroy(c);
    if (text == NULL)
        return ERR_OK;
    diag_say(d, "intake-log", "is there free space?", "the intake log cannot be copied to %s: %s",
             path, text);
    rocksdb_free(text);
    return ERR_IO;
}

/* The block in which `offset` lies, or that ends before it: its first row and watermark. False: there is none. */
static bool block_at(struct intakelog *l, rocksdb_iterator_t *it, uint32_t stream,
                     uint32_t partition, uint64_t offset, uint64_t *first, evtime *w, enum err *e)
{
    uint8_t key[INTAKELOG_KEY_BYTES];
    size_t n = 0;
    (void)l;
    intakelog_key(key, stream, partition, offset);
    rocksdb_iter_seek_for_prev(it, (const char *)key, sizeof key);
    if (!rocksdb_iter_valid(it))
        return false;
    const char *at = rocksdb_iter_key(it, &n);
    if (n != sizeof key || memcmp(at, key, WHERE_OFFSET_IS) != 0)
        return false;
    struct bytes_reader r = bytes_read(at + WHERE_OFFSET_IS, n - WHERE_OFFSET_IS);
    *first = bytes_get_be64(&r);
    const char *value = rocksdb_iter_value(it, &n);
    *e = intakelog_watermark(value, n, w);
    return *e == ERR_OK;
}

enum err intakelogcopy_seek(struct intakelog *l, uint32_t stream, uint32_t partition, evtime from,
                            int64_t delay_ms, uint64_t *offset, evtime *w)
{
    /* A row of `from` or later has raised the watermark to this at least. */
    evtime bound = from > EVTIME_MIN + delay_ms ? from - delay_ms : EVTIME_MIN;
    uint64_t low = intakelogtrim_first(l, stream, partition); /* blocks before this end below it */
    uint64_t high = intakelog_end(l, stream, partition), first = 0;
    enum err e = ERR_OK;
    evtime at = EVTIME_MIN, before = EVTIME_MIN;
    rocksdb_iterator_t *it = rocksdb_create_iterator(l->db, l->read);
    while (low < high && e == ERR_OK) { /* the least offset whose block reaches the bound */
        uint64_t mid = low + (high - low) / 2;
        if (!block_at(l, it, stream, partition, mid, &first, &at, &e) || at < bound)
            low = mid + 1;
        else
            high = mid;
    }
    if (e == ERR_OK && block_at(l, it, stream, partition, low, &first, &at, &e) && at >= bound)
        low = first; /* its other rows, too */
    if (e == ERR_OK && low > 0 && block_at(l, it, stream, partition, low - 1, &first, &at, &e))
        before = at;
    rocksdb_iter_destroy(it);
    if (e == ERR_OK) {
        *offset = low;
        *w = before;
    }
    return e;
}
