/* SPDX-License-Identifier: Apache-2.0
 *
 * Value of a block, little-endian:
 *   u8 version (2), u8 kind (rows, rows compressed, end of input, time), u16 rows, u32 bytes of the payload when unpacked,
 *   u64 arrival, u64 watermark after the block, u64 watermark that the clock gave before it, u64 XXH3 of all the rest,
 *   payload. Version 1 had no watermark before the block.
 * Payload: the length of each row as u32, then the texts one after the other.
 * A block of time stands at the offset of the row to come and is overwritten by what is appended there.
 *
 * What is known of each partition (end, finished, watermark) is read once at open from its last block and kept in
 * memory under the lock; the lock is not held while RocksDB writes, so readers never wait for a sync. */
#include "base/mem.h"
#include "state/intakelog_def.h"
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    VERSION = 2,
    HEADER_BYTES = 40,
    HEADER_BYTES_1 = 32, /* of version 1 */
    KEY_BYTES = INTAKELOG_KEY_BYTES,
    PADDING = 32, /* readable bytes after the texts of a block */
    PACK_FROM_BYTES = 512, /* smaller payloads are not worth a zstd frame */
    PACK_LEVEL = 1,
    PAYLOAD_MAX = 64 << 20, /* no block was ever written with more: a larger figure is damage */
    WRITE_BUFFER_BYTES = 32 << 20,
};
enum block_kind { BLOCK_ROWS, BLOCK_ROWS_PACKED, BLOCK_END, BLOCK_TIME };

struct place {
    uint32_t stream, partition;
};

void intakelog_key(uint8_t key[KEY_BYTES], uint32_t stream, uint32_t partition, uint64_t first)
{
    for (unsigned i = 0; i < 4; i++) {
        key[i] = (uint8_t)(stream >> (24 - 8 * i));
        key[4 + i] = (uint8_t)(partition >> (24 - 8 * i));
    }
    for (unsigned i = 0; i < 8; i++)
        key[8 + i] = (uint8_t)(first >> (56 - 8 * i));
}

struct header {
    uint8_t version, kind;
    uint16_t n;
    uint32_t raw_bytes;
    size_t bytes; /* of the header itself */
    evtime arrival, w, before;
    uint64_t sum;
};

static uint64_t checksum(const uint8_t *value, size_t header, size_t n)
{
    uint64_t of_header = XXH3_64bits(value, header - 8);
    return XXH3_64bits_withSeed(value + header, n - header, of_header);
}

static enum err read_header(const void *value, size_t n, struct header *h)
{
    struct bytes_reader r = bytes_read(value, n);
    h->version = bytes_get_u8(&r);
    h->kind = bytes_get_u8(&r);
    h->n = bytes_get_u16(&r);
    h->raw_bytes = bytes_get_u32(&r);
    h->arrival = (evtime)bytes_get_u64(&r);
    h->w = (evtime)bytes_get_u64(&r);
    h->before = h->version == 1 ? EVTIME_MIN : (evtime)bytes_get_u64(&r);
    h->sum = bytes_get_u64(&r);
    h->bytes = h->version == 1 ? HEADER_BYTES_1 : HEADER_BYTES;
    if (n < HEADER_BYTES_1)
        return ERR_CORRUPT;
    if (h->version == 0 || h->version > VERSION)
        return ERR_VERSION;
    if (r.bad || h->kind > BLOCK_TIME || h->n > INTAKELOG_BLOCK_ROWS || h->raw_bytes > PAYLOAD_MAX)
        return ERR_CORRUPT;
    if ((h->kind >= BLOCK_END) != (h->n == 0) || checksum(value, h->bytes, n) != h->sum)
        return ERR_CORRUPT;
    return ERR_OK;
}

enum err intakelog_arrived(const void *value, size_t n, evtime *arrival)
{
    struct header h;
    enum err e = read_header(value, n, &h);
    if (e == ERR_OK)
        *arrival = h.arrival;
    return e;
}

enum err intakelog_watermark(const void *value, size_t n, evtime *w)
{
    struct header h;
    enum err e = read_header(value, n, &h);
    if (e == ERR_OK)
        *w = h.w;
    return e;
}

static struct intakelog_partition *find(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    uint64_t place = (uint64_t)stream << 32 | partition;
    return MAP_GET(l->partitions, &place, sizeof place);
}

static struct intakelog_partition *find_or_add(struct intakelog *l, uint32_t stream,
                                               uint32_t partition)
{
    struct intakelog_partition *p = find(l, stream, partition);
    if (p == NULL) {
        p = mem_new(sizeof *p);
        p->place = (uint64_t)stream << 32 | partition;
        p->w = p->arrival = EVTIME_MIN;
        MAP_PUT(l->partitions, p, &p->place, sizeof p->place);
    }
    return p;
}

/* The iterator stands on a partition's last block: learn its end. */
static enum err learn_partition(struct intakelog *l, rocksdb_iterator_t *it, struct place *at)
{
    size_t nkey = 0, nvalue = 0;
    const char *key = rocksdb_iter_key(it, &nkey);
    if (nkey != KEY_BYTES)
        return ERR_CORRUPT;
    struct bytes_reader r = bytes_read(key, nkey);
    at->stream = bytes_get_be32(&r);
    at->partition = bytes_get_be32(&r);
    uint64_t first = bytes_get_be64(&r);
    const char *value = rocksdb_iter_value(it, &nvalue);
    struct header h;
    enum err e = read_header(value, nvalue, &h);
    if (e != ERR_OK)
        return e;
    struct intakelog_partition *p = find_or_add(l, at->stream, at->partition);
    p->end = first + h.n;
    p->finished = h.kind == BLOCK_END;
    p->advanced = h.kind == BLOCK_TIME;
    p->w = h.w;
    p->arrival = h.arrival;
    return ERR_OK;
}

static enum err learn_all(struct intakelog *l, struct place *at)
{
    enum err e = ERR_OK;
    uint8_t key[KEY_BYTES];
    rocksdb_iterator_t *it = rocksdb_create_iterator(l->db, l->read);
    intakelog_key(key, INTAKELOG_NOTES, 0, 0); /* what comes after are notes */
    rocksdb_iter_seek_for_prev(it, (const char *)key, sizeof key);
    while (rocksdb_iter_valid(it)) {
        if ((e = learn_partition(l, it, at)) != ERR_OK)
            break;
        intakelog_key(key, at->stream, at->partition, 0);
        rocksdb_iter_seek_for_prev(it, (const char *)key, sizeof key);
        size_t n = 0;
        /* A block at offset 0 is this partition's own first one. */
        if (rocksdb_iter_valid(it) && memcmp(rocksdb_iter_key(it, &n), key, KEY_BYTES) == 0)
            rocksdb_iter_prev(it);
    }
    char *text = NULL;
    rocksdb_iter_get_error(it, &text);
    if (text != NULL && e == ERR_OK)
        e = ERR_IO;
    rocksdb_free(text);
    rocksdb_iter_destroy(it);
    return e;
}

static rocksdb_options_t *make_options(void)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_compression(o, rocksdb_no_compression); /* the blocks are packed already */
    rocksdb_options_set_write_buffer_size(o, WRITE_BUFFER_BYTES);
    rocksdb_options_set_keep_log_file_num(o, 2);
    rocksdb_options_set_max_open_files(o, 512);
    return o;
}

enum err intakelog_open(const char *path, struct diag *d, struct intakelog **out)
{
    enum err e = ERR_OK;
    char *text = NULL;
    struct intakelog *l = mem_new(sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->options = make_options();
    l->db = rocksdb_open(l->options, path, &text);
    if (l->db == NULL) {
        e = text != NULL && strstr(text, "lock") != NULL ? ERR_IN_USE : ERR_IO;
        if (e == ERR_IN_USE)
            diag_say(d, "in-use", "stop the other weir, or choose another data folder",
                     "the intake log %s is open in another process", path);
        else
            diag_say(d, "intake-log", NULL, "cannot open the intake log %s: %s", path, text);
        goto out;
    }
    l->read = rocksdb_readoptions_create();
    l->write = rocksdb_writeoptions_create();
    l->write_sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(l->write_sync, 1);
    l->pack = ZSTD_createCCtx();
    struct place at = {0, 0};
    if ((e = learn_all(l, &at)) != ERR_OK) {
        diag_say(d, "intake-log", "restore the folder from a copy, or start with an empty one",
                 "the intake log %s cannot be read (%s), after stream %u, partition %u", path,
                 err_text(e), at.stream, at.partition);
        goto out;
    }
    *out = l;
    l = NULL;
out:
    rocksdb_free(text);
    intakelog_close(l);
    return e;
}

void intakelog_close(struct intakelog *l)
{
    if (l == NULL)
        return;
    if (l->db != NULL)
        rocksdb_close(l->db);
    rocksdb_options_destroy(l->options);
    if (l->read != NULL) {
        rocksdb_readoptions_destroy(l->read);
        rocksdb_writeoptions_destroy(l->write);
        rocksdb_writeoptions_destroy(l->write_sync);
    }
    ZSTD_freeCCtx(l->pack);
    bytes_fini(&l->raw);
    bytes_fini(&l->value);
    struct intakelog_partition *p, *next;
    MAP_EACH(l->partitions, p, next) {
        MAP_DEL(l->partitions, p);
        mem_free(p);
    }
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

/* --- appending --------------------------------------------------------------------------------------------------- */

static void put_header(struct bytes *b, enum block_kind kind, unsigned n, size_t raw_bytes,
                       const struct intakelog_time *t)
{
    bytes_u8(b, VERSION);
    bytes_u8(b, (uint8_t)kind);
    bytes_u16(b, (uint16_t)n);
    bytes_u32(b, (uint32_t)raw_bytes);
    bytes_u64(b, (uint64_t)t->arrival);
    bytes_u64(b, (uint64_t)t->w);
    bytes_u64(b, (uint64_t)t->before);
    bytes_u64(b, 0);
}

static void seal(struct bytes *b)
{
    uint64_t sum = checksum(b->p, HEADER_BYTES, b->n);
    for (unsigned i = 0; i < 8; i++)
        b->p[HEADER_BYTES - 8 + i] = (uint8_t)(sum >> (8 * i));
}

/* One block's value into l->value. */
static void encode(struct intakelog *l, const struct intakelog_row *rows, unsigned n,
                   const struct intakelog_time *t)
{
    struct bytes *raw = &l->raw, *v = &l->value;
    bytes_reset(raw);
    bytes_reset(v);
    for (unsigned i = 0; i < n; i++)
        bytes_u32(raw, rows[i].n);
    for (unsigned i = 0; i < n; i++)
        bytes_put(raw, rows[i].p, rows[i].n);
    if (raw->n >= PACK_FROM_BYTES) {
        put_header(v, BLOCK_ROWS_PACKED, n, raw->n, t);
        size_t bound = ZSTD_compressBound(raw->n);
        uint8_t *to = bytes_reserve(v, bound);
        size_t packed = ZSTD_compressCCtx(l->pack, to, bound, raw->p, raw->n, PACK_LEVEL);
        if (!ZSTD_isError(packed)) {
            v->n += packed;
            seal(v);
            return;
        }
        bytes_reset(v);
    }
    put_header(v, BLOCK_ROWS, n, raw->n, t);
    bytes_put(v, raw->p, raw->n);
    seal(v);
}

static unsigned rows_of_a_block(const struct intakelog_row *rows, unsigned n)
{
    size_t bytes = 0;
    unsigned k = 0;
    while (k < n && k < INTAKELOG_BLOCK_ROWS &&
           (k == 0 || bytes + rows[k].n <= INTAKELOG_BLOCK_BYTES))
        bytes += rows[k++].n;
    return k;
}

enum err intakelog_append(struct intakelog *l, uint32_t stream, uint32_t partition,
                          const struct intakelog_time *t, const struct intakelog_row *rows,
                          unsigned n, int sync, uint64_t *first)
{
    return intakelog_append_noted(l, stream, partition, t, rows, n, NULL, 0, sync, first);
}

enum err intakelog_append_noted(struct intakelog *l, uint32_t stream, uint32_t partition,
                                const struct intakelog_time *t, const struct intakelog_row *rows,
                                unsigned n, const struct intakelog_note *notes, unsigned nnotes,
                                int sync, uint64_t *first)
{
    struct intakelog_time of_block = *t;
    pthread_mutex_lock(&l->lock);
    struct intakelog_partition *p = find_or_add(l, stream, partition);
    bool finished = p->finished;
    uint64_t at = p->end;
    if (p->advanced && p->w > of_block.before) /* these rows take the place of that record */
        of_block.before = p->w;
    pthread_mutex_unlock(&l->lock);
    if (finished)
        return ERR_CONFLICT;
    uint8_t key[KEY_BYTES];
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    for (unsigned done = 0; done < n;) {
        unsigned k = rows_of_a_block(rows + done, n - done);
        encode(l, rows + done, k, &of_block);
        of_block.before = EVTIME_MIN;
        intakelog_key(key, stream, partition, at + done);
        rocksdb_writebatch_put(batch, (const char *)key, sizeof key, (const char *)l->value.p,
                               l->value.n);
        done += k;
    }
    for (unsigned i = 0; i < nnotes; i++)
        intakelognote_put(l, batch, &notes[i], stream, partition, at);
    char *text = NULL;
    rocksdb_write(l->db, sync ? l->write_sync : l->write, batch, &text);
    rocksdb_writebatch_destroy(batch);
    if (text != NULL) {
        rocksdb_free(text);
        return ERR_IO;
    }
    pthread_mutex_lock(&l->lock);
    p->end = at + n;
    p->w = t->w;
    p->arrival = t->arrival;
    p->advanced = false;
    pthread_mutex_unlock(&l->lock);
    *first = at;
    return ERR_OK;
}

/* A record without rows at the partition's end. */
static enum err put_record(struct intakelog *l, uint32_t stream, uint32_t partition,
                           enum block_kind kind, evtime w, rocksdb_writeoptions_t *how)
{
    pthread_mutex_lock(&l->lock);
    struct intakelog_partition *p = find_or_add(l, stream, partition);
    bool finished = p->finished;
    uint64_t at = p->end;
    struct intakelog_time t = {.arrival = p->arrival, .before = EVTIME_MIN, .w = w};
    pthread_mutex_unlock(&l->lock);
    if (finished)
        return ERR_CONFLICT;
    uint8_t key[KEY_BYTES];
    intakelog_key(key, stream, partition, at);
    bytes_reset(&l->value);
    put_header(&l->value, kind, 0, 0, &t);
    seal(&l->value);
    char *text = NULL;
    rocksdb_put(l->db, how, (const char *)key, sizeof key, (const char *)l->value.p, l->value.n,
                &text);
    if (text != NULL) {
        rocksdb_free(text);
        return ERR_IO;
    }
    pthread_mutex_lock(&l->lock);
    p->finished = kind == BLOCK_END;
    p->advanced = kind == BLOCK_TIME;
    p->w = w;
    pthread_mutex_unlock(&l->lock);
    return ERR_OK;
}

enum err intakelog_advance(struct intakelog *l, uint32_t stream, uint32_t partition, evtime w)
{
    return put_record(l, stream, partition, BLOCK_TIME, w, l->write);
}

enum err intakelog_finish(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    return put_record(l, stream, partition, BLOCK_END, EVTIME_MAX, l->write_sync);
}

enum err intakelog_seed(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                        evtime w)
{
    pthread_mutex_lock(&l->lock);
    struct intakelog_partition *p = find_or_add(l, stream, partition);
    bool empty = p->end == 0 && !p->finished;
    if (empty)
        p->end = offset;
    pthread_mutex_unlock(&l->lock);
    if (!empty)
        return ERR_CONFLICT;
    return put_record(l, stream, partition, w == EVTIME_MAX ? BLOCK_END : BLOCK_TIME, w,
                      l->write_sync);
}

int intakelog_finished(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    pthread_mutex_lock(&l->lock);
    const struct intakelog_partition *p = find(l, stream, partition);
    int finished = p != NULL && p->finished;
    pthread_mutex_unlock(&l->lock);
    return finished;
}

uint64_t intakelog_end(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    pthread_mutex_lock(&l->lock);
    const struct intakelog_partition *p = find(l, stream, partition);
    uint64_t end = p != NULL ? p->end : 0;
    pthread_mutex_unlock(&l->lock);
    return end;
}

evtime intakelog_w(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    pthread_mutex_lock(&l->lock);
    const struct intakelog_partition *p = find(l, stream, partition);
    evtime w = p != NULL ? p->w : EVTIME_MIN;
    pthread_mutex_unlock(&l->lock);
    return w;
}

evtime intakelog_arrival(struct intakelog *l, uint32_t stream, uint32_t partition)
{
    pthread_mutex_lock(&l->lock);
    const struct intakelog_partition *p = find(l, stream, partition);
    evtime arrival = p != NULL ? p->arrival : EVTIME_MIN;
    pthread_mutex_unlock(&l->lock);
    return arrival;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Appends a block's payload to *buffer. False: it does not unpack to what its header says. */
static bool unpack(const struct header *h, const char *value, size_t n, struct bytes *buffer)
{
    const char *from = value + h->bytes;
    size_t packed = n - h->bytes;
    uint8_t *to = bytes_reserve(buffer, (size_t)h->raw_bytes + PADDING);
    if (h->kind == BLOCK_ROWS) {
        if (packed != h->raw_bytes)
            return false;
        memcpy(to, from, packed);
    } else if (ZSTD_decompress(to, h->raw_bytes, from, packed) != h->raw_bytes) {
        return false;
    }
    buffer->n += h->raw_bytes;
    return true;
}

/* Notes the rows of a payload that begins at `at` in the buffer, leaving out `skip`; texts as offsets for now, since the
 * buffer may still move. */
static bool note_rows(const struct header *h, const struct bytes *buffer, size_t at, unsigned skip,
                      struct intakelog_block *out)
{
    struct bytes_reader r = bytes_read(buffer->p + at, h->raw_bytes);
    size_t text = at + 4 * (size_t)h->n;
    for (unsigned i = 0; i < h->n; i++) {
        uint32_t n = bytes_get_u32(&r);
        if (r.bad || n > buffer->n || text > buffer->n - n)
            return false;
        if (i >= skip) {
            out->arrivals[out->n] = h->arrival;
            out->rows[out->n++] = (struct intakelog_row){(const char *)(uintptr_t)text, n};
        }
        text += n;
    }
    return text == buffer->n;
}

/* Takes the block under the iterator, if it is the one that goes on at out->first + out->n. ERR_END: it is not, or it
 * does not fit any more. */
static enum err take_block(rocksdb_iterator_t *it, const uint8_t key_prefix[8],
                           struct bytes *buffer, struct intakelog_block *out)
{
    if (!rocksdb_iter_valid(it))
        return ERR_END;
    size_t nkey = 0, nvalue = 0;
    const char *key = rocksdb_iter_key(it, &nkey);
    if (nkey != KEY_BYTES || memcmp(key, key_prefix, 8) != 0)
        return ERR_END;
    struct bytes_reader r = bytes_read(key + 8, 8);
    uint64_t first = bytes_get_be64(&r), next = out->first + out->n;
    const char *value = rocksdb_iter_value(it, &nvalue);
    struct header h;
    enum err e = read_header(value, nvalue, &h);
    if (e != ERR_OK)
        return e;
    if (h.kind >= BLOCK_END) {
        if (out->n > 0 || first != next)
            return ERR_END;
        out->end_of_input = h.kind == BLOCK_END;
        out->before = h.kind == BLOCK_TIME ? h.w : EVTIME_MIN;
        out->w = h.w;
        return ERR_OK;
    }
    if (next < first || next >= first + h.n || (out->n > 0 && h.before != EVTIME_MIN))
        return ERR_END;
    if (out->n > 0 &&
        (out->n + h.n > INTAKELOG_BLOCK_ROWS || buffer->n + h.raw_bytes > INTAKELOG_BLOCK_BYTES))
        return ERR_END;
    if (out->n == 0 && next == first)
        out->before = h.before;
    size_t at = buffer->n;
    if (!unpack(&h, value, nvalue, buffer) ||
        !note_rows(&h, buffer, at, (unsigned)(next - first), out))
        return ERR_CORRUPT;
    out->w = h.w;
    return ERR_OK;
}

enum err intakelog_read(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                        struct intakelog_block *out)
{
    uint8_t key[KEY_BYTES];
    intakelog_key(key, stream, partition, offset);
    struct bytes buffer = {0};
    out->first = offset;
    out->n = 0;
    out->end_of_input = 0;
    out->before = out->w = EVTIME_MIN;
    out->buffer = NULL;
    rocksdb_iterator_t *it = rocksdb_create_iterator(l->db, l->read);
    rocksdb_iter_seek_for_prev(it, (const char *)key, sizeof key);
    enum err e = take_block(it, key, &buffer, out);
    while (e == ERR_OK && !out->end_of_input && out->n < INTAKELOG_BLOCK_ROWS) {
        rocksdb_iter_next(it);
        enum err more = take_block(it, key, &buffer, out);
        if (more == ERR_END)
            break;
        e = more;
    }
    rocksdb_iter_destroy(it);
    if (e != ERR_OK) {
        bytes_fini(&buffer);
        return e;
    }
    if (buffer.p != NULL) {
        memset(bytes_reserve(&buffer, PADDING), 0, PADDING);
        for (unsigned i = 0; i < out->n; i++)
            out->rows[i].p = (const char *)buffer.p + (uintptr_t)out->rows[i].p;
    }
    out->buffer = (char *)buffer.p;
    return ERR_OK;
}

void intakelog_block_fini(struct intakelog_block *b)
{
    mem_free(b->buffer);
    b->buffer = NULL;
    b->n = 0;
}

enum err intakelog_event(struct intakelog *l, uint32_t stream, uint32_t partition, uint64_t offset,
                         char **text, size_t *n)
{
    struct intakelog_block *b = mem_alloc(sizeof *b);
    enum err e = intakelog_read(l, stream, partition, offset, b);
    if (e == ERR_OK && b->n == 0)
        e = ERR_END;
    if (e == ERR_OK) {
        *text = mem_dup(b->rows[0].p, b->rows[0].n);
        *n = b->rows[0].n;
        intakelog_block_fini(b);
    }
    mem_free(b);
    return e == ERR_END ? ERR_NOT_FOUND : e;
}
