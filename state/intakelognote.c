/* SPDX-License-Identifier: Apache-2.0
 *
 * Key: u32 all ones, u32 kind, u64 what it is about, big-endian. Value, little-endian: u8 version (1), u32 stream,
 * u32 partition, u64 offset, u64 XXH3 of key and value before it. */
#include "base/mem.h"
#include "state/intakelog_def.h"
#include <string.h>

enum { VERSION = 1, SUMMED_BYTES = 17, VALUE_BYTES = 25 };

static uint64_t checksum(const uint8_t *key, const uint8_t *value)
{
    return XXH3_64bits_withSeed(value, SUMMED_BYTES, XXH3_64bits(key, INTAKELOG_KEY_BYTES));
}

void intakelognote_put(struct intakelog *l, rocksdb_writebatch_t *batch,
                       const struct intakelog_note *n, uint32_t stream, uint32_t partition,
                       uint64_t at)
{
    uint8_t key[INTAKELOG_KEY_BYTES];
    struct bytes *v = &l->value;
    bytes_reset(v);
    intakelog_key(key, INTAKELOG_NOTES, (uint32_t)n->kind, n->of);
    bytes_u8(v, VERSION);
    bytes_u32(v, stream);
    bytes_u32(v, partition);
    bytes_u64(v, n->row < 0 ? n->offset : at + (uint64_t)n->row);
    bytes_u64(v, checksum(key, v->p));
    rocksdb_writebatch_put(batch, (const char *)key, sizeof key, (const char *)v->p, v->n);
}

enum err intakelognote_get(struct intakelog *l, enum intakelog_note_kind kind, uint64_t of,
                           struct intakelog_noted *out)
{
    uint8_t key[INTAKELOG_KEY_BYTES];
    char *text = NULL;
    size_t n = 0;
    intakelog_key(key, INTAKELOG_NOTES, (uint32_t)kind, of);
    char *value = rocksdb_get(l->db, l->read, (const char *)key, sizeof key, &n, &text);
    enum err e = text != NULL ? ERR_IO : value == NULL ? ERR_NOT_FOUND : ERR_OK;
    if (e == ERR_OK) {
        struct bytes_reader r = bytes_read(value, n);
        uint8_t version = bytes_get_u8(&r);
        struct intakelog_noted got = {.stream = bytes_get_u32(&r)};
        got.partition = bytes_get_u32(&r);
        got.offset = bytes_get_u64(&r);
        uint64_t sum = bytes_get_u64(&r);
        if (n != VALUE_BYTES || sum != checksum(key, (const uint8_t *)value))
            e = ERR_CORRUPT;
        else if (version != VERSION)
            e = ERR_VERSION;
        else
            *out = got;
    }
    rocksdb_free(text);
    rocksdb_free(value);
    return e;
}
