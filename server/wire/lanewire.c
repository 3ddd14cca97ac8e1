/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/lanewire.h"
#include "server/wire/wirefield.h"

enum { MARK_BYTES = 24 };

void lanewire_put_order(const struct lanewire_order *m, struct bytes *out)
{
    bytes_u64(out, m->uid);
    bytes_u8(out, m->must);
    wirefield_put_text(out, m->folder);
    bytes_u64(out, m->saved_uid);
    bytes_u32(out, m->saved_version);
    bytes_u64(out, (uint64_t)m->saved_w);
    bytes_varint(out, m->nmarks);
    for (unsigned i = 0; i < m->nmarks; i++) {
        bytes_u32(out, m->marks[i].partition);
        bytes_u64(out, m->marks[i].offset);
        bytes_u64(out, (uint64_t)m->marks[i].w);
        bytes_u32(out, m->marks[i].stream);
    }
    bytes_u32(out, m->key_groups);
    bytes_varint(out, m->n);
    for (unsigned i = 0; i < m->n; i++)
        bytes_u32(out, m->files[i]);
}

enum err lanewire_get_order(const void *p, size_t n, struct arena *a, struct lanewire_order *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->uid = bytes_get_u64(&r);
    uint8_t must = bytes_get_u8(&r);
    out->must = must != 0;
    out->folder = wirefield_get_text(&r, a);
    out->saved_uid = bytes_get_u64(&r);
    out->saved_version = bytes_get_u32(&r);
    out->saved_w = (evtime)bytes_get_u64(&r);
    out->nmarks = wirefield_get_count(&r, MARK_BYTES);
    struct job_mark *marks = arena_zero(a, out->nmarks * sizeof *marks);
    for (unsigned i = 0; i < out->nmarks; i++) {
        marks[i].partition = bytes_get_u32(&r);
        marks[i].offset = bytes_get_u64(&r);
        marks[i].w = (evtime)bytes_get_u64(&r);
        marks[i].stream = bytes_get_u32(&r);
    }
    out->marks = marks;
    out->key_groups = bytes_get_u32(&r);
    out->n = wirefield_get_count(&r, sizeof *out->files);
    uint32_t *files = arena_zero(a, out->n * sizeof *files);
    for (unsigned i = 0; i < out->n; i++)
        files[i] = bytes_get_u32(&r);
    out->files = files;
    return wirefield_finished(&r) && out->n <= TASK_WORKERS_MAX && must <= 1 ? ERR_OK : ERR_CORRUPT;
}

void lanewire_put_done(const struct lanewire_done *m, struct bytes *out)
{
    bytes_u64(out, m->uid);
    wirefield_put_text(out, m->why);
}

enum err lanewire_get_done(const void *p, size_t n, struct arena *a, struct lanewire_done *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->uid = bytes_get_u64(&r);
    out->why = wirefield_get_text(&r, a);
    return wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}
