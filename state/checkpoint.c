/* SPDX-License-Identifier: Apache-2.0 */
#include "state/checkpoint.h"
#include "base/durable.h"
#include "base/fault.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { FOLDER_MODE = 0750, SUM_BYTES = 23 }; /* "\nxxh3 0123456789abcdef\n" */

static enum err fails(struct diag *d, const char *path, const char *what, int errnum)
{
    diag_say(d, "checkpoint", NULL, "%s: %s: %s", path, what, strerror(errnum));
    return err_from_errno(errnum);
}

char *checkpoint_folder(const char *root, uint64_t id)
{
    return mem_printf("%s/chk-%08" PRIu64, root, id);
}

static enum err delete_tree(const char *path, struct diag *d)
{
    if (durable_delete(path) == ERR_OK)
        return ERR_OK;
    return fails(d, path, "cannot be deleted", errno);
}

/* --- one checkpoint --- */

enum err checkpoint_begin(const char *root, uint64_t id, struct diag *d)
{
    char *path = checkpoint_folder(root, id);
    enum err e = delete_tree(path, d);
    if (e == ERR_OK && fault_at("checkpoint.begin") != FAULT_NONE)
        e = fails(d, path, "cannot be made", EIO);
    else if (e == ERR_OK && mkdir(path, FOLDER_MODE) < 0)
        e = fails(d, path, "cannot be made", errno);
    mem_free(path);
    return e;
}

static void sum_text(const void *p, size_t n, char out[SUM_BYTES + 1])
{
    snprintf(out, SUM_BYTES + 1, "\nxxh3 %016" PRIx64 "\n", (uint64_t)XXH3_64bits(p, n));
}

enum err checkpoint_put_metadata(const char *folder, const char *metadata, size_t n, struct diag *d)
{
    char *path = mem_printf("%s/_metadata", folder), sum[SUM_BYTES + 1];
    struct bytes text = {0};
    sum_text(metadata, n, sum);
    bytes_put(&text, metadata, n);
    bytes_put(&text, sum, SUM_BYTES);
    enum err e = durable_file(path, text.p, text.n);
    if (e != ERR_OK)
        diag_say(d, "checkpoint", NULL, "%s: cannot be written: %s", path, err_text(e));
    bytes_fini(&text);
    mem_free(path);
    return e;
}

enum err checkpoint_complete(const char *root, uint64_t id, const char *metadata, size_t n,
                             struct diag *d)
{
    char *folder = checkpoint_folder(root, id);
    /* The checkpoint's own name in the folder of all, then what makes it complete. */
    enum err e = durable_sync_folder(root);
    if (e == ERR_OK)
        e = checkpoint_put_metadata(folder, metadata, n, d);
    else
        diag_say(d, "checkpoint", NULL, "%s: cannot be written: %s", root, err_text(e));
    mem_free(folder);
    return e;
}

static enum err read_file(const char *path, struct bytes *out, struct diag *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        diag_say(d, "checkpoint", NULL, "%s: there is no such checkpoint", path);
        return ERR_NOT_FOUND;
    }
    enum err e = fd < 0 || fstat(fd, &st) < 0 ? fails(d, path, "cannot be read", errno) : ERR_OK;
    if (e == ERR_OK && st.st_size > CHECKPOINT_METADATA_MAX) {
        diag_say(d, "checkpoint", NULL, "%s: too long", path);
        e = ERR_CORRUPT;
    }
    bytes_reset(out);
    while (e == ERR_OK && out->n < (size_t)st.st_size) {
        uint8_t *to = bytes_reserve(out, (size_t)st.st_size - out->n);
        ssize_t did = read(fd, to, (size_t)st.st_size - out->n);
        if (did == 0)
            break;
        if (did > 0)
            out->n += (size_t)did;
        else if (errno != EINTR)
            e = fails(d, path, "cannot be read", errno);
    }
    if (fd >= 0)
        close(fd);
    return e;
}

enum err checkpoint_get_metadata(const char *folder, struct bytes *out, struct diag *d)
{
    char *path = mem_printf("%s/_metadata", folder), sum[SUM_BYTES + 1];
    enum err e = read_file(path, out, d);
    if (e == ERR_OK && out->n >= SUM_BYTES)
        sum_text(out->p, out->n - SUM_BYTES, sum);
    if (e == ERR_OK &&
        (out->n < SUM_BYTES || memcmp(out->p + out->n - SUM_BYTES, sum, SUM_BYTES) != 0)) {
        diag_say(d, "checkpoint", "another checkpoint may be whole",
                 "%s: the checksum is wrong, the file is damaged", path);
        e = ERR_CORRUPT;
    }
    if (e == ERR_OK)
        out->n -= SUM_BYTES;
    mem_free(path);
    return e;
}

enum err checkpoint_metadata(const char *root, uint64_t id, struct bytes *out, struct diag *d)
{
    char *folder = checkpoint_folder(root, id);
    enum err e = checkpoint_get_metadata(folder, out, d);
    mem_free(folder);
    return e;
}

enum err checkpoint_remove(const char *root, uint64_t id, struct diag *d)
{
    char *path = checkpoint_folder(root, id);
    char *gone = mem_printf("%s/gone-%08" PRIu64, root, id);
    enum err e = ERR_OK;
    if (fault_at("checkpoint.remove") != FAULT_NONE)
        e = fails(d, path, "cannot be taken out", EIO);
    else if (rename(path, gone) < 0 && errno != ENOENT)
        e = fails(d, path, "cannot be taken out", errno);
    if (e == ERR_OK)
        e = durable_sync_folder(root);
    if (e == ERR_OK)
        e = delete_tree(gone, d);
    mem_free(gone);
    mem_free(path);
    return e;
}

/* --- all of them --- */

static int by_id(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The number in a name of that form. */
static bool id_of(const char *name, const char *prefix, uint64_t *id)
{
    size_t n = strlen(prefix);
    char *end = NULL;
    if (strncmp(name, prefix, n) != 0 || name[n] < '0' || name[n] > '9')
        return false;
    errno = 0;
    *id = strtoull(name + n, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Numbers of the folders of that prefix, ascending. */
static size_t folders(const char *root, const char *prefix, uint64_t **out)
{
    DIR *dir = opendir(root);
    size_t n = 0, cap = 0;
    uint64_t id = 0;
    *out = NULL;
    for (struct dirent *x; dir != NULL && (x = readdir(dir)) != NULL;)
        if (id_of(x->d_name, prefix, &id)) {
            *out = mem_grow(*out, n, 1, &cap, sizeof **out);
            (*out)[n++] = id;
        }
    if (dir != NULL)
        closedir(dir);
    if (n > 1)
        qsort(*out, n, sizeof **out, by_id);
    return n;
}

size_t checkpoint_list(const char *root, uint64_t **ids, struct diag *d)
{
    struct bytes text = {0};
    size_t n = folders(root, "chk-", ids), kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct diag why;
        diag_init(&why, NULL, 0);
        enum err e = checkpoint_metadata(root, (*ids)[i], &text, &why);
        if (e == ERR_OK)
            (*ids)[kept++] = (*ids)[i];
        else if (e != ERR_NOT_FOUND && d != NULL)
            diag_warn(d, "checkpoint", (struct span){0}, NULL, "%s", why.items[0].message);
        diag_fini(&why);
    }
    bytes_fini(&text);
    return kept;
}

enum err checkpoint_open(const char *root, struct diag *d)
{
    if (mkdir(root, FOLDER_MODE) < 0 && errno != EEXIST)
        return fails(d, root, "cannot be made", errno);
    uint64_t *ids = NULL;
    struct bytes text = {0};
    enum err e = ERR_OK;
    size_t n = folders(root, "gone-", &ids);
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        char *path = mem_printf("%s/gone-%08" PRIu64, root, ids[i]);
        e = delete_tree(path, d);
        mem_free(path);
    }
    mem_free(ids);
    n = folders(root, "chk-", &ids);
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        struct diag why;
        diag_init(&why, NULL, 0);
        if (checkpoint_metadata(root, ids[i], &text, &why) == ERR_NOT_FOUND)
            e = checkpoint_remove(root, ids[i], d);
        diag_fini(&why);
    }
    mem_free(ids);
    bytes_fini(&text);
    return e;
}
