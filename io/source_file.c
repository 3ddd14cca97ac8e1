/* SPDX-License-Identifier: Apache-2.0
 *
 * The buffer holds bytes [at, at + have) of the file; a line is handed out as a slice of it. When the line at `next` is
 * not whole, what there is of it is moved to the front and the rest is read behind. */
#include "io/source_file.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = CODEC_EVENT_MAX + (256 << 10), FIRST_READ_BYTES = 256 << 10 };

struct source_file {
    int fd;
    bool follow;
    uint64_t at; /* place in the file of buffer[0] */
    size_t have, next; /* bytes in the buffer; where the next line starts in it */
    bool skip; /* inside a line that was too long: up to its newline */
    char *buffer;
};

/* --- which files ------------------------------------------------------------------------------------------------- */

bool source_file_follows(const struct schema *s)
{
    const char *follow = schema_option(s, "follow");
    return follow != NULL && strcasecmp(follow, "true") == 0;
}

/* Adds what one entry of the list names. A name without wildcards need not exist yet if it is to be followed. */
static enum err add_entry(const char *entry, glob_t *g, struct diag *d)
{
    bool pattern = strpbrk(entry, "*?[") != NULL;
    int flags = (g->gl_pathc > 0 ? GLOB_APPEND : 0) | (pattern ? 0 : GLOB_NOCHECK);
    int rc = glob(entry, flags, NULL, g);
    if (rc == 0)
        return ERR_OK;
    diag_say(d, "no-file", "check 'path'; it is seen from where weir was started",
             "no file fits '%s'", entry);
    return rc == GLOB_NOMATCH ? ERR_NOT_FOUND : ERR_IO;
}

enum err source_file_list(const struct schema *s, struct diag *d, char ***paths, unsigned *n)
{
    enum err e = ERR_OK;
    const char *option = schema_option(s, "path");
    if (option == NULL || option[0] == '\0') {
        diag_say(d, "no-path", "add 'path'='events.jsonl' to WITH",
                 "the file connector needs 'path'");
        return ERR_INVALID;
    }
    glob_t g = {0};
    char *list = mem_str(option), *rest = list, *entry = NULL;
    while (e == ERR_OK && (entry = strsep(&rest, ",")) != NULL) {
        while (isspace((unsigned char)*entry))
            entry++;
        size_t len = strlen(entry);
        while (len > 0 && isspace((unsigned char)entry[len - 1]))
            entry[--len] = '\0';
        if (len > 0)
            e = add_entry(entry, &g, d);
    }
    if (e == ERR_OK && (g.gl_pathc == 0 || g.gl_pathc > SCHEMA_PARTITIONS_MAX)) {
        diag_say(d, "files", NULL, "'path' names %zu files; 1 to %d are possible", g.gl_pathc,
                 SCHEMA_PARTITIONS_MAX);
        e = ERR_LIMIT;
    }
    if (e == ERR_OK) {
        *n = (unsigned)g.gl_pathc;
        *paths = mem_array(g.gl_pathc + 1, sizeof(char *));
        for (unsigned i = 0; i < *n; i++)
            (*paths)[i] = mem_str(g.gl_pathv[i]);
    }
    globfree(&g);
    mem_free(list);
    return e;
}

void source_file_list_free(char **paths)
{
    for (char **p = paths; p != NULL && *p != NULL; p++)
        mem_free(*p);
    mem_free(paths);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

enum err source_file_open(const char *path, uint64_t offset, bool follow, struct source_file **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    struct source_file *f = mem_new(sizeof *f);
    f->fd = fd;
    f->follow = follow;
    f->buffer = mem_alloc(BUFFER_BYTES + CODEC_PADDING);
    source_file_seek(f, offset);
    *out = f;
    return ERR_OK;
}

void source_file_close(struct source_file *f)
{
    if (f == NULL)
        return;
    close(f->fd);
    mem_free(f->buffer);
    mem_free(f);
}

void source_file_seek(struct source_file *f, uint64_t offset)
{
    f->skip = false;
    if (offset >= f->at && offset <= f->at + f->have) {
        f->next = (size_t)(offset - f->at);
        return;
    }
    f->at = offset;
    f->have = f->next = 0;
}

uint64_t source_file_offset(const struct source_file *f)
{
    return f->at + f->next;
}

uint64_t source_file_size(const struct source_file *f)
{
    struct stat st;
    return fstat(f->fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* More bytes behind those that are there. ERR_END: the file has no more now. */
static enum err fill(struct source_file *f)
{
    if (f->next > 0) {
        memmove(f->buffer, f->buffer + f->next, f->have - f->next);
        f->at += f->next;
        f->have -= f->next;
        f->next = 0;
    }
    size_t room = BUFFER_BYTES - f->have;
    if (f->have < FIRST_READ_BYTES)
        room = FIRST_READ_BYTES; /* a small step at first, so that the bytes stay in the cache */
    for (;;) {
        ssize_t n = pread(f->fd, f->buffer + f->have, room, (off_t)(f->at + f->have));
        if (n > 0) {
            f->have += (size_t)n;
            memset(f->buffer + f->have, 0, CODEC_PADDING);
            return ERR_OK;
        }
        if (n == 0)
            return ERR_END;
        if (errno != EINTR)
            return ERR_IO;
    }
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

/* The rest of a line that was too long is passed over. True: its newline was found. */
static bool skip_rest(struct source_file *f)
{
    const char *from = f->buffer + f->next;
    const char *newline = memchr(from, '\n', f->have - f->next);
    f->skip = newline == NULL;
    f->next = newline == NULL ? f->have : (size_t)(newline - f->buffer) + 1;
    return !f->skip;
}

enum err source_file_next(struct source_file *f, const char **text, size_t *n, uint64_t *offset)
{
    size_t scanned = 0; /* bytes of the line that hold no newline */
    for (;;) {
        if (f->skip)
            skip_rest(f);
        const char *from = f->buffer + f->next;
        size_t there = f->have - f->next;
        const char *newline =
            there > scanned ? memchr(from + scanned, '\n', there - scanned) : NULL;
        size_t line = newline != NULL ? (size_t)(newline - from) : there;
        bool too_long = line > CODEC_EVENT_MAX;
        bool whole = newline != NULL || too_long;
        if (!whole) {
            scanned = there;
            enum err e = fill(f);
            if (e == ERR_OK)
                continue;
            if (e != ERR_END)
                return e;
            if (f->follow)
                return ERR_AGAIN;
            from = f->buffer + f->next;
            if (is_blank(from, line)) {
                f->next += line;
                return ERR_END;
            }
        }
        *text = from;
        *n = too_long ? CODEC_EVENT_MAX + 1 : line;
        *offset = f->at + f->next;
        f->next += newline != NULL ? line + 1 : line;
        f->skip = too_long && newline == NULL;
        if (!is_blank(*text, *n))
            return ERR_OK;
        scanned = 0;
    }
}

enum err source_file_block(struct source_file *f, const char **text, size_t *n, uint64_t *offset)
{
    while (!f->skip) {
        const char *from = f->buffer + f->next;
        size_t there = f->have - f->next;
        const char *last = there > 0 ? memrchr(from, '\n', there) : NULL;
        if (last != NULL) {
            *text = from;
            *n = (size_t)(last - from) + 1;
            *offset = f->at + f->next;
            return ERR_OK;
        }
        if (there > FIRST_READ_BYTES || fill(f) != ERR_OK)
            break;
    }
    return ERR_AGAIN;
}

void source_file_places(const char *text, size_t n, uint64_t at, uint64_t *offsets, unsigned rows)
{
    const char *from = text, *end = text + n;
    uint64_t number = 0;
    for (unsigned i = 0; i < rows && from < end;) {
        const char *newline = memchr(from, '\n', (size_t)(end - from));
        size_t line = (size_t)((newline != NULL ? newline : end) - from);
        if (!is_blank(from, line) && number++ == offsets[i])
            offsets[i++] = at + (uint64_t)(from - text);
        from += line + 1;
    }
}

/* Reads more and more from the place on, until the line's end is there. */
static enum err read_line(int fd, uint64_t offset, char **text, size_t *n)
{
    enum { FIRST_BYTES = 2048 };
    size_t have = 0;
    for (size_t room = FIRST_BYTES; room <= 2 * BUFFER_BYTES; room *= 2) {
        *text = mem_resize(*text, room);
        ssize_t got = pread(fd, *text + have, room - have, (off_t)(offset + have));
        if (got < 0)
            return ERR_IO;
        const char *newline = memchr(*text + have, '\n', (size_t)got);
        have += (size_t)got;
        *n = newline != NULL ? (size_t)(newline - *text) : have;
        if (newline != NULL || have < room)
            return *n > 0 ? ERR_OK : ERR_NOT_FOUND;
    }
    return ERR_LIMIT;
}

enum err source_file_event(int fd, uint64_t offset, char **text, size_t *n)
{
    char *line = NULL;
    size_t len = 0;
    enum err e = read_line(fd, offset, &line, &len);
    if (e == ERR_OK) {
        *text = line;
        *n = len;
    } else {
        mem_free(line);
    }
    return e;
}
