/* SPDX-License-Identifier: Apache-2.0 */
#include "state/flowfile.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { HEAD_BYTES = 16, TAIL_BYTES = 24 };

static const char magic[8] = "WEIRFLOW", magic_end[8] = "WEIRFEND";

/* --- writing --- */

static void write_bytes(struct flowfile_writer *w, const void *p, size_t n)
{
    if (w->e == ERR_OK)
        w->e = durable_write(&w->file, p, n);
}

static void write_block(struct flowfile_writer *w)
{
    struct bytes head = {0};
    bytes_u64(&head, XXH3_64bits(w->block.p, w->block.n));
    bytes_u32(&head, (uint32_t)w->block.n);
    bytes_u32(&head, w->in_block);
    write_bytes(w, head.p, head.n);
    write_bytes(w, w->block.p, w->block.n);
    bytes_fini(&head);
    bytes_reset(&w->block);
    w->in_block = 0;
}

enum err flowfile_create(struct flowfile_writer *w, const char *path)
{
    *w = (struct flowfile_writer){.file = {.fd = -1}};
    enum err e = durable_open(&w->file, path);
    if (e != ERR_OK)
        return e;
    struct bytes head = {0};
    bytes_put(&head, magic, sizeof magic);
    bytes_u32(&head, FLOWFILE_VERSION);
    bytes_u32(&head, 0);
    write_bytes(w, head.p, head.n);
    bytes_fini(&head);
    return ERR_OK;
}

void flowfile_put(struct flowfile_writer *w, const void *p, size_t n)
{
    if (w->e != ERR_OK)
        return;
    if (n > FLOWFILE_RECORD_MAX) {
        w->e = ERR_LIMIT;
        return;
    }
    bytes_u32(&w->block, (uint32_t)n);
    bytes_put(&w->block, p, n);
    w->in_block++;
    w->records++;
    if (w->block.n >= FLOWFILE_BLOCK_BYTES)
        write_block(w);
}

static void fini(struct flowfile_writer *w)
{
    durable_abandon(&w->file);
    bytes_fini(&w->block);
}

enum err flowfile_finish(struct flowfile_writer *w, uint64_t *bytes)
{
    struct bytes tail = {0};
    if (w->in_block > 0)
        write_block(w);
    bytes_u64(&tail, w->records);
    bytes_u64(&tail, XXH3_64bits(tail.p, tail.n));
    bytes_put(&tail, magic_end, sizeof magic_end);
    write_bytes(w, tail.p, tail.n);
    bytes_fini(&tail);
    enum err e = w->e;
    *bytes = w->file.n;
    if (e == ERR_OK) {
        e = durable_finish(&w->file);
        w->file.fd = -1;
    }
    fini(w);
    return e;
}

void flowfile_abandon(struct flowfile_writer *w)
{
    fini(w);
}

/* --- reading --- */

struct reading {
    const char *path;
    struct bytes_reader in;
    uint64_t records; /* given so far */
    struct diag *d;
};

static enum err damaged(const struct reading *r, const char *what)
{
    diag_say(r->d, "damaged", "an older checkpoint may be whole", "%s: %s", r->path, what);
    return ERR_CORRUPT;
}

static enum err read_block(struct reading *r, flowfile_take *take, void *ctx)
{
    uint64_t sum = bytes_get_u64(&r->in);
    uint32_t n = bytes_get_u32(&r->in), records = bytes_get_u32(&r->in);
    const uint8_t *p = bytes_get(&r->in, n);
    if (p == NULL || records == 0 || XXH3_64bits(p, n) != sum)
        return damaged(r, "the checksum of a block is wrong");
    struct bytes_reader block = bytes_read(p, n);
    for (uint32_t i = 0; i < records; i++) {
        uint32_t len = bytes_get_u32(&block);
        const uint8_t *record = bytes_get(&block, len);
        if (record == NULL)
            return damaged(r, "a record is longer than its block");
        enum err e = take(ctx, record, len);
        if (e != ERR_OK)
            return e;
    }
    r->records += records;
    return block.p == block.end ? ERR_OK : damaged(r, "a block is longer than its records");
}

static enum err read_all(struct reading *r, const uint8_t *p, size_t n, flowfile_take *take,
                         void *ctx)
{
    if (n < HEAD_BYTES + TAIL_BYTES || memcmp(p, magic, sizeof magic) != 0)
        return damaged(r, "is no file of a flow, or was cut short");
    struct bytes_reader head = bytes_read(p + sizeof magic, sizeof(uint32_t));
    struct bytes_reader tail = bytes_read(p + n - TAIL_BYTES, TAIL_BYTES);
    uint32_t version = bytes_get_u32(&head);
    if (version != FLOWFILE_VERSION) {
        diag_say(r->d, "version", "start the release that wrote it", "%s has format %" PRIu32,
                 r->path, version);
        return ERR_VERSION;
    }
    uint64_t records = bytes_get_u64(&tail), sum = bytes_get_u64(&tail);
    if (XXH3_64bits(p + n - TAIL_BYTES, sizeof records) != sum ||
        memcmp(tail.p, magic_end, sizeof magic_end) != 0)
        return damaged(r, "was cut short");
    r->in = bytes_read(p + HEAD_BYTES, n - HEAD_BYTES - TAIL_BYTES);
    enum err e = ERR_OK;
    while (e == ERR_OK && r->in.p < r->in.end)
        e = read_block(r, take, ctx);
    if (e == ERR_OK && r->records != records)
        e = damaged(r, "records are missing");
    return e;
}

enum err flowfile_read(const char *path, flowfile_take *take, void *ctx, struct diag *d)
{
    struct reading r = {.path = path, .d = d};
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err e = fd < 0 || fstat(fd, &st) < 0 ? err_from_errno(errno) : ERR_OK;
    size_t n = e == ERR_OK ? (size_t)st.st_size : 0;
    void *p = n > 0 ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (p == MAP_FAILED)
        e = err_from_errno(errno);
    if (e != ERR_OK)
        diag_say(d, "state", NULL, "%s: cannot be read: %s", path, err_text(e));
    else
        e = read_all(&r, p, n, take, ctx);
    if (p != NULL && p != MAP_FAILED)
        munmap(p, n);
    if (fd >= 0)
        close(fd);
    return e;
}
