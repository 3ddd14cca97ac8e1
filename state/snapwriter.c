/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries are gathered by (operator, group); a gathering that is large enough becomes a block, and all of them when there is
 * much in memory. */
#include "state/snapwriter.h"
#include "base/bytes.h"
#include "base/durable.h"
#include "base/mem.h"
#include "state/snapfile_format.h"
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    BLOCK_BYTES = 64 << 10,
    GATHERED_BYTES = 32 << 20,
    PACK_LEVEL = 1,
};

struct gathered { /* of one operator and group */
    struct bytes raw;
    uint32_t entries;
};
struct op {
    char *name;
    unsigned ngroups; /* groups[] that are there */
    struct gathered *groups;
};
struct snapwriter {
    struct durable file;
    ZSTD_CCtx *pack;
    struct op *ops;
    size_t nops, ops_cap, last; /* last: the one asked for last */
    size_t gathered;
    struct bytes index, block;
    uint64_t nblocks;
};

enum err snapwriter_create(const char *path, struct snapwriter **out)
{
    struct snapwriter *w = mem_new(sizeof *w);
    enum err e = durable_open(&w->file, path);
    if (e == ERR_OK) {
        bytes_put(&w->block, SNAPFILE_HEAD, SNAPFILE_MAGIC_BYTES);
        bytes_u32(&w->block, SNAPFILE_VERSION);
        bytes_u32(&w->block, 0);
        e = durable_write(&w->file, w->block.p, w->block.n);
    }
    w->pack = ZSTD_createCCtx();
    if (e == ERR_OK)
        *out = w;
    else
        snapwriter_abandon(w);
    return e;
}

void snapwriter_abandon(struct snapwriter *w)
{
    if (w == NULL)
        return;
    durable_abandon(&w->file);
    ZSTD_freeCCtx(w->pack);
    for (size_t i = 0; i < w->nops; i++) {
        for (unsigned g = 0; g < w->ops[i].ngroups; g++)
            bytes_fini(&w->ops[i].groups[g].raw);
        mem_free(w->ops[i].groups);
        mem_free(w->ops[i].name);
    }
    mem_free(w->ops);
    bytes_fini(&w->index);
    bytes_fini(&w->block);
    mem_free(w);
}

/* --- blocks --- */

static void pack(struct snapwriter *w, const struct gathered *g, uint32_t *flags)
{
    size_t bound = ZSTD_compressBound(g->raw.n);
    uint8_t *to = bytes_reserve(&w->block, bound);
    size_t n = ZSTD_compressCCtx(w->pack, to, bound, g->raw.p, g->raw.n, PACK_LEVEL);
    if (!ZSTD_isError(n) && n < g->raw.n) {
        w->block.n += n;
        *flags = SNAPFILE_PACKED;
    } else {
        bytes_put(&w->block, g->raw.p, g->raw.n);
    }
}

/* Head: XXH3 of what follows it here and of the payload, then operator, group, entries, flags, and both lengths. */
static enum err write_block(struct snapwriter *w, size_t op, unsigned group)
{
    struct gathered *g = &w->ops[op].groups[group];
    uint32_t flags = 0;
    uint8_t sum[8];
    if (g->entries == 0)
        return ERR_OK;
    bytes_reset(&w->block);
    bytes_reserve(&w->block, SNAPFILE_BLOCK_BYTES);
    w->block.n = SNAPFILE_BLOCK_BYTES;
    pack(w, g, &flags);
    struct bytes head = {0};
    bytes_u64(&head, 0);
    bytes_u32(&head, (uint32_t)op);
    bytes_u32(&head, group);
    bytes_u32(&head, g->entries);
    bytes_u32(&head, flags);
    bytes_u64(&head, g->raw.n);
    bytes_u64(&head, w->block.n - SNAPFILE_BLOCK_BYTES);
    memcpy(w->block.p, head.p, SNAPFILE_BLOCK_BYTES);
    uint64_t x = XXH3_64bits(w->block.p + sizeof sum, w->block.n - sizeof sum);
    for (unsigned i = 0; i < sizeof sum; i++)
        sum[i] = (uint8_t)(x >> 8 * i);
    memcpy(w->block.p, sum, sizeof sum);
    bytes_fini(&head);
    bytes_varint(&w->index, op);
    bytes_varint(&w->index, group);
    bytes_varint(&w->index, w->file.n);
    bytes_varint(&w->index, w->block.n);
    bytes_varint(&w->index, g->entries);
    w->nblocks++;
    w->gathered -= g->raw.n;
    bytes_fini(&g->raw);
    g->entries = 0;
    return durable_write(&w->file, w->block.p, w->block.n);
}

static enum err write_all(struct snapwriter *w)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < w->nops && e == ERR_OK; i++)
        for (unsigned g = 0; g < w->ops[i].ngroups && e == ERR_OK; g++)
            e = write_block(w, i, g);
    return e;
}

/* --- entries --- */

static bool find_op(struct snapwriter *w, const char *name, size_t *out)
{
    if (w->nops > 0 && strcmp(w->ops[w->last].name, name) == 0) {
        *out = w->last;
        return true;
    }
    size_t i = 0;
    while (i < w->nops && strcmp(w->ops[i].name, name) != 0)
        i++;
    if (i == w->nops) {
        if (w->nops == SNAPFILE_OPERATORS_MAX || strlen(name) > SNAPFILE_NAME_MAX)
            return false;
        w->ops = mem_grow(w->ops, w->nops, 1, &w->ops_cap, sizeof *w->ops);
        w->ops[w->nops++] = (struct op){.name = mem_str(name)};
    }
    *out = w->last = i;
    return true;
}

static struct gathered *group_of(struct op *op, unsigned group)
{
    if (group >= op->ngroups) {
        op->groups = mem_resize_array(op->groups, group + 1, sizeof *op->groups);
        memset(op->groups + op->ngroups, 0, (group + 1 - op->ngroups) * sizeof *op->groups);
        op->ngroups = group + 1;
    }
    return &op->groups[group];
}

enum err snapwriter_put(struct snapwriter *w, const char *op, unsigned group,
                        const struct snapfile_entry *e)
{
    size_t at = 0;
    if (group >= SNAPFILE_GROUPS_MAX || e->key_n > SNAPFILE_KEY_MAX ||
        e->value_n > SNAPFILE_VALUE_MAX || !find_op(w, op, &at))
        return ERR_LIMIT;
    struct gathered *g = group_of(&w->ops[at], group);
    size_t before = g->raw.n;
    bytes_str(&g->raw, e->key, e->key_n);
    bytes_u8(&g->raw, e->value != NULL);
    if (e->value != NULL)
        bytes_str(&g->raw, e->value, e->value_n);
    g->entries++;
    w->gathered += g->raw.n - before;
    if (g->raw.n >= BLOCK_BYTES)
        return write_block(w, at, group);
    return w->gathered >= GATHERED_BYTES ? write_all(w) : ERR_OK;
}

enum err snapwriter_finish(struct snapwriter *w, uint64_t *bytes)
{
    struct bytes tail = {0};
    enum err e = write_all(w);
    uint64_t start = w->file.n;
    bytes_varint(&tail, w->nops);
    for (size_t i = 0; i < w->nops; i++)
        bytes_str(&tail, w->ops[i].name, strlen(w->ops[i].name));
    bytes_varint(&tail, w->nblocks);
    bytes_put(&tail, w->index.p, w->index.n);
    uint64_t n = tail.n, sum = XXH3_64bits(tail.p, tail.n);
    bytes_u64(&tail, start);
    bytes_u64(&tail, n);
    bytes_u64(&tail, sum);
    bytes_put(&tail, SNAPFILE_TAIL, SNAPFILE_MAGIC_BYTES);
    if (e == ERR_OK)
        e = durable_write(&w->file, tail.p, tail.n);
    uint64_t all = w->file.n;
    if (e == ERR_OK)
        e = durable_finish(&w->file);
    if (e == ERR_OK && bytes != NULL)
        *bytes = all;
    bytes_fini(&tail);
    snapwriter_abandon(w);
    return e;
}
