/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader. The index at the end is read and held against its checksum at once; blocks when they are asked for. */
#include "state/snapfile.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "state/snapfile_format.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

struct block {
    uint32_t op, group, entries;
    uint64_t at, n;
};
struct snapfile {
    int fd;
    char *path;
    uint64_t size, index_at;
    unsigned nops;
    char **ops;
    size_t nblocks;
    struct block *blocks;
    struct bytes stored, raw;
};

static enum err corrupt(const struct snapfile *f, struct diag *d, const char *what, uint64_t at)
{
    diag_say(d, "snapfile", "use another checkpoint or savepoint; this file is damaged",
             "%s: %s at byte %" PRIu64, f->path, what, at);
    return ERR_CORRUPT;
}

static enum err read_at(struct snapfile *f, uint64_t at, size_t n, struct bytes *to, struct diag *d)
{
    bytes_reset(to);
    uint8_t *p = bytes_reserve(to, n);
    while (to->n < n) {
        ssize_t did = pread(f->fd, p + to->n, n - to->n, (off_t)(at + to->n));
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0) {
            diag_say(d, "snapfile", NULL, "%s: %s", f->path, strerror(errno));
            return err_from_errno(errno);
        }
        if (did == 0)
            return corrupt(f, d, "the file ends", at + to->n);
        to->n += (size_t)did;
    }
    return ERR_OK;
}

/* --- opening --- */

static enum err read_ends(struct snapfile *f, struct diag *d, uint64_t *n, uint64_t *sum)
{
    if (f->size < SNAPFILE_HEAD_BYTES + SNAPFILE_TAIL_BYTES)
        return corrupt(f, d, "the file is too short to be one of state, and ends", f->size);
    enum err e = read_at(f, 0, SNAPFILE_HEAD_BYTES, &f->raw, d);
    if (e != ERR_OK)
        return e;
    struct bytes_reader r = bytes_read(f->raw.p, f->raw.n);
    const uint8_t *magic = bytes_get(&r, SNAPFILE_MAGIC_BYTES);
    if (memcmp(magic, SNAPFILE_HEAD, SNAPFILE_MAGIC_BYTES) != 0)
        return corrupt(f, d, "no file of state: other words", 0);
    uint32_t version = bytes_get_u32(&r), spare = bytes_get_u32(&r);
    if (version != SNAPFILE_VERSION || spare != 0) {
        diag_say(d, "snapfile", "use a release of weir that knows it",
                 "%s: format version %u is not known, %u is", f->path, version, SNAPFILE_VERSION);
        return ERR_VERSION;
    }
    e = read_at(f, f->size - SNAPFILE_TAIL_BYTES, SNAPFILE_TAIL_BYTES, &f->raw, d);
    if (e != ERR_OK)
        return e;
    r = bytes_read(f->raw.p, f->raw.n);
    f->index_at = bytes_get_u64(&r);
    *n = bytes_get_u64(&r);
    *sum = bytes_get_u64(&r);
    magic = bytes_get(&r, SNAPFILE_MAGIC_BYTES);
    if (memcmp(magic, SNAPFILE_TAIL, SNAPFILE_MAGIC_BYTES) != 0)
        return corrupt(f, d, "the file is torn: its last words are missing", f->size);
    if (f->index_at < SNAPFILE_HEAD_BYTES || f->index_at > f->size ||
        *n != f->size - SNAPFILE_TAIL_BYTES - f->index_at)
        return corrupt(f, d, "the index is not where it should be", f->index_at);
    return ERR_OK;
}

static bool read_ops(struct snapfile *f, struct bytes_reader *r)
{
    uint64_t n = bytes_get_varint(r);
    if (r->bad || n > SNAPFILE_OPERATORS_MAX || n > (uint64_t)(r->end - r->p))
        return false;
    f->ops = mem_array(n, sizeof *f->ops);
    for (; f->nops < n; f->nops++) {
        size_t length = 0;
        const char *name = bytes_get_str(r, &length);
        if (name == NULL || length > SNAPFILE_NAME_MAX || memchr(name, '\0', length) != NULL)
            return false;
        f->ops[f->nops] = mem_dup(name, length);
    }
    return true;
}

static bool read_blocks(struct snapfile *f, struct bytes_reader *r)
{
    uint64_t n = bytes_get_varint(r), at = SNAPFILE_HEAD_BYTES;
    if (r->bad || n > (uint64_t)(r->end - r->p))
        return false;
    f->blocks = mem_array(n, sizeof *f->blocks);
    for (; f->nblocks < n; f->nblocks++) {
        uint64_t op = bytes_get_varint(r), group = bytes_get_varint(r);
        struct block b = {.at = bytes_get_varint(r), .n = bytes_get_varint(r)};
        uint64_t entries = bytes_get_varint(r);
        if (r->bad || op >= f->nops || group >= SNAPFILE_GROUPS_MAX || b.at != at ||
            b.n <= SNAPFILE_BLOCK_BYTES || b.n > f->index_at - at || entries == 0 ||
            entries > UINT32_MAX)
            return false;
        b.op = (uint32_t)op;
        b.group = (uint32_t)group;
        b.entries = (uint32_t)entries;
        at += b.n;
        f->blocks[f->nblocks] = b;
    }
    return at == f->index_at && r->p == r->end;
}

static enum err read_index(struct snapfile *f, struct diag *d)
{
    uint64_t n = 0, sum = 0;
    enum err e = read_ends(f, d, &n, &sum);
    if (e == ERR_OK)
        e = read_at(f, f->index_at, n, &f->raw, d);
    if (e != ERR_OK)
        return e;
    if (XXH3_64bits(f->raw.p, f->raw.n) != sum)
        return corrupt(f, d, "the checksum of the index is wrong, which begins", f->index_at);
    struct bytes_reader r = bytes_read(f->raw.p, f->raw.n);
    if (!read_ops(f, &r) || !read_blocks(f, &r))
        return corrupt(f, d, "the index says what cannot be, which begins", f->index_at);
    return ERR_OK;
}

enum err snapfile_open(const char *path, struct diag *d, struct snapfile **out)
{
    struct snapfile *f = mem_new(sizeof *f);
    struct stat st;
    f->path = mem_str(path);
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err e = f->fd < 0 || fstat(f->fd, &st) < 0 ? err_from_errno(errno) : ERR_OK;
    if (e != ERR_OK) {
        diag_say(d, "snapfile", NULL, "%s: %s", path, strerror(errno));
    } else {
        f->size = (uint64_t)st.st_size;
        e = read_index(f, d);
    }
    if (e == ERR_OK)
        *out = f;
    else
        snapfile_close(f);
    return e;
}

void snapfile_close(struct snapfile *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    for (unsigned i = 0; i < f->nops; i++)
        mem_free(f->ops[i]);
    mem_free(f->ops);
    mem_free(f->blocks);
    mem_free(f->path);
    bytes_fini(&f->stored);
    bytes_fini(&f->raw);
    mem_free(f);
}

unsigned snapfile_operators(const struct snapfile *f)
{
    return f->nops;
}

const char *snapfile_operator(const struct snapfile *f, unsigned i)
{
    return f->ops[i];
}

uint64_t snapfile_entries(const struct snapfile *f, unsigned op)
{
    uint64_t n = 0;
    for (size_t i = 0; i < f->nblocks; i++)
        n += f->blocks[i].op == op ? f->blocks[i].entries : 0;
    return n;
}

uint64_t snapfile_bytes(const struct snapfile *f)
{
    return f->size;
}

void snapfile_groups(const struct snapfile *f, unsigned *from, unsigned *to)
{
    *from = *to = 0;
    for (size_t i = 0; i < f->nblocks; i++) {
        unsigned g = f->blocks[i].group;
        *from = *to == 0 || g < *from ? g : *from;
        *to = g >= *to ? g + 1 : *to;
    }
}

/* --- blocks --- */

/* The block's entries, in *r. */
static enum err read_block(struct snapfile *f, const struct block *b, struct diag *d,
                           struct bytes_reader *r)
{
    enum err e = read_at(f, b->at, b->n, &f->stored, d);
    if (e != ERR_OK)
        return e;
    *r = bytes_read(f->stored.p, f->stored.n);
    uint64_t sum = bytes_get_u64(r);
    uint32_t op = bytes_get_u32(r), group = bytes_get_u32(r), entries = bytes_get_u32(r);
    uint32_t flags = bytes_get_u32(r);
    uint64_t raw_n = bytes_get_u64(r), n = bytes_get_u64(r);
    if (XXH3_64bits(f->stored.p + sizeof sum, f->stored.n - sizeof sum) != sum)
        return corrupt(f, d, "the checksum of a block is wrong", b->at);
    if (op != b->op || group != b->group || entries != b->entries ||
        n != b->n - SNAPFILE_BLOCK_BYTES || raw_n > SNAPFILE_BLOCK_RAW_MAX ||
        flags > SNAPFILE_PACKED || (flags == 0 && raw_n != n))
        return corrupt(f, d, "a block says what cannot be", b->at);
    if (flags == 0)
        return ERR_OK;
    if (ZSTD_getFrameContentSize(r->p, n) != raw_n)
        return corrupt(f, d, "a block has another size than it says", b->at);
    bytes_reset(&f->raw);
    uint8_t *to = bytes_reserve(&f->raw, raw_n);
    if (ZSTD_decompress(to, raw_n, r->p, n) != raw_n)
        return corrupt(f, d, "a block cannot be unpacked", b->at);
    f->raw.n = raw_n;
    *r = bytes_read(f->raw.p, f->raw.n);
    return ERR_OK;
}

static enum err give_block(struct snapfile *f, const struct block *b, snapfile_take *take,
                           void *ctx, struct diag *d)
{
    struct bytes_reader r;
    enum err e = read_block(f, b, d, &r);
    for (uint32_t i = 0; i < b->entries && e == ERR_OK; i++) {
        struct snapfile_entry x = {0};
        x.key = bytes_get_str(&r, &x.key_n);
        unsigned there = bytes_get_u8(&r);
        if (there == 1)
            x.value = bytes_get_str(&r, &x.value_n);
        if (r.bad || there > 1 || x.key_n > SNAPFILE_KEY_MAX || x.value_n > SNAPFILE_VALUE_MAX)
            return corrupt(f, d, "an entry does not fit its block", b->at);
        if (take != NULL)
            e = take(ctx, f->ops[b->op], b->group, &x);
    }
    if (e == ERR_OK && r.p != r.end)
        return corrupt(f, d, "a block has more in it than its entries", b->at);
    return e;
}

enum err snapfile_read(struct snapfile *f, unsigned op, unsigned from, unsigned to,
                       snapfile_take *take, void *ctx, struct diag *d)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < f->nblocks && e == ERR_OK; i++) {
        const struct block *b = &f->blocks[i];
        if (b->op == op && b->group >= from && b->group < to)
            e = give_block(f, b, take, ctx, d);
    }
    return e;
}

enum err snapfile_verify(struct snapfile *f, struct diag *d)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < f->nblocks && e == ERR_OK; i++)
        e = give_block(f, &f->blocks[i], NULL, NULL, d);
    return e;
}
