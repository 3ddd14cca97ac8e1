/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "sink"
#include "io/sink_file.h"
#include "base/durable.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0750,
    FILE_MODE = 0640,
    WRITE_BYTES = 64 << 10, /* so much is written at a time */
    WAITING_MAX = 4 << 20, /* bytes that wait in memory while nothing can be written */
};

struct part { /* that is being written */
    int fd; /* -1: it has no file yet */
    uint64_t number, bytes, lines; /* in the file */
    montime begun;
    struct bytes buf; /* not in the file yet */
    uint64_t buf_lines;
};

struct ended { /* a part that waits to be committed */
    uint64_t number, bytes, lines;
    uint64_t prepared; /* by which checkpoint first; 0: by none yet */
    bool renamed; /* but the folder may not know it after a power failure */
};

struct sink_file {
    struct io_sink base;
    char *folder;
    uint64_t roll_bytes;
    int64_t roll_interval_ms;
    struct part now, next;
    struct part *stuck; /* of checkpoints that could not be prepared; the next one ends them */
    size_t nstuck, stuck_cap;
    struct ended *ended;
    size_t nended, ended_cap;
    uint64_t last_number;
    bool folder_changed; /* it has a file of which no fsync has told the disk */
    bool lost;
    struct io_sink_stats stats;
};

static struct sink_file *of(struct io_sink *s)
{
    return (struct sink_file *)s;
}

static char *path_of(const struct sink_file *s, uint64_t number, bool committed)
{
    return mem_printf(committed ? "%s/part-%" PRIu64 ".jsonl" : "%s/.part-%" PRIu64 ".inprogress",
                      s->folder, number);
}

static enum err fails(struct diag *d, const char *path, const char *what, int errnum)
{
    diag_say(d, "sink", NULL, "%s: %s: %s", path, what, strerror(errnum));
    return err_from_errno(errnum);
}

/* --- writing ----------------------------------------------------------------------------------- */

static enum err open_part(struct sink_file *s, struct part *p, struct diag *d)
{
    uint64_t now = (uint64_t)timebase_now_ms();
    uint64_t number = now > s->last_number ? now : s->last_number + 1;
    char *path = path_of(s, number, false);
    int fd = -1;
    enum err e = ERR_OK;
    if (fault_at("sink.open") != FAULT_NONE)
        e = fails(d, path, "cannot be made", ENOSPC);
    else if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE)) < 0)
        e = fails(d, path, "cannot be made", errno);
    if (e == ERR_OK) {
        p->fd = fd;
        p->number = s->last_number = number;
        p->bytes = p->lines = 0;
        p->begun = timebase_mono_ns();
        s->folder_changed = true;
    }
    mem_free(path);
    return e;
}

static void take_off(struct part *p, size_t n)
{
    memmove(p->buf.p, p->buf.p + n, p->buf.n - n);
    p->buf.n -= n;
    p->bytes += n;
}

/* What could be written is in the file, and the rest in the buffer still. */
static enum err flush(struct sink_file *s, struct part *p, struct diag *d)
{
    if (p->buf.n == 0)
        return ERR_OK;
    enum err e = p->fd >= 0 ? ERR_OK : open_part(s, p, d);
    if (e != ERR_OK)
        return e;
    char *path = path_of(s, p->number, false);
    enum fault fault = fault_at("sink.write");
    size_t most = fault == FAULT_NONE ? SIZE_MAX : p->buf.n / 2;
    while (e == ERR_OK && p->buf.n > 0) {
        ssize_t did =
            most == 0 ? (errno = ENOSPC, -1)
                      : pwrite(p->fd, p->buf.p, p->buf.n < most ? p->buf.n : most, (off_t)p->bytes);
        if (fault == FAULT_TORN)
            kill(getpid(), SIGKILL);
        if (did > 0) {
            take_off(p, (size_t)did);
            most -= most == SIZE_MAX ? 0 : (size_t)did;
        } else if (did == 0 || errno != EINTR) {
            e = fails(d, path, "cannot be written", did == 0 ? ENOSPC : errno);
        }
    }
    if (e == ERR_OK) {
        p->lines += p->buf_lines;
        p->buf_lines = 0;
    }
    mem_free(path);
    return e;
}

/* What the kernel could not write it may have thrown away, and would say of the next fsync that all is well. */
static enum err sync_part(struct sink_file *s, const struct part *p, struct diag *d)
{
    int errnum = fault_at("sink.sync") != FAULT_NONE ? EIO : fsync(p->fd) < 0 ? errno : 0;
    if (errnum == 0)
        return ERR_OK;
    char *path = path_of(s, p->number, false);
    diag_say(d, "sink", NULL, "%s: is not on the disk: %s", path, strerror(errnum));
    mem_free(path);
    s->lost = true;
    return ERR_CORRUPT;
}

static void note_ended(struct sink_file *s, const struct part *p)
{
    s->ended = mem_grow(s->ended, s->nended, 1, &s->ended_cap, sizeof *s->ended);
    s->ended[s->nended++] =
        (struct ended){.number = p->number, .bytes = p->bytes, .lines = p->lines};
}

static enum err end_part(struct sink_file *s, struct part *p, struct diag *d)
{
    enum err e = sync_part(s, p, d);
    if (e != ERR_OK)
        return e;
    close(p->fd);
    p->fd = -1;
    note_ended(s, p);
    p->bytes = p->lines = 0;
    return ERR_OK;
}

static size_t waiting_bytes(const struct sink_file *s)
{
    size_t n = s->now.buf.n + s->next.buf.n;
    for (size_t i = 0; i < s->nstuck; i++)
        n += s->stuck[i].buf.n;
    return n;
}

static enum err write_line(struct io_sink *sink, bool next, const void *line, size_t n,
                           struct diag *d)
{
    struct sink_file *s = of(sink);
    struct part *p = next ? &s->next : &s->now;
    struct diag quiet;
    enum err e = ERR_OK;
    diag_init(&quiet, NULL, 0);
    if (waiting_bytes(s) + n > WAITING_MAX && (e = flush(s, p, d)) != ERR_OK)
        goto out;
    bytes_put(&p->buf, line, n);
    p->buf_lines++;
    s->stats.lines++;
    /* What goes wrong here, prepare says. */
    if (p->buf.n >= WRITE_BYTES && flush(s, p, &quiet) == ERR_OK && p == &s->now && !s->lost &&
        p->bytes >= s->roll_bytes && end_part(s, p, &quiet) != ERR_OK)
        LOG_ERROR("a part could not be ended", "folder=%s", s->folder);
out:
    diag_fini(&quiet);
    return e;
}

/* --- a checkpoint ------------------------------------------------------------------------------ */

static bool is_due(const struct sink_file *s)
{
    const struct part *p = &s->now;
    return s->next.fd >= 0 || p->bytes >= s->roll_bytes ||
           (timebase_mono_ns() - p->begun) / 1000000 >= s->roll_interval_ms;
}

static enum err sync_folder(struct sink_file *s, struct diag *d)
{
    enum err e =
        fault_at("sink.sync_folder") != FAULT_NONE ? ERR_IO : durable_sync_folder(s->folder);
    if (e != ERR_OK)
        diag_say(d, "sink", NULL, "%s: is not on the disk: %s", s->folder, err_text(e));
    else
        s->folder_changed = false;
    return e;
}

static void put_pending(const struct sink_file *s, struct bytes *out)
{
    for (size_t i = 0; i < s->nended; i++)
        bytes_printf(out, "ended %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->ended[i].number,
                     s->ended[i].bytes, s->ended[i].lines);
    if (s->now.fd >= 0)
        bytes_printf(out, "open %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->now.number, s->now.bytes,
                     s->now.lines);
    bytes_printf(out, "last %" PRIu64 "\n", s->last_number);
}

/* What was written for the checkpoint behind this one goes on where this one ends. */
static void move_next(struct sink_file *s)
{
    struct part *p = &s->now;
    if (p->fd < 0 && p->buf.n == 0) {
        struct part empty = *p;
        *p = s->next;
        s->next = empty;
    } else if (s->next.fd < 0) {
        bytes_put(&p->buf, s->next.buf.p, s->next.buf.n);
        p->buf_lines += s->next.buf_lines;
        bytes_reset(&s->next.buf);
        s->next.buf_lines = 0;
    } else { /* it could not be prepared */
        s->stuck = mem_grow(s->stuck, s->nstuck, 1, &s->stuck_cap, sizeof *s->stuck);
        s->stuck[s->nstuck++] = *p;
        *p = s->next;
        s->next = (struct part){.fd = -1};
    }
}

static enum err end_stuck(struct sink_file *s, struct diag *d)
{
    enum err e = ERR_OK;
    while (e == ERR_OK && s->nstuck > 0) {
        struct part *p = &s->stuck[s->nstuck - 1];
        e = flush(s, p, d);
        if (e == ERR_OK && p->fd >= 0)
            e = end_part(s, p, d);
        if (e == ERR_OK) {
            bytes_fini(&p->buf);
            s->nstuck--;
        }
    }
    return e;
}

static enum err prepare_parts(struct sink_file *s, struct diag *d)
{
    struct part *p = &s->now;
    if (s->lost) {
        diag_say(d, "sink", NULL, "%s: lines may have been lost, as an fsync has failed",
                 s->folder);
        return ERR_CORRUPT;
    }
    enum err e = end_stuck(s, d);
    if (e == ERR_OK)
        e = flush(s, p, d);
    if (e == ERR_OK && p->fd >= 0)
        e = is_due(s) ? end_part(s, p, d) : sync_part(s, p, d);
    if (e == ERR_OK && s->folder_changed)
        e = sync_folder(s, d);
    return e;
}

/* When it fails, the lines of both belong to the next one. */
static enum err prepare(struct io_sink *sink, uint64_t checkpoint, struct bytes *pending,
                        struct diag *d)
{
    struct sink_file *s = of(sink);
    enum err e = prepare_parts(s, d);
    for (size_t i = 0; e == ERR_OK && i < s->nended; i++)
        if (s->ended[i].prepared == 0)
            s->ended[i].prepared = checkpoint;
    if (e == ERR_OK)
        put_pending(s, pending);
    move_next(s);
    return e;
}

static enum err rename_ended(struct sink_file *s, struct ended *x, struct diag *d)
{
    char *from = path_of(s, x->number, false), *to = path_of(s, x->number, true);
    enum err e = ERR_OK;
    if (fault_at("sink.rename") != FAULT_NONE)
        e = fails(d, from, "cannot be renamed", EIO);
    else if (rename(from, to) < 0)
        e = fails(d, from, "cannot be renamed", errno);
    if (e == ERR_OK) {
        x->renamed = s->folder_changed = true;
        s->stats.parts++;
        s->stats.committed_lines += x->lines;
        s->stats.committed_bytes += x->bytes;
        s->stats.committed_at = timebase_now_ms();
    }
    mem_free(from);
    mem_free(to);
    return e;
}

/* One is forgotten when the folder is on the disk, too: until then checkpoints go on naming it. */
static enum err commit(struct io_sink *sink, uint64_t checkpoint, struct diag *d)
{
    struct sink_file *s = of(sink);
    enum err e = ERR_OK;
    size_t kept = 0;
    for (size_t i = 0; i < s->nended && e == ERR_OK; i++) {
        struct ended *x = &s->ended[i];
        if (x->prepared != 0 && x->prepared <= checkpoint && !x->renamed)
            e = rename_ended(s, x, d);
    }
    if (e == ERR_OK && s->folder_changed)
        e = sync_folder(s, d);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < s->nended; i++)
        if (!s->ended[i].renamed)
            s->ended[kept++] = s->ended[i];
    s->nended = kept;
    return ERR_OK;
}

/* --- from a checkpoint on ---------------------------------------------------------------------- */

static void forget_part(struct part *p)
{
    if (p->fd >= 0)
        close(p->fd);
    bytes_fini(&p->buf);
    *p = (struct part){.fd = -1};
}

static void forget_parts(struct sink_file *s)
{
    forget_part(&s->now);
    forget_part(&s->next);
    while (s->nstuck > 0)
        forget_part(&s->stuck[--s->nstuck]);
}

struct pending {
    bool open;
    struct ended part;
};

/* Lines that a later release may add are left alone. */
static size_t read_pending(struct sink_file *s, const char *text, size_t n, struct pending **out)
{
    size_t count = 0, cap = 0;
    struct pending *all = NULL;
    char *copy = mem_dup(text, n), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct pending x = {0};
        char word[8];
        if (sscanf(line, "last %" SCNu64, &x.part.number) == 1) {
            if (x.part.number > s->last_number)
                s->last_number = x.part.number;
        } else if (sscanf(line, "%7s %" SCNu64 " %" SCNu64 " %" SCNu64, word, &x.part.number,
                          &x.part.bytes, &x.part.lines) == 4) {
            x.open = strcmp(word, "open") == 0;
            all = mem_grow(all, count, 1, &cap, sizeof *all);
            all[count++] = x;
        }
    }
    mem_free(copy);
    *out = all;
    return count;
}

/* The number in the name of a file of ours; 0: it is none. */
static uint64_t number_of(const char *name, bool *committed)
{
    uint64_t number = 0;
    int end = 0;
    *committed = name[0] != '.';
    if (*committed)
        (void)!sscanf(name, "part-%" SCNu64 ".jsonl%n", &number, &end);
    else
        (void)!sscanf(name, ".part-%" SCNu64 ".inprogress%n", &number, &end);
    return end > 0 && name[end] == '\0' ? number : 0;
}

static enum err go_on_with(struct sink_file *s, const struct ended *x, struct diag *d)
{
    char *path = path_of(s, x->number, false);
    struct part *p = &s->now;
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    enum err e = ERR_OK;
    if (fd < 0 || fstat(fd, &st) < 0)
        e = fails(d, path, "cannot be read", errno);
    else if ((uint64_t)st.st_size > x->bytes && ftruncate(fd, (off_t)x->bytes) < 0)
        e = fails(d, path, "cannot be cut", errno);
    if (e != ERR_OK) {
        if (fd >= 0)
            close(fd);
    } else {
        forget_part(p);
        *p = (struct part){.fd = fd, .number = x->number, .bytes = x->bytes, .lines = x->lines};
        p->begun = timebase_mono_ns();
        if ((uint64_t)st.st_size < x->bytes) {
            LOG_ERROR("a part is shorter than its checkpoint says", "path=%s bytes=%" PRIu64, path,
                      (uint64_t)st.st_size);
            p->bytes = (uint64_t)st.st_size;
        }
    }
    mem_free(path);
    return e;
}

/* Of a part that is not committed: what becomes of it. */
static enum err settle(struct sink_file *s, uint64_t number, struct pending *all, size_t n,
                       struct diag *d)
{
    struct pending *x = NULL;
    for (size_t i = 0; i < n && x == NULL; i++)
        if (all[i].part.number == number)
            x = &all[i];
    if (x != NULL && x->open)
        return go_on_with(s, &x->part, d);
    if (x != NULL) {
        s->ended = mem_grow(s->ended, s->nended, 1, &s->ended_cap, sizeof *s->ended);
        s->ended[s->nended] = x->part;
        s->ended[s->nended++].prepared = 1;
        return ERR_OK;
    }
    char *path = path_of(s, number, false);
    enum err e = ERR_OK;
    if (fault_at("sink.remove") != FAULT_NONE)
        e = fails(d, path, "cannot be deleted", EIO);
    else if (unlink(path) < 0 && errno != ENOENT)
        e = fails(d, path, "cannot be deleted", errno);
    mem_free(path);
    return e;
}

static enum err recover(struct io_sink *sink, const void *pending, size_t n, struct diag *d)
{
    struct sink_file *s = of(sink);
    struct pending *all = NULL;
    enum err e = ERR_OK;
    forget_parts(s);
    s->nended = 0;
    size_t count = read_pending(s, pending, n, &all);
    DIR *dir = opendir(s->folder);
    if (dir == NULL)
        e = fails(d, s->folder, "cannot be read", errno);
    for (struct dirent *x; e == ERR_OK && (x = readdir(dir)) != NULL;) {
        bool committed = false;
        uint64_t number = number_of(x->d_name, &committed);
        if (number > s->last_number)
            s->last_number = number;
        if (number != 0 && !committed)
            e = settle(s, number, all, count, d);
    }
    if (dir != NULL)
        closedir(dir);
    mem_free(all);
    s->folder_changed = true;
    if (e == ERR_OK)
        e = commit(sink, 1, d);
    if (e == ERR_OK)
        s->lost = false;
    return e;
}

static enum err finish(struct io_sink *sink, struct diag *d)
{
    struct sink_file *s = of(sink);
    struct part *both[] = {&s->now, &s->next};
    enum err e = s->lost ? ERR_CORRUPT : end_stuck(s, d);
    for (unsigned i = 0; i < 2 && e == ERR_OK; i++) {
        e = flush(s, both[i], d);
        if (e == ERR_OK && both[i]->fd >= 0)
            e = end_part(s, both[i], d);
    }
    for (size_t i = 0; i < s->nended; i++)
        s->ended[i].prepared = 1;
    return e == ERR_OK ? commit(sink, 1, d) : e;
}

/* --- the rest ---------------------------------------------------------------------------------- */

static void stats(const struct io_sink *sink, struct io_sink_stats *out)
{
    const struct sink_file *s = (const struct sink_file *)sink;
    *out = s->stats;
    out->pending_parts = s->nended;
    out->pending_bytes = 0;
    for (size_t i = 0; i < s->nended; i++)
        out->pending_bytes += s->ended[i].bytes;
    out->open_bytes = s->now.bytes + s->next.bytes;
    out->waiting_bytes = waiting_bytes(s);
}

static void close_sink(struct io_sink *sink)
{
    struct sink_file *s = of(sink);
    forget_parts(s);
    mem_free(s->stuck);
    mem_free(s->ended);
    mem_free(s->folder);
    mem_free(s);
}

static const struct io_sink_kind kind = {
    .promise = IO_EXACTLY_ONCE,
    .write = write_line,
    .prepare = prepare,
    .commit = commit,
    .recover = recover,
    .finish = finish,
    .stats = stats,
    .close = close_sink,
};

static enum err make_folders(const char *folder, struct diag *d)
{
    char *path = mem_str(folder);
    enum err e = ERR_OK;
    for (char *at = path + 1; e == ERR_OK; at++) {
        bool end = *at == '\0';
        if (!end && *at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST)
            e = fails(d, path, "cannot be made", errno);
        if (end)
            break;
        *at = '/';
    }
    if (e == ERR_OK && access(path, R_OK | W_OK | X_OK) < 0)
        e = fails(d, path, "cannot be written to", errno);
    mem_free(path);
    return e;
}

enum err sink_file_open(const char *folder, const struct sink *def, struct diag *d,
                        struct io_sink **out)
{
    enum err e = make_folders(folder, d);
    if (e != ERR_OK)
        return e;
    struct sink_file *s = mem_new(sizeof *s);
    *s = (struct sink_file){.base.kind = &kind,
                            .folder = mem_str(folder),
                            .roll_bytes = def->roll_bytes,
                            .roll_interval_ms = def->roll_interval_ms,
                            .now.fd = -1,
                            .next.fd = -1,
                            .stats.committed_at = EVTIME_MIN};
    *out = &s->base;
    return ERR_OK;
}
