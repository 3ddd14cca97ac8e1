/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evaltext.h"
#include "rules/compile.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, SHOWN_MAX = 160 };

static enum err read_all(int fd, struct bytes *out)
{
    for (;;) {
        ssize_t n = read(fd, bytes_reserve(out, READ_BYTES), READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return ERR_OK;
        out->n += (size_t)n;
        if (out->n > COMPILE_TEXT_MAX)
            return ERR_LIMIT;
    }
}

enum err evaltext_add(struct evaltext *t, const char *path)
{
    size_t from = t->text.n;
    if (t->nfiles >= EVALTEXT_FILES_MAX)
        return ERR_LIMIT;
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    enum err e = read_all(fd, &t->text);
    int why = errno;
    if (fd != STDIN_FILENO)
        close(fd);
    errno = why;
    if (e != ERR_OK)
        return e;
    if (t->text.n > from && t->text.p[t->text.n - 1] != '\n')
        bytes_u8(&t->text, '\n');
    t->paths[t->nfiles] = path;
    t->first_line[t->nfiles++] = t->lines + 1;
    for (size_t i = from; i < t->text.n; i++)
        t->lines += t->text.p[i] == '\n';
    return ERR_OK;
}

void evaltext_fini(struct evaltext *t)
{
    bytes_fini(&t->text);
}

/* The file that a line of the script is in; the last one for a place at the very end. */
static unsigned file_of(const struct evaltext *t, int line)
{
    unsigned i = t->nfiles ? t->nfiles - 1 : 0;
    while (i > 0 && t->first_line[i] > line)
        i--;
    return i;
}

static const char *text_of_line(const struct evaltext *t, int line, size_t *n)
{
    const char *p = (const char *)t->text.p, *end = p + t->text.n;
    for (; line > 1 && p < end; line--) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline ? newline + 1 : end;
    }
    const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    *n = newline ? (size_t)(newline - p) : (size_t)(end - p);
    return p;
}

/* The line of the script and a mark under the place; columns count code points. */
static void show_place(const struct evaltext *t, const struct diag_item *i, struct bytes *out)
{
    size_t n = 0;
    const char *text = text_of_line(t, i->line, &n);
    if (n == 0 || n > SHOWN_MAX)
        return;
    bytes_printf(out, "    %.*s\n    ", (int)n, text);
    int column = 1;
    for (size_t k = 0; k < n && column < i->column; k++) {
        if (((unsigned char)text[k] & 0xc0) == 0x80)
            continue;
        bytes_u8(out, text[k] == '\t' ? '\t' : ' ');
        column++;
    }
    int end = i->end_line == i->line && i->end_column > i->column ? i->end_column : i->column + 1;
    bytes_u8(out, '^');
    for (int k = i->column + 1; k < end && k <= SHOWN_MAX; k++)
        bytes_u8(out, '~');
    bytes_u8(out, '\n');
}

void evaltext_tell(const struct evaltext *t, const struct diag *d, struct bytes *out)
{
    int shown = d->n < DIAG_ITEMS_MAX ? d->n : DIAG_ITEMS_MAX;
    for (int k = 0; k < shown; k++) {
        const struct diag_item *i = &d->items[k];
        if (i->line > 0) {
            unsigned file = file_of(t, i->line);
            bytes_printf(out, "%s:%d:%d: ", t->paths[file], i->line - t->first_line[file] + 1,
                         i->column);
        } else {
            bytes_printf(out, "weir %s: ", t->command != NULL ? t->command : "eval");
        }
        bytes_printf(out, "%s: %s%s%s%s\n", i->warning ? "warning" : "error", i->message,
                     i->code ? " [" : "", i->code ? i->code : "", i->code ? "]" : "");
        if (i->line > 0)
            show_place(t, i, out);
        if (i->hint)
            bytes_printf(out, "    %s\n", i->hint);
    }
    if (d->n > shown)
        bytes_printf(out, "and %d more\n", d->n - shown);
}

void evaltext_say(const struct evaltext *t, const struct diag *d)
{
    struct bytes out = {0};
    evaltext_tell(t, d, &out);
    if (out.n > 0)
        fwrite(out.p, 1, out.n, stderr);
    bytes_fini(&out);
}
