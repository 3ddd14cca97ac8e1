/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes of what is due lie in a family of their own, "due|" and the operator's text: their keys are the time (u64,
 * big-endian, the sign turned), the group, the key; they have no value. Those that were taken are deleted many at a time,
 * and no reader starts before them, so nobody walks over what is deleted. */
#include "state/storeout.h"
#include "base/mem.h"
#include "state/storerocks.h"
#include <string.h>

enum { TIME_BYTES = 8, DELETED_AT_ONCE = 1 << 16 };
#define SIGN (UINT64_C(1) << 63)

/* Whoever asks is told by ERR_…, and why by the database's own log. */
static enum err err_of(char *text)
{
    if (text == NULL)
        return ERR_OK;
    enum err e = strstr(text, "Corruption") != NULL ? ERR_CORRUPT : ERR_IO;
    rocksdb_free(text);
    return e;
}

static void put_group(struct bytes *b, unsigned group)
{
    bytes_u8(b, (uint8_t)(group >> 8));
    bytes_u8(b, (uint8_t)group);
}

static const struct bytes *key_of(struct storeout *o, unsigned group, const void *key, size_t n)
{
    bytes_reset(&o->key);
    put_group(&o->key, group);
    bytes_put(&o->key, key, n);
    return &o->key;
}

enum err storeout_open(struct store *s, const char *op, struct storeout **out)
{
    if (s->def->backend != STORE_ROCKSDB)
        return ERR_UNSUPPORTED;
    return storerocks_family(storerocks_of(s), op, out);
}

enum err storeout_keep(struct store *s, bool (*is_live)(const void *ctx, const char *op),
                       const void *ctx, struct diag *d)
{
    if (s->def->backend != STORE_ROCKSDB)
        return ERR_OK;
    return storerocks_keep(storerocks_of(s), is_live, ctx, d);
}

enum err storeout_get(struct storeout *o, unsigned group, const void *key, size_t key_n,
                      struct bytes *value)
{
    const struct bytes *k = key_of(o, group, key, key_n);
    char *text = NULL;
    size_t n = 0;
    rocksdb_pinnableslice_t *found =
        rocksdb_get_pinned_cf(o->s->db, o->s->o.read, o->handle, (const char *)k->p, k->n, &text);
    if (text != NULL)
        return err_of(text);
    if (found == NULL)
        return ERR_NOT_FOUND;
    const char *p = rocksdb_pinnableslice_value(found, &n);
    bytes_reset(value);
    bytes_put(value, p, n);
    rocksdb_pinnableslice_destroy(found);
    return ERR_OK;
}

enum err storeout_put(struct storeout *o, unsigned group, const struct snapfile_entry *e)
{
    const struct bytes *k = key_of(o, group, e->key, e->key_n);
    const struct storerocks *s = o->s;
    char *text = NULL;
    if (e->value == NULL)
        rocksdb_delete_cf(s->db, s->o.write, o->handle, (const char *)k->p, k->n, &text);
    else
        rocksdb_put_cf(s->db, s->o.write, o->handle, (const char *)k->p, k->n, e->value, e->value_n,
                       &text);
    return err_of(text);
}

/* --- notes --- */

static enum err make_notes(struct storeout *o)
{
    char *text = NULL, *name = mem_printf(ROCKSOPTS_DUE "%s", o->op);
    if (o->notes == NULL)
        o->notes = rocksdb_create_column_family(o->s->db, o->s->o.db, name, &text);
    mem_free(name);
    return err_of(text);
}

enum err storeout_note(struct storeout *o, unsigned group, const void *key, size_t key_n,
                       int64_t due)
{
    char *text = NULL;
    enum err e = make_notes(o);
    if (e != ERR_OK)
        return e;
    bytes_reset(&o->key);
    bytes_be64(&o->key, (uint64_t)due ^ SIGN);
    put_group(&o->key, group);
    bytes_put(&o->key, key, key_n);
    rocksdb_put_cf(o->s->db, o->s->o.write, o->notes, (const char *)o->key.p, o->key.n, "", 0,
                   &text);
    return err_of(text);
}

static enum err delete_taken(struct storeout *o)
{
    char *text = NULL;
    rocksdb_delete_range_cf(o->s->db, o->s->o.write, o->notes, "", 0, (const char *)o->from.p,
                            o->from.n, &text);
    o->taken = 0;
    return err_of(text);
}

static enum err give(struct storeout *o, const char *key, size_t n, int64_t to, storeout_take *take,
                     void *ctx, int64_t *due)
{
    struct bytes_reader r = bytes_read(key, n);
    *due = (int64_t)(bytes_get_be64(&r) ^ SIGN);
    unsigned high = bytes_get_u8(&r), group = high << 8 | bytes_get_u8(&r);
    if (r.bad)
        return ERR_CORRUPT;
    if (*due > to)
        return ERR_END;
    take(ctx, group, r.p, (size_t)(r.end - r.p));
    bytes_reset(&o->from);
    bytes_put(&o->from, key, n);
    bytes_u8(&o->from, 0); /* the next key there can be */
    o->taken++;
    return ERR_OK;
}

enum err storeout_due(struct storeout *o, int64_t to, unsigned n, storeout_take *take, void *ctx,
                      int64_t *next)
{
    enum err e = ERR_OK;
    char *text = NULL;
    if (o->notes == NULL) {
        *next = INT64_MAX;
        return ERR_OK;
    }
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(o->s->db, o->s->o.read, o->notes);
    int64_t due = INT64_MAX;
    for (rocksdb_iter_seek(it, (const char *)o->from.p, o->from.n);
         rocksdb_iter_valid(it) && e == ERR_OK; rocksdb_iter_next(it)) {
        size_t key_n;
        const char *key = rocksdb_iter_key(it, &key_n);
        e = give(o, key, key_n, n == 0 ? INT64_MIN : to, take, ctx, &due);
        if (e == ERR_END)
            break;
        due = INT64_MAX;
        n--;
    }
    rocksdb_iter_get_error(it, &text);
    rocksdb_iter_destroy(it);
    e = text != NULL ? err_of(text) : e == ERR_END ? ERR_OK : e;
    if (e == ERR_OK && o->taken >= DELETED_AT_ONCE)
        e = delete_taken(o);
    if (e == ERR_OK)
        *next = due;
    return e;
}

/* --- */

enum err storeout_keys(struct storeout *o, unsigned group, storeout_take *take, void *ctx)
{
    char *text = NULL;
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(o->s->db, o->s->o.read, o->handle);
    const char first[ROCKSOPTS_GROUP_BYTES] = {(char)(group >> 8), (char)(group & 255)};
    for (rocksdb_iter_seek(it, first, sizeof first); rocksdb_iter_valid(it);
         rocksdb_iter_next(it)) {
        size_t n;
        const char *key = rocksdb_iter_key(it, &n);
        if (n < sizeof first || memcmp(key, first, sizeof first) != 0)
            break;
        take(ctx, group, key + ROCKSOPTS_GROUP_BYTES, n - ROCKSOPTS_GROUP_BYTES);
    }
    rocksdb_iter_get_error(it, &text);
    rocksdb_iter_destroy(it);
    return err_of(text);
}

void storeout_now(struct store *s, int64_t now)
{
    if (s->def->backend == STORE_ROCKSDB)
        __atomic_store_n(&storerocks_of(s)->o.over.now, now, __ATOMIC_RELAXED);
}

static uint64_t property(rocksdb_t *db, rocksdb_column_family_handle_t *of, const char *name)
{
    uint64_t n = 0;
    return rocksdb_property_int_cf(db, of, name, &n) == 0 ? n : 0;
}

void storeout_stats(struct store *s, struct storeout_stats *out)
{
    *out = (struct storeout_stats){0};
    if (s->def->backend != STORE_ROCKSDB || storerocks_of(s)->db == NULL)
        return;
    struct storerocks *r = storerocks_of(s);
    out->memory_bytes = rocksdb_cache_get_usage(r->o.cache);
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nfamilies; i++) {
        struct storeout *o = r->families[i];
        rocksdb_column_family_handle_t *both[] = {o->handle, o->notes};
        out->entries += property(r->db, o->handle, "rocksdb.estimate-num-keys");
        for (unsigned k = 0; k < 2 && both[k] != NULL; k++) {
            out->memory_bytes += property(r->db, both[k], "rocksdb.cur-size-all-mem-tables");
            out->disk_bytes += property(r->db, both[k], "rocksdb.total-sst-files-size");
        }
    }
    pthread_mutex_unlock(&r->lock);
}
