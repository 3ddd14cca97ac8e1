/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/listwire.h"
#include <string.h>

void listwire_put_head(const struct listwire_head *h, struct bytes *out)
{
    bytes_u64(out, h->uid);
    bytes_u8(out, h->removed);
    bytes_str(out, h->sql, strlen(h->sql));
}

void listwire_put_cut(const struct list_cut *c, struct bytes *out)
{
    bytes_u8(out, LISTWIRE_CUT);
    bytes_u64(out, c->seq);
    bytes_varint(out, c->nstreams);
    for (unsigned i = 0; i < c->nstreams; i++) {
        bytes_u32(out, c->streams[i].stream);
        bytes_varint(out, c->streams[i].n);
        for (unsigned p = 0; p < c->streams[i].n; p++)
            bytes_u64(out, c->streams[i].offsets[p]);
    }
}

static void put_row(const char *row, struct bytes *out)
{
    bytes_u8(out, row != NULL);
    if (row != NULL)
        bytes_str(out, row, strlen(row));
}

void listwire_put_key(enum listwire_kind kind, const char *key, const char *before, const char *row,
                      struct bytes *out)
{
    bytes_u8(out, (uint8_t)kind);
    bytes_str(out, key, strlen(key));
    put_row(before, out);
    put_row(row, out);
}

enum err listwire_get_head(struct bytes_reader *r, struct arena *a, struct listwire_head *out)
{
    size_t n = 0;
    out->uid = bytes_get_u64(r);
    out->removed = bytes_get_u8(r) != 0;
    const char *sql = bytes_get_str(r, &n);
    if (r->bad || sql == NULL || memchr(sql, 0, n) != NULL)
        return ERR_CORRUPT;
    out->sql = arena_dup(a, sql, n);
    return ERR_OK;
}

static bool get_cut(struct bytes_reader *r, struct arena *a, struct list_cut *out)
{
    out->seq = bytes_get_u64(r);
    uint64_t n = bytes_get_varint(r);
    if (r->bad || n > (size_t)(r->end - r->p) / 5)
        return false;
    out->nstreams = (unsigned)n;
    struct list_marks *streams = arena_zero(a, (n + 1) * sizeof *streams);
    out->streams = streams;
    for (uint64_t i = 0; i < n; i++) {
        streams[i].stream = bytes_get_u32(r);
        uint64_t parts = bytes_get_varint(r);
        if (r->bad || parts > (size_t)(r->end - r->p) / 8)
            return false;
        uint64_t *offsets = arena_zero(a, (parts + 1) * sizeof *offsets);
        for (uint64_t p = 0; p < parts; p++)
            offsets[p] = bytes_get_u64(r);
        streams[i].n = (unsigned)parts;
        streams[i].offsets = offsets;
    }
    return !r->bad && out->seq > 0;
}

static struct listwire_row get_row(struct bytes_reader *r)
{
    struct listwire_row row = {0};
    if (bytes_get_u8(r) != 0)
        row.p = (const char *)bytes_get_str(r, &row.n);
    return row;
}

enum err listwire_get(struct bytes_reader *r, struct arena *a, struct listwire_entry *out)
{
    if (r->bad)
        return ERR_CORRUPT;
    if (r->p == r->end)
        return ERR_END;
    *out = (struct listwire_entry){.kind = (enum listwire_kind)bytes_get_u8(r)};
    if (out->kind == LISTWIRE_CUT)
        return get_cut(r, a, &out->cut) ? ERR_OK : ERR_CORRUPT;
    if (out->kind < LISTWIRE_EDIT || out->kind > LISTWIRE_ITEM)
        return ERR_CORRUPT;
    out->key = (const char *)bytes_get_str(r, &out->n);
    out->before = get_row(r);
    out->row = get_row(r);
    return r->bad || out->key == NULL ? ERR_CORRUPT : ERR_OK;
}
