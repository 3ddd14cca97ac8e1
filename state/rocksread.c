/* SPDX-License-Identifier: Apache-2.0
 *
 * A checkpoint that RocksDB wrote, read where it lies: opened read-only, so that several workers may do so at once and
 * nothing in it changes. RocksDB holds each block against its checksum when it reads it. */
#include "base/mem.h"
#include "state/rocksopts.h"
#include "state/storedef.h"
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { READAHEAD_BYTES = 256 << 10 };

struct reading {
    struct rocksopts o;
    struct rocksopts_families families;
    rocksdb_t *db;
    char *dir;
};

char *rocksread_folder(const struct store_part *p)
{
    return mem_printf("%s/%s.rocksdb", p->folder, p->name);
}

bool rocksread_is(const struct store_part *p)
{
    struct stat st;
    char *dir = rocksread_folder(p);
    bool is = stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
    mem_free(dir);
    return is;
}

unsigned rocksread_files(const char *dir, rocksread_file *each, void *ctx)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *x; d != NULL && (x = readdir(d)) != NULL;) {
        struct stat st;
        if (x->d_name[0] == '.' || fstatat(dirfd(d), x->d_name, &st, 0) < 0)
            continue;
        n++;
        if (each != NULL)
            each(ctx, x->d_name, (uint64_t)st.st_size);
    }
    if (d != NULL)
        closedir(d);
    return n;
}

static void close_part(struct reading *r)
{
    rocksopts_close(&r->families, r->db);
    rocksopts_fini(&r->o);
    mem_free(r->dir);
}

static enum err open_part(const struct store_part *p, struct reading *r, struct diag *d)
{
    const struct store_options usual = {.backend = STORE_ROCKSDB};
    *r = (struct reading){.dir = rocksread_folder(p)};
    rocksopts_init(&r->o, &usual);
    rocksdb_options_set_create_if_missing(r->o.db, 0);
    rocksdb_readoptions_set_fill_cache(r->o.read, 0);
    rocksdb_readoptions_set_readahead_size(r->o.read, READAHEAD_BYTES);
    unsigned files = rocksread_files(r->dir, NULL, NULL);
    enum err e = ERR_OK;
    if (files != p->files) {
        diag_say(d, "state", "take an older checkpoint, or start without one",
                 "%s: has %u files, not %u", r->dir, files, p->files);
        e = files < p->files && p->files > 0 ? ERR_NOT_FOUND : ERR_CORRUPT;
    }
    if (e == ERR_OK)
        e = rocksopts_open(&r->o, r->dir, true, &r->families, d, &r->db);
    if (e != ERR_OK)
        close_part(r);
    return e;
}

static bool is_state(const char *family)
{
    return strncmp(family, ROCKSOPTS_STATE, strlen(ROCKSOPTS_STATE)) == 0;
}

static unsigned group_of(const char *key)
{
    return (unsigned)(uint8_t)key[0] << 8 | (uint8_t)key[1];
}

static void put_group(char *key, unsigned group)
{
    key[0] = (char)(group >> 8);
    key[1] = (char)(group & 255);
}

static enum err read_family(const struct reading *r, size_t i, unsigned from, unsigned to,
                            snapfile_take *take, void *ctx, struct diag *d)
{
    const char *op = r->families.names[i] + strlen(ROCKSOPTS_STATE);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(r->db, r->o.read, r->families.handles[i]);
    enum err e = ERR_OK;
    char first[ROCKSOPTS_GROUP_BYTES], *text = NULL;
    put_group(first, from);
    for (rocksdb_iter_seek(it, first, sizeof first); rocksdb_iter_valid(it) && e == ERR_OK;
         rocksdb_iter_next(it)) {
        size_t key_n;
        struct snapfile_entry x = {0};
        const char *key = rocksdb_iter_key(it, &key_n);
        if (key_n < ROCKSOPTS_GROUP_BYTES) {
            diag_say(d, "state", NULL, "%s: a key without a group", r->dir);
            e = ERR_CORRUPT;
            break;
        }
        if (group_of(key) >= to)
            break;
        x.key = key + ROCKSOPTS_GROUP_BYTES;
        x.key_n = key_n - ROCKSOPTS_GROUP_BYTES;
        x.value = rocksdb_iter_value(it, &x.value_n);
        e = take(ctx, op, group_of(key), &x);
    }
    rocksdb_iter_get_error(it, &text);
    rocksdb_iter_destroy(it);
    enum err bad = rocksopts_err(text, r->dir, "cannot be read", d);
    return e == ERR_OK ? bad : e;
}

enum err rocksread_entries(const struct store_part *p, unsigned from, unsigned to,
                           snapfile_take *take, void *ctx, struct diag *d)
{
    struct reading r;
    enum err e = open_part(p, &r, d);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < r.families.n && e == ERR_OK; i++)
        if (is_state(r.families.names[i]))
            e = read_family(&r, i, from, to, take, ctx, d);
    close_part(&r);
    return e;
}

static enum err drop(void *ctx, const char *op, unsigned group, const struct snapfile_entry *x)
{
    (void)ctx, (void)op, (void)group, (void)x;
    return ERR_OK;
}

enum err rocksread_verify(const struct store_part *p, struct diag *d)
{
    return rocksread_entries(p, 0, SNAPFILE_GROUPS_MAX, drop, NULL, d);
}

static void span_of_family(const struct reading *r, size_t i, unsigned *from, unsigned *to)
{
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(r->db, r->o.read, r->families.handles[i]);
    size_t n = 0;
    rocksdb_iter_seek_to_first(it);
    if (rocksdb_iter_valid(it)) {
        const char *key = rocksdb_iter_key(it, &n);
        unsigned first = n < ROCKSOPTS_GROUP_BYTES ? 0 : group_of(key);
        *from = *to == 0 || first < *from ? first : *from;
        rocksdb_iter_seek_to_last(it);
        key = rocksdb_iter_valid(it) ? rocksdb_iter_key(it, &n) : NULL;
        unsigned end =
            key == NULL || n < ROCKSOPTS_GROUP_BYTES ? SNAPFILE_GROUPS_MAX : group_of(key) + 1;
        *to = end > *to ? end : *to;
    }
    rocksdb_iter_destroy(it);
}

enum err rocksread_span(const struct store_part *p, unsigned *from, unsigned *to, struct diag *d)
{
    struct reading r;
    *from = *to = 0;
    enum err e = open_part(p, &r, d);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < r.families.n; i++)
        if (is_state(r.families.names[i]))
            span_of_family(&r, i, from, to);
    close_part(&r);
    return ERR_OK;
}
