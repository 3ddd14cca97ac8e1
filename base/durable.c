/* SPDX-License-Identifier: Apache-2.0 */
#include "base/durable.h"
#include "base/bug.h"
#include "base/fault.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0640, OPEN_FOLDERS = 16 };

enum err durable_open(struct durable *f, const char *path)
{
    *f = (struct durable){.fd = -1};
    if (fault_at("durable.open") != FAULT_NONE)
        return ERR_IO;
    char *part = mem_printf("%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, MODE);
    if (fd < 0) {
        mem_free(part);
        return err_from_errno(errno);
    }
    *f = (struct durable){.fd = fd, .path = mem_str(path), .part = part};
    return ERR_OK;
}

static enum err write_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t did = write(fd, at, n);
        if (did < 0 && errno == EINTR)
            continue;
        if (did <= 0)
            return did < 0 ? err_from_errno(errno) : ERR_IO;
        at += did;
        n -= (size_t)did;
    }
    return ERR_OK;
}

enum err durable_write(struct durable *f, const void *p, size_t n)
{
    enum fault fault = fault_at("durable.write");
    if (fault == FAULT_FAIL)
        return ERR_IO;
    enum err e = write_all(f->fd, p, fault == FAULT_TORN ? n / 2 : n);
    if (fault == FAULT_TORN)
        kill(getpid(), SIGKILL);
    if (e == ERR_OK)
        f->n += n;
    return e;
}

enum err durable_sync_folder(const char *path)
{
    if (fault_at("durable.sync_folder") != FAULT_NONE)
        return ERR_IO;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    enum err e = fsync(fd) < 0 ? err_from_errno(errno) : ERR_OK;
    close(fd);
    return e;
}

static enum err sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return durable_sync_folder(".");
    char *folder = mem_dup(path, slash == path ? 1 : (size_t)(slash - path));
    enum err e = durable_sync_folder(folder);
    mem_free(folder);
    return e;
}

static void fini(struct durable *f)
{
    if (f->fd >= 0)
        close(f->fd);
    mem_free(f->path);
    mem_free(f->part);
    *f = (struct durable){.fd = -1};
}

enum err durable_finish(struct durable *f)
{
    enum err e = ERR_OK;
    BUG_IF(f->path == NULL, "it was not begun");
    if (fault_at("durable.sync") != FAULT_NONE)
        e = ERR_IO;
    else if (fsync(f->fd) < 0)
        e = err_from_errno(errno);
    if (e == ERR_OK && fault_at("durable.rename") != FAULT_NONE)
        e = ERR_IO;
    else if (e == ERR_OK && rename(f->part, f->path) < 0)
        e = err_from_errno(errno);
    if (e == ERR_OK)
        e = sync_folder_of(f->path);
    if (e == ERR_OK)
        fini(f);
    else
        durable_abandon(f);
    return e;
}

void durable_abandon(struct durable *f)
{
    if (f->fd < 0)
        return;
    unlink(f->part);
    fini(f);
}

enum err durable_file(const char *path, const void *p, size_t n)
{
    struct durable f;
    enum err e = durable_open(&f, path);
    if (e == ERR_OK)
        e = durable_write(&f, p, n);
    if (e == ERR_OK)
        e = durable_finish(&f);
    else
        durable_abandon(&f);
    return e;
}

static int delete_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

enum err durable_delete(const char *path)
{
    if (nftw(path, delete_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return ERR_OK;
    return err_from_errno(errno);
}
