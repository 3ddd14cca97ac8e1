/* SPDX-License-Identifier: Apache-2.0
 *
 * A database with a column family for each operator. Changes are gathered in memory and written sorted, as a file that the
 * database takes in: a fortieth of what as many puts cost. A checkpoint is RocksDB's own: links to the files of tables,
 * copies of what says which they are. */
#include "state/storerocks.h"
#include "base/arena.h"
#include "base/durable.h"
#include "base/fault.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GATHERED_BYTES = 32 << 20,
    ARENA_BYTES = 1 << 20,
    FOLDER_MODE = 0750,
    FILE_MODE = 0640,
    COPIED_AT_ONCE = 1 << 20
};

/* --- the database --- */

static struct storeout *add_family(struct storerocks *s, const char *op,
                                   rocksdb_column_family_handle_t *handle)
{
    struct storeout *f = mem_new(sizeof *f);
    f->s = s;
    f->op = mem_str(op);
    f->handle = handle;
    s->families = mem_grow(s->families, s->nfamilies, 1, &s->families_cap, sizeof f);
    return s->families[s->nfamilies++] = f;
}

static void free_family(struct storeout *f)
{
    rocksdb_column_family_handle_destroy(f->handle);
    if (f->notes != NULL)
        rocksdb_column_family_handle_destroy(f->notes);
    bytes_fini(&f->key);
    bytes_fini(&f->from);
    mem_free(f->changes);
    mem_free(f->op);
    mem_free(f);
}

static void close_db(struct storerocks *s)
{
    struct rocksopts_families none = {0};
    for (size_t i = 0; i < s->nfamilies; i++)
        free_family(s->families[i]);
    if (s->format != NULL)
        rocksdb_column_family_handle_destroy(s->format);
    rocksopts_close(&none, s->db);
    for (size_t i = 0; i < s->nfiles; i++)
        mem_free(s->files[i].name);
    s->nfamilies = s->last = s->nfiles = 0;
    s->nchanges = 0;
    s->broken = false;
    s->format = NULL;
    s->db = NULL;
    arena_reset(s->gathered);
}

/* The folder has a database now; what is in it is known. Notes are of a task that is no more. */
static enum err open_db(struct storerocks *s, struct diag *d)
{
    struct rocksopts_families all = {0};
    char *text = NULL;
    enum err e = rocksopts_open(&s->o, s->dir, false, &all, d, &s->db);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < all.n; i++) {
        size_t n = strlen(ROCKSOPTS_STATE);
        if (strncmp(all.names[i], ROCKSOPTS_STATE, n) == 0) {
            add_family(s, all.names[i] + n, all.handles[i]);
        } else if (strcmp(all.names[i], "default") == 0) {
            s->format = all.handles[i];
        } else {
            if (text == NULL)
                rocksdb_drop_column_family(s->db, all.handles[i], &text);
            rocksdb_column_family_handle_destroy(all.handles[i]);
        }
        all.handles[i] = NULL; /* kept here, or gone */
    }
    rocksopts_close(&all, NULL);
    return rocksopts_err(text, s->dir, "cannot be written", d);
}

static enum err make_db(struct storerocks *s, struct diag *d)
{
    char *text = NULL;
    if (durable_delete(s->dir) != ERR_OK)
        return store_fails(d, s->dir, "cannot be deleted", errno);
    rocksdb_t *db = rocksdb_open(s->o.db, s->dir, &text);
    enum err e = rocksopts_err(text, s->dir, "cannot be made", d);
    if (e != ERR_OK)
        return e;
    rocksdb_put(db, s->o.write, ROCKSOPTS_FORMAT_KEY, strlen(ROCKSOPTS_FORMAT_KEY),
                ROCKSOPTS_FORMAT, strlen(ROCKSOPTS_FORMAT), &text);
    e = rocksopts_err(text, s->dir, "cannot be written", d);
    rocksdb_close(db); /* writes it down, since there is no log */
    return e == ERR_OK ? open_db(s, d) : e;
}

static enum err ensure_db(struct storerocks *s)
{
    struct diag d;
    if (s->db != NULL)
        return ERR_OK;
    diag_init(&d, NULL, 0);
    enum err e = make_db(s, &d);
    diag_fini(&d);
    return e;
}

static void reset(struct store *store)
{
    close_db(storerocks_of(store)); /* made anew when something is put */
}

static void close_rocks(struct store *store)
{
    struct storerocks *s = storerocks_of(store);
    close_db(s);
    rocksopts_fini(&s->o);
    arena_free(s->gathered);
    mem_free(s->families);
    mem_free(s->files);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->dir);
    mem_free(s->folder);
    mem_free(s);
}

static enum err make_family(struct storerocks *s, const char *op)
{
    char *text = NULL, *name = mem_printf(ROCKSOPTS_STATE "%s", op);
    enum err e = s->nfamilies + 1 == ROCKSOPTS_FAMILIES_MAX / 2 ? ERR_LIMIT : ERR_OK;
    rocksdb_column_family_handle_t *handle =
        e == ERR_OK ? rocksdb_create_column_family(s->db, s->o.state, name, &text) : NULL;
    mem_free(name);
    if (text != NULL)
        e = ERR_IO;
    rocksdb_free(text);
    if (e == ERR_OK)
        add_family(s, op, handle);
    return e;
}

enum err storerocks_family(struct storerocks *s, const char *op, struct storeout **out)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    size_t i = s->last;
    if (i >= s->nfamilies || strcmp(s->families[i]->op, op) != 0)
        for (i = 0; i < s->nfamilies && strcmp(s->families[i]->op, op) != 0;)
            i++;
    if (i == s->nfamilies)
        e = make_family(s, op);
    if (e == ERR_OK) {
        s->last = i;
        *out = s->families[i];
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

enum err storerocks_keep(struct storerocks *s, bool (*is_live)(const void *ctx, const char *op),
                         const void *ctx, struct diag *d)
{
    char *text = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->nfamilies && text == NULL;) {
        struct storeout *f = s->families[i];
        if (is_live(ctx, f->op)) {
            i++;
            continue;
        }
        rocksdb_drop_column_family(s->db, f->handle, &text);
        if (text == NULL && f->notes != NULL)
            rocksdb_drop_column_family(s->db, f->notes, &text);
        free_family(f);
        s->families[i] = s->families[--s->nfamilies];
    }
    s->last = 0;
    pthread_mutex_unlock(&s->lock);
    return rocksopts_err(text, s->dir, "cannot be written", d);
}

/* --- changes --- */

static int by_key(const void *a, const void *b)
{
    const struct storerocks_change *x = a, *y = b;
    uint32_t n = x->key_n < y->key_n ? x->key_n : y->key_n;
    int c = memcmp(x->key, y->key, n);
    if (c != 0)
        return c;
    if (x->key_n != y->key_n)
        return x->key_n < y->key_n ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool same_key(const struct storerocks_change *a, const struct storerocks_change *b)
{
    return a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0;
}

static char *write_sorted(struct storerocks *s, const struct storeout *f, const char *path)
{
    char *text = NULL;
    rocksdb_envoptions_t *env = rocksdb_envoptions_create();
    rocksdb_sstfilewriter_t *w = rocksdb_sstfilewriter_create(env, s->o.state);
    rocksdb_sstfilewriter_open(w, path, &text);
    for (size_t i = 0; i < f->n && text == NULL; i++) {
        const struct storerocks_change *c = &f->changes[i];
        if (i + 1 < f->n && same_key(c, c + 1))
            continue;
        if (c->value == NULL)
            rocksdb_sstfilewriter_delete(w, c->key, c->key_n, &text);
        else
            rocksdb_sstfilewriter_put(w, c->key, c->key_n, c->value, c->value_n, &text);
    }
    if (text == NULL)
        rocksdb_sstfilewriter_finish(w, &text);
    rocksdb_sstfilewriter_destroy(w);
    rocksdb_envoptions_destroy(env);
    return text;
}

static char *take_in(struct storerocks *s, struct storeout *f, const char *path)
{
    char *text = NULL;
    rocksdb_ingestexternalfileoptions_t *how = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(how, 1);
    rocksdb_ingest_external_file_cf(s->db, f->handle, &path, 1, how, &text);
    rocksdb_ingestexternalfileoptions_destroy(how);
    return text;
}

static enum err write_family(struct storerocks *s, struct storeout *f, struct diag *d)
{
    char *text = NULL;
    if (f->n == 0)
        return ERR_OK;
    if (fault_at("store.write") != FAULT_NONE)
        return store_fails(d, s->dir, "changes cannot be written", EIO);
    qsort(f->changes, f->n, sizeof *f->changes, by_key);
    char *path = mem_printf("%s/%08" PRIu64 ".sst", s->folder, s->made++);
    text = write_sorted(s, f, path);
    if (text == NULL)
        text = take_in(s, f, path);
    unlink(path); /* it has another name, or is of no use */
    mem_free(path);
    f->n = 0;
    return rocksopts_err(text, s->dir, "changes cannot be written", d);
}

static struct storeout *family_at(struct storerocks *s, size_t i)
{
    pthread_mutex_lock(&s->lock);
    struct storeout *f = s->families[i];
    pthread_mutex_unlock(&s->lock);
    return f;
}

static enum err write_changes(struct storerocks *s, struct diag *d)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    size_t n = s->nfamilies;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = write_family(s, family_at(s, i), d);
    s->broken |= e != ERR_OK;
    arena_reset(s->gathered);
    return e;
}

static enum err put(struct store *store, const char *op, unsigned group,
                    const struct snapfile_entry *x)
{
    struct storerocks *s = storerocks_of(store);
    struct storeout *f;
    enum err e = ensure_db(s);
    if (e == ERR_OK)
        e = storerocks_family(s, op, &f);
    if (e != ERR_OK) {
        s->broken = true;
        return e;
    }
    char *key = arena_alloc(s->gathered, ROCKSOPTS_GROUP_BYTES + x->key_n);
    key[0] = (char)(group >> 8);
    key[1] = (char)(group & 255);
    memcpy(key + ROCKSOPTS_GROUP_BYTES, x->key, x->key_n);
    struct storerocks_change c = {.key = key,
                                  .key_n = (uint32_t)(ROCKSOPTS_GROUP_BYTES + x->key_n),
                                  .value_n = (uint32_t)x->value_n,
                                  .order = f->n};
    if (x->value != NULL)
        c.value = arena_dup(s->gathered, x->value, x->value_n);
    f->changes = mem_grow(f->changes, f->n, 1, &f->cap, sizeof c);
    f->changes[f->n++] = c;
    s->nchanges++;
    if (arena_bytes(s->gathered) < GATHERED_BYTES)
        return ERR_OK;
    struct diag d;
    diag_init(&d, NULL, 0);
    e = write_changes(s, &d);
    diag_fini(&d);
    return e;
}

/* --- checkpoints --- */

struct counting {
    struct storerocks *s;
    struct store_report *r;
    struct storerocks_file *files;
    size_t n, cap;
};

static void count_file(void *ctx, const char *name, uint64_t bytes)
{
    struct counting *c = ctx;
    bool known = false;
    for (size_t i = 0; i < c->s->nfiles && !known; i++)
        known = strcmp(c->s->files[i].name, name) == 0;
    c->r->files++;
    c->r->bytes += bytes;
    if (strstr(name, ".sst") == NULL)
        return;
    c->r->written_bytes += known ? 0 : bytes;
    c->files = mem_grow(c->files, c->n, 1, &c->cap, sizeof *c->files);
    c->files[c->n++].name = mem_str(name);
}

/* What is new are files of tables that the checkpoint before did not have; the rest is small. */
static void count_files(struct storerocks *s, const char *dir, struct store_report *r)
{
    struct counting c = {.s = s, .r = r};
    rocksread_files(dir, count_file, &c);
    for (size_t i = 0; i < s->nfiles; i++)
        mem_free(s->files[i].name);
    mem_free(s->files);
    s->files = c.files;
    s->nfiles = c.n;
    s->files_cap = c.cap;
}

static enum err checkpoint(struct store *store, const char *folder, const char *name,
                           struct store_report *r, struct diag *d)
{
    struct storerocks *s = storerocks_of(store);
    const struct store_part p = {folder, name, 0};
    char *text = NULL, *to = rocksread_folder(&p);
    r->changes = s->nchanges;
    s->nchanges = 0;
    enum err e = s->db == NULL ? make_db(s, d) : ERR_OK;
    if (e == ERR_OK)
        e = write_changes(s, d);
    if (e == ERR_OK && fault_at("store.link") != FAULT_NONE)
        e = store_fails(d, to, "cannot be linked", EIO);
    if (e == ERR_OK) {
        rocksdb_checkpoint_t *c = rocksdb_checkpoint_object_create(s->db, &text);
        if (text == NULL)
            rocksdb_checkpoint_create(c, to, 0, &text);
        if (c != NULL)
            rocksdb_checkpoint_object_destroy(c);
        e = rocksopts_err(text, to, "cannot be made", d);
    }
    if (e == ERR_OK)
        count_files(s, to, r);
    mem_free(to);
    return e;
}

/* --- a store that starts with a checkpoint --- */

struct linking {
    const char *from, *to;
    enum err e;
    struct diag *d;
};

static int copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    ssize_t n = out < 0 ? -1 : 1;
    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, COPIED_AT_ONCE, 0);
    int errnum = errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    errno = errnum;
    return n < 0 ? -1 : 0;
}

/* Files of tables never change; of the others the database writes on. */
static void take_file(void *ctx, const char *name, uint64_t bytes)
{
    struct linking *l = ctx;
    (void)bytes;
    size_t n = strlen(name);
    if (l->e != ERR_OK)
        return;
    bool table = n > 4 && strcmp(name + n - 4, ".sst") == 0;
    char *from = mem_printf("%s/%s", l->from, name), *to = mem_printf("%s/%s", l->to, name);
    if (table ? link(from, to) < 0 : copy_file(from, to) < 0)
        l->e = store_fails(l->d, from, "cannot be linked or copied", errno);
    mem_free(from);
    mem_free(to);
}

static enum err adopt(struct store *store, const struct store_part *p, struct diag *d)
{
    struct storerocks *s = storerocks_of(store);
    struct store_report r = {0};
    struct linking l = {.to = s->dir, .d = d};
    close_db(s);
    if (durable_delete(s->dir) != ERR_OK)
        return store_fails(d, s->dir, "cannot be deleted", errno);
    if (mkdir(s->dir, FOLDER_MODE) < 0)
        return store_fails(d, s->dir, "cannot be made", errno);
    char *from = rocksread_folder(p);
    l.from = from;
    rocksread_files(from, take_file, &l);
    if (l.e == ERR_OK)
        l.e = open_db(s, d);
    if (l.e == ERR_OK)
        count_files(s, from, &r);
    mem_free(from);
    return l.e;
}

static enum err settle(struct store *store, struct diag *d)
{
    struct storerocks *s = storerocks_of(store);
    s->nchanges = 0;
    return write_changes(s, d);
}

/* What is gathered is written down: whoever asks for a key must find it. */
static bool is_whole(struct store *store)
{
    struct storerocks *s = storerocks_of(store);
    struct diag d;
    diag_init(&d, NULL, 0);
    if (s->db != NULL && !s->broken)
        s->broken = settle(store, &d) != ERR_OK;
    diag_fini(&d);
    return s->db != NULL && !s->broken;
}

/* --- */

enum err storerocks_open(const char *dir, const struct store_options *o, struct diag *d,
                         struct store **out)
{
    static const struct storedef def = {.backend = STORE_ROCKSDB,
                                        .close = close_rocks,
                                        .put = put,
                                        .checkpoint = checkpoint,
                                        .is_whole = is_whole,
                                        .reset = reset,
                                        .adopt = adopt,
                                        .settle = settle};
    struct storerocks *s = mem_new(sizeof *s);
    s->store.def = &def;
    pthread_mutex_init(&s->lock, NULL);
    s->folder = mem_str(dir);
    s->dir = mem_printf("%s/db", dir);
    s->gathered = arena_new(ARENA_BYTES, 0);
    rocksopts_init(&s->o, o);
    enum err e = make_db(s, d);
    if (e == ERR_OK)
        *out = &s->store;
    else
        close_rocks(&s->store);
    return e;
}
