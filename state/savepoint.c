/* SPDX-License-Identifier: Apache-2.0 */
#include "state/savepoint.h"
#include "base/arena.h"
#include "base/durable.h"
#include "base/fault.h"
#include "base/mem.h"
#include "state/checkpoint.h"
#include "state/snapfile.h"
#include "state/snapwriter.h"
#include "state/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { FOLDER_MODE = 0750, READ_BYTES = 256 << 10 };
#define PART ".part-"
#define GONE ".gone-"

static enum err fails(struct diag *d, const char *path, const char *what, int errnum)
{
    diag_say(d, "savepoint", NULL, "%s: %s: %s", path, what, strerror(errnum));
    return err_from_errno(errnum);
}

bool savepoint_is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n > 0 && name[n] == '\0' && n <= SAVEPOINT_NAME_MAX && name[0] != '.';
}

char *savepoint_folder(const char *root, const char *name)
{
    return mem_printf("%s/%s", root, name);
}

static char *part_of(const char *root, const char *name)
{
    return mem_printf("%s/" PART "%s", root, name);
}

/* --- all of them --- */

static int by_name(const void *a, const void *b)
{
    char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

size_t savepoint_list(const char *root, char ***names)
{
    DIR *dir = opendir(root);
    size_t n = 0, cap = 0;
    *names = NULL;
    for (struct dirent *x; dir != NULL && (x = readdir(dir)) != NULL;)
        if (savepoint_is_name(x->d_name)) {
            *names = mem_grow(*names, n, 1, &cap, sizeof **names);
            (*names)[n++] = mem_str(x->d_name);
        }
    if (dir != NULL)
        closedir(dir);
    if (n > 1)
        qsort(*names, n, sizeof **names, by_name);
    return n;
}

static uint64_t bytes_in(const char *folder)
{
    uint64_t bytes = 0;
    DIR *dir = opendir(folder);
    struct stat st;
    for (struct dirent *x; dir != NULL && (x = readdir(dir)) != NULL;)
        if (fstatat(dirfd(dir), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    if (dir != NULL)
        closedir(dir);
    return bytes;
}

size_t savepoint_usage(const char *root, uint64_t *bytes)
{
    char **names = NULL;
    size_t n = savepoint_list(root, &names);
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        char *folder = savepoint_folder(root, names[i]);
        *bytes += bytes_in(folder);
        mem_free(folder);
        mem_free(names[i]);
    }
    mem_free(names);
    return n;
}

enum err savepoint_open(const char *root, struct diag *d)
{
    if (mkdir(root, FOLDER_MODE) < 0 && errno != EEXIST)
        return fails(d, root, "cannot be made", errno);
    DIR *dir = opendir(root);
    enum err e = dir == NULL ? fails(d, root, "cannot be read", errno) : ERR_OK;
    for (struct dirent *x; dir != NULL && e == ERR_OK && (x = readdir(dir)) != NULL;) {
        if (strncmp(x->d_name, PART, strlen(PART)) != 0 &&
            strncmp(x->d_name, GONE, strlen(GONE)) != 0)
            continue;
        char *path = mem_printf("%s/%s", root, x->d_name);
        if (durable_delete(path) != ERR_OK)
            e = fails(d, path, "cannot be deleted", errno);
        mem_free(path);
    }
    if (dir != NULL)
        closedir(dir);
    return e;
}

/* --- one of them --- */

enum err savepoint_begin(const char *root, const char *name, char **part, struct diag *d)
{
    char *there = savepoint_folder(root, name), *path = part_of(root, name);
    enum err e = ERR_OK;
    if (access(there, F_OK) == 0) {
        diag_say(d, "exists", "take another name, or delete that one first",
                 "there is a savepoint %s already", name);
        e = ERR_EXISTS;
    } else if (durable_delete(path) != ERR_OK) {
        e = fails(d, path, "cannot be deleted", errno);
    } else if (mkdir(path, FOLDER_MODE) < 0) {
        e = fails(d, path, "cannot be made", errno);
    }
    if (e == ERR_OK)
        *part = path;
    else
        mem_free(path);
    mem_free(there);
    return e;
}

void savepoint_abandon(const char *root, const char *name)
{
    char *path = part_of(root, name);
    (void)durable_delete(path); /* what stays is deleted by the next start */
    mem_free(path);
}

enum err savepoint_complete(const char *root, const char *name, const char *metadata, size_t n,
                            struct diag *d)
{
    char *path = savepoint_folder(root, name), *part = part_of(root, name);
    enum err e = checkpoint_put_metadata(part, metadata, n, d);
    if (e == ERR_OK && fault_at("savepoint.rename") != FAULT_NONE)
        e = fails(d, part, "cannot be renamed", EIO);
    else if (e == ERR_OK && rename(part, path) < 0)
        e = fails(d, part, "cannot be renamed", errno);
    if (e == ERR_OK && durable_sync_folder(root) != ERR_OK)
        e = fails(d, root, "cannot be written", EIO);
    mem_free(part);
    mem_free(path);
    return e;
}

enum err savepoint_remove(const char *root, const char *name, struct diag *d)
{
    char *path = savepoint_folder(root, name), *gone = mem_printf("%s/" GONE "%s", root, name);
    enum err e = ERR_OK;
    if (rename(path, gone) < 0 && errno == ENOENT) {
        diag_say(d, "not-found", NULL, "there is no savepoint %s", name);
        e = ERR_NOT_FOUND;
    } else if (access(gone, F_OK) < 0) {
        e = fails(d, path, "cannot be taken out", errno);
    }
    if (e == ERR_OK && (e = durable_sync_folder(root)) == ERR_OK && durable_delete(gone) != ERR_OK)
        e = fails(d, gone, "cannot be deleted", errno);
    mem_free(gone);
    mem_free(path);
    return e;
}

/* --- files --- */

enum err savepoint_copy_file(const char *from, const char *to, struct diag *d)
{
    struct durable f;
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fails(d, from, "cannot be read", errno);
    char *buffer = mem_alloc(READ_BYTES);
    enum err e = durable_open(&f, to);
    ssize_t n = 0;
    while (e == ERR_OK && (n = read(fd, buffer, READ_BYTES)) != 0) {
        if (n > 0)
            e = durable_write(&f, buffer, (size_t)n);
        else if (errno != EINTR)
            e = err_from_errno(errno);
    }
    if (e == ERR_OK)
        e = durable_finish(&f);
    else
        durable_abandon(&f);
    if (e != ERR_OK)
        diag_say(d, "savepoint", NULL, "%s cannot be copied to %s: %s", from, to, err_text(e));
    close(fd);
    mem_free(buffer);
    return e;
}

enum err savepoint_link_file(const char *from, const char *to, struct diag *d)
{
    if (link(from, to) == 0)
        return ERR_OK;
    if (errno == EEXIST || errno == ENOSPC || errno == ENOENT)
        return fails(d, to, "cannot be made", errno);
    return savepoint_copy_file(from, to, d);
}

static enum err link_one(const char *from, const char *to, struct diag *d)
{
    struct stat st;
    if (lstat(from, &st) < 0)
        return fails(d, from, "cannot be read", errno);
    if (S_ISDIR(st.st_mode)) {
        if (mkdir(to, FOLDER_MODE) < 0)
            return fails(d, to, "cannot be made", errno);
        return savepoint_link(from, to, d);
    }
    if (S_ISREG(st.st_mode))
        return savepoint_link_file(from, to, d);
    return fails(d, from, "is no file", EINVAL);
}

enum err savepoint_link(const char *from, const char *to, struct diag *d)
{
    DIR *dir = opendir(from);
    if (dir == NULL)
        return fails(d, from, "cannot be read", errno);
    enum err e = ERR_OK;
    for (struct dirent *x; e == ERR_OK && (x = readdir(dir)) != NULL;) {
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        char *a = mem_printf("%s/%s", from, x->d_name), *b = mem_printf("%s/%s", to, x->d_name);
        e = link_one(a, b, d);
        mem_free(a);
        mem_free(b);
    }
    closedir(dir);
    return e;
}

enum err savepoint_sum(const char *path, uint64_t *bytes, uint64_t *xxh3)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    XXH3_state_t *state = XXH3_createState();
    char *buffer = mem_alloc(READ_BYTES);
    enum err e = ERR_OK;
    ssize_t n = 0;
    *bytes = 0;
    XXH3_64bits_reset(state);
    while (e == ERR_OK && (n = read(fd, buffer, READ_BYTES)) != 0) {
        if (n > 0) {
            XXH3_64bits_update(state, buffer, (size_t)n);
            *bytes += (uint64_t)n;
        } else if (errno != EINTR) {
            e = err_from_errno(errno);
        }
    }
    *xxh3 = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    mem_free(buffer);
    close(fd);
    return e;
}

/* --- sorted --- */

struct sorting {
    struct arena *arena; /* of one key group's entries */
    struct snapfile_entry *all;
    size_t n, cap;
    uint64_t entries, bytes; /* of the operator in hand */
};

static enum err put_entry(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    return snapwriter_put(ctx, op, group, e);
}

static enum err gather(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    struct sorting *s = ctx;
    (void)op, (void)group;
    s->all = mem_grow(s->all, s->n, 1, &s->cap, sizeof *s->all);
    s->all[s->n++] = (struct snapfile_entry){arena_dup(s->arena, e->key, e->key_n), e->key_n,
                                             arena_dup(s->arena, e->value, e->value_n), e->value_n};
    s->entries++;
    s->bytes += e->key_n + e->value_n;
    return ERR_OK;
}

static int by_key(const void *a, const void *b)
{
    const struct snapfile_entry *x = a, *y = b;
    size_t least = x->key_n < y->key_n ? x->key_n : y->key_n;
    int c = least == 0 ? 0 : memcmp(x->key, y->key, least);
    return c != 0 ? c : (x->key_n > y->key_n) - (x->key_n < y->key_n);
}

static enum err sort_group(struct sorting *s, struct snapfile *f, unsigned op, unsigned group,
                           struct snapwriter *to, struct diag *d)
{
    s->n = 0;
    arena_reset(s->arena);
    enum err e = snapfile_read(f, op, group, group + 1, gather, s, d);
    if (s->n > 1)
        qsort(s->all, s->n, sizeof *s->all, by_key);
    for (size_t i = 0; i < s->n && e == ERR_OK; i++)
        e = snapwriter_put(to, snapfile_operator(f, op), group, &s->all[i]);
    return e;
}

struct op {
    const char *name;
    unsigned i;
};

static int by_op(const void *a, const void *b)
{
    const struct op *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static enum err sort_all(struct snapfile *f, struct snapwriter *to, savepoint_operator *each,
                         void *ctx, struct diag *d)
{
    struct sorting s = {.arena = arena_new(64 << 10, 0)};
    unsigned from, end, n = snapfile_operators(f);
    struct op *ops = mem_array(n + 1, sizeof *ops);
    enum err e = ERR_OK;
    snapfile_groups(f, &from, &end);
    for (unsigned i = 0; i < n; i++)
        ops[i] = (struct op){snapfile_operator(f, i), i};
    qsort(ops, n, sizeof *ops, by_op);
    for (unsigned i = 0; i < n && e == ERR_OK; i++) {
        s.entries = s.bytes = 0;
        for (unsigned g = from; g < end && e == ERR_OK; g++)
            e = sort_group(&s, f, ops[i].i, g, to, d);
        if (e == ERR_OK && s.entries > 0)
            each(ctx, ops[i].name, s.entries, s.bytes);
    }
    arena_free(s.arena);
    mem_free(s.all);
    mem_free(ops);
    return e;
}

/* The backends give entries in orders of their own: first by operator and group into blocks, then block by block. */
enum err savepoint_sort(const char *folder, const char *name, unsigned files, const char *to,
                        savepoint_operator *each, void *ctx, struct diag *d)
{
    char *grouped = mem_printf("%s.grouped", to);
    struct snapwriter *w = NULL;
    struct snapfile *f = NULL;
    enum err e = snapwriter_create(grouped, &w);
    if (e == ERR_OK)
        e = store_read(folder, name, files, 0, SNAPFILE_GROUPS_MAX, put_entry, w, d);
    if (e == ERR_OK)
        e = snapwriter_finish(w, NULL);
    else
        snapwriter_abandon(w);
    w = NULL;
    if (e == ERR_OK)
        e = snapfile_open(grouped, d, &f);
    if (e == ERR_OK)
        e = snapwriter_create(to, &w);
    if (e == ERR_OK)
        e = sort_all(f, w, each, ctx, d);
    if (e == ERR_OK)
        e = snapwriter_finish(w, NULL);
    else
        snapwriter_abandon(w);
    if (e != ERR_OK && d->errors == 0)
        diag_say(d, "savepoint", NULL, "%s cannot be written: %s", to, err_text(e));
    snapfile_close(f);
    (void)durable_delete(grouped);
    mem_free(grouped);
    return e;
}
