/* SPDX-License-Identifier: Apache-2.0 */
#include "state/store.h"
#include "base/durable.h"
#include "base/fault.h"
#include "base/mem.h"
#include "state/snapwriter.h"
#include "state/statefiles.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHAIN_MAX = 64, FOLDER_MODE = 0750 };

struct file {
    char *path;
    uint64_t bytes;
};
struct store {
    char *dir;
    uint64_t made; /* files so far: their names */
    unsigned n;
    struct file chain[CHAIN_MAX + 1]; /* the base, then changes */
    struct snapwriter *changes; /* being written; NULL: nothing was put */
    char *changes_path;
    uint64_t nchanges;
};

/* --- the working folder --- */

static enum err fails(struct diag *d, const char *path, const char *what)
{
    enum err e = err_from_errno(errno);
    diag_say(d, "state", NULL, "%s: %s: %s", path, what, strerror(errno));
    return e;
}

static enum err empty_folder(const char *path, struct diag *d)
{
    if (mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST)
        return fails(d, path, "cannot be made");
    DIR *dir = opendir(path);
    enum err e = dir == NULL ? fails(d, path, "cannot be read") : ERR_OK;
    for (struct dirent *x; e == ERR_OK && (x = readdir(dir)) != NULL;) {
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        char *file = mem_printf("%s/%s", path, x->d_name);
        if (unlink(file) < 0)
            e = fails(d, file, "cannot be deleted");
        mem_free(file);
    }
    if (dir != NULL)
        closedir(dir);
    return e;
}

enum err store_open(const char *dir, struct diag *d, struct store **out)
{
    enum err e = empty_folder(dir, d);
    if (e != ERR_OK)
        return e;
    struct store *s = mem_new(sizeof *s);
    s->dir = mem_str(dir);
    *out = s;
    return ERR_OK;
}

static void drop_file(struct file *f)
{
    unlink(f->path);
    mem_free(f->path);
}

void store_reset(struct store *s)
{
    snapwriter_abandon(s->changes);
    mem_free(s->changes_path);
    s->changes = NULL;
    s->changes_path = NULL;
    s->nchanges = 0;
    while (s->n > 0)
        drop_file(&s->chain[--s->n]);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    store_reset(s);
    rmdir(s->dir);
    mem_free(s->dir);
    mem_free(s);
}

static char *next_path(struct store *s)
{
    return mem_printf("%s/%08" PRIu64, s->dir, s->made++);
}

/* --- changes --- */

static enum err begin_changes(struct store *s)
{
    char *path = next_path(s);
    enum err e = snapwriter_create(path, &s->changes);
    if (e == ERR_OK)
        s->changes_path = path;
    else
        mem_free(path);
    return e;
}

enum err store_put(struct store *s, const char *op, unsigned group, const struct snapfile_entry *e)
{
    enum err bad = s->changes == NULL ? begin_changes(s) : ERR_OK;
    if (bad != ERR_OK)
        return bad;
    s->nchanges++;
    return snapwriter_put(s->changes, op, group, e);
}

/* Also without any: a store that holds nothing has a base that says so. */
static enum err finish_changes(struct store *s, struct store_report *r)
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

static bool wants_merge(const struct store *s)
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
static enum err merge(struct store *s, struct store_report *r, struct diag *d)
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

static enum err link_all(const struct store *s, const char *folder, const char *name,
                         struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < s->n && e == ERR_OK; i++) {
        char *to = part_path(folder, name, i);
        if (fault_at("store.link") != FAULT_NONE)
            errno = EIO, e = fails(d, to, "cannot be linked");
        else if (link(s->chain[i].path, to) < 0)
            e = fails(d, to, "cannot be linked");
        mem_free(to);
    }
    return e == ERR_OK ? durable_sync_folder(folder) : e;
}

enum err store_checkpoint(struct store *s, const char *folder, const char *name,
                          struct store_report *out, struct diag *d)
{
    struct store_report r = {0};
    enum err e = finish_changes(s, &r);
    if (e != ERR_OK)
        diag_say(d, "state", NULL, "%s: changes of the state cannot be written: %s", s->dir,
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

enum err store_read(const char *folder, const char *name, unsigned files, unsigned from,
                    unsigned to, snapfile_take *take, void *ctx, struct diag *d)
{
    struct statefiles *all = NULL;
    enum err e = open_parts(folder, name, files, d, &all);
    if (e == ERR_OK)
        e = statefiles_read(all, from, to, take, ctx, d);
    statefiles_close(all);
    return e;
}

enum err store_verify(const char *folder, const char *name, unsigned n, struct diag *d)
{
    struct statefiles *files = NULL;
    enum err e = open_parts(folder, name, n, d, &files);
    if (e == ERR_OK)
        e = statefiles_verify(files, d);
    statefiles_close(files);
    return e;
}
