/* SPDX-License-Identifier: Apache-2.0 */
#include "base/durable.h"
#include "base/fault.h"
#include "base/mem.h"
#include "state/snapwriter.h"
#include "state/statefiles.h"
#include "state/storedef.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHAIN_MAX = 64 };

struct file {
    char *path;
    uint64_t bytes;
};
struct storeheap {
    struct store store;
    uint64_t made; /* files so far: their names */
    unsigned n;
    struct file chain[CHAIN_MAX + 1]; /* the base, then changes */
    struct snapwriter *changes; /* being written; NULL: nothing was put */
    char *changes_path;
    uint64_t nchanges;
};

/* --- the working folder --- */

static struct storeheap *heap(struct store *s)
{
    return (struct storeheap *)s; /* its first member */
}

static void drop_file(struct file *f)
{
    unlink(f->path);
    mem_free(f->path);
}

static void reset(struct store *store)
{
    struct storeheap *s = heap(store);
    snapwriter_abandon(s->changes);
    mem_free(s->changes_path);
    s->changes = NULL;
    s->changes_path = NULL;
    s->nchanges = 0;
    while (s->n > 0)
        drop_file(&s->chain[--s->n]);
}

static void close_heap(struct store *s)
{
    reset(s);
    mem_free(heap(s));
}

static char *next_path(struct storeheap *s)
{
    return mem_printf("%s/%08" PRIu64, s->store.dir, s->made++);
}

/* --- changes --- */

static enum err begin_changes(struct storeheap *s)
{
    char *path = next_path(s);
    enum err e = snapwriter_create(path, &s->changes);
    if (e == ERR_OK)
        s->changes_path = path;
    else
        mem_free(path);
    return e;
}

static enum err put(struct store *store, const char *op, unsigned group,
                    const struct snapfile_entry *e)
{
    struct storeheap *s = heap(store);
    enum err bad = s->changes == NULL ? begin_changes(s) : ERR_OK;
    if (bad != ERR_OK)
        return bad;
    s->nchanges++;
    return snapwriter_put(s->changes, op, group, e);
}

/* Also without any: a store that holds nothing has a base that says so. */
static enum err finish_changes(struct storeheap *s, struct store_report *r)
{
    uint64_t bytes = 0;
    enum err e = ERR_OK;
    r->changes = s->nchanges;
    if (s->changes == NULL && (s->n > 0 || (e = begin_changes(s)) != ERR_OK))
        return e;
    e = snapwriter_finish(s->changes, &bytes);
    s->changes = NULL;
    s->nchanges = 0;
    if (e == ERR_OK) {
        s->chain[s->n++] = (struct file){s->changes_path, bytes};
        r->written_bytes += bytes;
    } else {
        mem_free(s->changes_path);
    }
    s->changes_path = NULL;
    return e;
}

/* --- merging --- */

static bool wants_merge(const struct storeheap *s)
{
    uint64_t changes = 0;
    for (unsigned i = 1; i < s->n; i++)
        changes += s->chain[i].bytes;
    return s->n > 1 && (s->n == CHAIN_MAX || changes > s->chain[0].bytes);
}

static enum err copy_entry(void *ctx, const char *op, unsigned group,
                           const struct snapfile_entry *e)
{
    return snapwriter_put(ctx, op, group, e);
}

/* All files into one. On an error the chain is as before. */
static enum err merge(struct storeheap *s, struct store_report *r, struct diag *d)
{
    const char *paths[CHAIN_MAX];
    struct statefiles *files = NULL;
    struct snapwriter *w = NULL;
    struct file base = {.path = next_path(s)};
    for (unsigned i = 0; i < s->n; i++)
        paths[i] = s->chain[i].path;
    enum err e = statefiles_open(paths, s->n, d, &files);
    if (e == ERR_OK)
        e = snapwriter_create(base.path, &w);
    if (e == ERR_OK)
        e = statefiles_read(files, 0, SNAPFILE_GROUPS_MAX, copy_entry, w, d);
    if (e == ERR_OK) {
        e = snapwriter_finish(w, &base.bytes);
        w = NULL;
    }
    snapwriter_abandon(w);
    statefiles_close(files);
    if (e != ERR_OK) {
        mem_free(base.path);
        return e;
    }
    while (s->n > 0)
        drop_file(&s->chain[--s->n]);
    s->chain[s->n++] = base;
    r->written_bytes += base.bytes;
    return ERR_OK;
}

/* --- checkpoints --- */

static char *part_path(const char *folder, const char *name, unsigned i)
{
    return mem_printf("%s/%s.%04u", folder, name, i);
}

static enum err link_all(const struct storeheap *s, const char *folder, const char *name,
                         struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < s->n && e == ERR_OK; i++) {
        char *to = part_path(folder, name, i);
        if (fault_at("store.link") != FAULT_NONE)
            e = store_fails(d, to, "cannot be linked", EIO);
        else if (link(s->chain[i].path, to) < 0)
            e = store_fails(d, to, "cannot be linked", errno);
        mem_free(to);
    }
    return e;
}

static enum err checkpoint(struct store *store, const char *folder, const char *name,
                           struct store_report *out, struct diag *d)
{
    struct storeheap *s = heap(store);
    struct store_report r = {0};
    enum err e = finish_changes(s, &r);
    if (e != ERR_OK)
        diag_say(d, "state", NULL, "%s: changes of the state cannot be written: %s", store->dir,
                 err_text(e));
    if (e == ERR_OK && wants_merge(s))
        e = merge(s, &r, d);
    if (e == ERR_OK)
        e = link_all(s, folder, name, d);
    for (unsigned i = 0; i < s->n; i++)
        r.bytes += s->chain[i].bytes;
    r.files = s->n;
    if (e == ERR_OK)
        *out = r;
    return e;
}

/* --- reading a checkpoint --- */

static enum err open_parts(const char *folder, const char *name, unsigned n, struct diag *d,
                           struct statefiles **out)
{
    char *paths[CHAIN_MAX] = {0};
    if (n == 0 || n > CHAIN_MAX) {
        diag_say(d, "state", NULL, "%s: %s cannot have %u files", folder, name, n);
        return ERR_CORRUPT;
    }
    for (unsigned i = 0; i < n; i++)
        paths[i] = part_path(folder, name, i);
    enum err e = statefiles_open((const char *const *)paths, n, d, out);
    for (unsigned i = 0; i < n; i++)
        mem_free(paths[i]);
    return e;
}

enum err storeheap_read(const struct store_part *p, unsigned from, unsigned to, snapfile_take *take,
                        void *ctx, struct diag *d)
{
    struct statefiles *all = NULL;
    enum err e = open_parts(p->folder, p->name, p->files, d, &all);
    if (e == ERR_OK)
        e = statefiles_read(all, from, to, take, ctx, d);
    statefiles_close(all);
    return e;
}

enum err storeheap_verify(const struct store_part *p, struct diag *d)
{
    struct statefiles *files = NULL;
    enum err e = open_parts(p->folder, p->name, p->files, d, &files);
    if (e == ERR_OK)
        e = statefiles_verify(files, d);
    statefiles_close(files);
    return e;
}

enum err storeheap_span(const struct store_part *p, unsigned *from, unsigned *to, struct diag *d)
{
    struct statefiles *files = NULL;
    enum err e = open_parts(p->folder, p->name, p->files, d, &files);
    if (e == ERR_OK)
        statefiles_span(files, from, to);
    statefiles_close(files);
    return e;
}

/* --- a store that starts with a checkpoint --- */

static enum err adopt(struct store *store, const struct store_part *p, struct diag *d)
{
    struct storeheap *s = heap(store);
    struct stat st;
    enum err e = ERR_OK;
    for (unsigned i = 0; i < p->files && e == ERR_OK; i++) {
        char *from = part_path(p->folder, p->name, i), *to = next_path(s);
        if (link(from, to) < 0 || stat(to, &st) < 0) {
            e = store_fails(d, from, "cannot be linked", errno);
            mem_free(to);
        } else {
            s->chain[s->n++] = (struct file){to, (uint64_t)st.st_size};
        }
        mem_free(from);
    }
    return e;
}

static enum err settle(struct store *store, struct diag *d)
{
    struct storeheap *s = heap(store);
    struct store_report r = {0};
    enum err e = s->n == CHAIN_MAX && s->changes != NULL ? merge(s, &r, d) : ERR_OK;
    return e == ERR_OK && s->changes != NULL ? finish_changes(s, &r) : e;
}

/* --- */

enum err storeheap_open(struct store **out)
{
    static const struct storedef def = {.backend = STORE_HEAP,
                                        .close = close_heap,
                                        .put = put,
                                        .checkpoint = checkpoint,
                                        .reset = reset,
                                        .adopt = adopt,
                                        .settle = settle};
    struct storeheap *s = mem_new(sizeof *s);
    s->store.def = &def;
    *out = &s->store;
    return ERR_OK;
}
