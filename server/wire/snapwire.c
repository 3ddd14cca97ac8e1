/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/snapwire.h"
#include "server/wire/wirefield.h"
#include "state/store.h"
#include <string.h>

void snapwire_put_state(const struct snapwire_state *m, struct bytes *out)
{
    wirefield_put_text(out, m->dir);
    bytes_u8(out, m->backend);
    wirefield_put_text(out, m->folder);
    bytes_u8(out, m->same);
    bytes_u32(out, m->key_groups);
    bytes_varint(out, m->n);
    for (unsigned i = 0; i < m->n; i++)
        bytes_u32(out, m->files[i]);
}

enum err snapwire_get_state(const void *p, size_t n, struct arena *a, struct snapwire_state *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->dir = wirefield_get_text(&r, a);
    out->backend = bytes_get_u8(&r);
    out->folder = wirefield_get_text(&r, a);
    uint8_t same = bytes_get_u8(&r);
    out->same = same != 0;
    out->key_groups = bytes_get_u32(&r);
    out->n = wirefield_get_count(&r, sizeof *out->files);
    uint32_t *files = arena_zero(a, out->n * sizeof *files);
    for (unsigned i = 0; i < out->n; i++)
        files[i] = bytes_get_u32(&r);
    out->files = files;
    return wirefield_finished(&r) && out->n <= TASK_WORKERS_MAX && same <= 1 &&
                   out->backend <= STORE_ROCKSDB
               ? ERR_OK
               : ERR_CORRUPT;
}

void snapwire_put_order(const struct snapwire_order *m, struct bytes *out)
{
    bytes_u64(out, m->id);
    bytes_u8(out, (uint8_t)m->mode);
    bytes_u64(out, (uint64_t)m->alignment_timeout_ms);
    wirefield_put_text(out, m->folder);
}

enum err snapwire_get_order(const void *p, size_t n, struct arena *a, struct snapwire_order *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->id = bytes_get_u64(&r);
    uint8_t mode = bytes_get_u8(&r);
    out->mode = (enum snapwire_mode)mode;
    out->alignment_timeout_ms = (int64_t)bytes_get_u64(&r);
    out->folder = wirefield_get_text(&r, a);
    return wirefield_finished(&r) && mode <= SNAPWIRE_AT_LEAST_ONCE &&
                   out->alignment_timeout_ms >= 0
               ? ERR_OK
               : ERR_CORRUPT;
}

void snapwire_put_begun(const struct snapwire_begun *m, struct bytes *out)
{
    bytes_u64(out, m->id);
    bytes_u64(out, m->alignment_ns);
    bytes_u64(out, m->sync_ns);
    bytes_u8(out, m->unaligned);
    bytes_varint(out, m->npositions);
    for (unsigned i = 0; i < m->npositions; i++) {
        const struct control_position *at = &m->positions[i];
        bytes_u32(out, at->stream);
        bytes_u32(out, at->partition);
        bytes_u64(out, at->offset);
        bytes_u64(out, (uint64_t)at->w);
        bytes_u64(out, at->rows);
        bytes_u64(out, at->late);
        bytes_u64(out, at->end);
    }
}

enum err snapwire_get_begun(const void *p, size_t n, struct arena *a, struct snapwire_begun *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->id = bytes_get_u64(&r);
    out->alignment_ns = bytes_get_u64(&r);
    out->sync_ns = bytes_get_u64(&r);
    uint8_t unaligned = bytes_get_u8(&r);
    out->unaligned = unaligned != 0;
    out->npositions = wirefield_get_count(&r, 48);
    struct control_position *positions = arena_zero(a, out->npositions * sizeof *positions);
    for (unsigned i = 0; i < out->npositions; i++) {
        struct control_position *at = &positions[i];
        at->stream = bytes_get_u32(&r);
        at->partition = bytes_get_u32(&r);
        at->offset = bytes_get_u64(&r);
        at->w = (evtime)bytes_get_u64(&r);
        at->rows = bytes_get_u64(&r);
        at->late = bytes_get_u64(&r);
        at->end = bytes_get_u64(&r);
    }
    out->positions = positions;
    return wirefield_finished(&r) && unaligned <= 1 ? ERR_OK : ERR_CORRUPT;
}

void snapwire_put_done(const struct snapwire_done *m, struct bytes *out)
{
    bytes_u64(out, m->id);
    bytes_u8(out, m->ok);
    bytes_u64(out, m->entries);
    bytes_u64(out, m->bytes);
    bytes_u64(out, m->new_bytes);
    bytes_u64(out, m->flow_bytes);
    bytes_u64(out, m->records);
    bytes_u64(out, m->async_ns);
    bytes_u32(out, m->files);
    wirefield_put_text(out, m->why);
}

enum err snapwire_get_done(const void *p, size_t n, struct snapwire_done *out)
{
    struct bytes_reader r = bytes_read(p, n);
    *out = (struct snapwire_done){0};
    out->id = bytes_get_u64(&r);
    uint8_t ok = bytes_get_u8(&r);
    out->ok = ok != 0;
    out->entries = bytes_get_u64(&r);
    out->bytes = bytes_get_u64(&r);
    out->new_bytes = bytes_get_u64(&r);
    out->flow_bytes = bytes_get_u64(&r);
    out->records = bytes_get_u64(&r);
    out->async_ns = bytes_get_u64(&r);
    out->files = bytes_get_u32(&r);
    size_t len = 0;
    const char *why = bytes_get_str(&r, &len);
    if (!wirefield_finished(&r) || ok > 1 || len >= sizeof out->why || memchr(why, 0, len) != NULL)
        return ERR_CORRUPT;
    memcpy(out->why, why, len);
    return ERR_OK;
}
