/* SPDX-License-Identifier: Apache-2.0
 *
 * The buffer holds [at, whole) whole lines and [whole, end) the beginning of one. When the whole lines are used up (or too
 * few), what is left moves to the front and a read fills the rest. `skipping`: in the middle of a line that was cut. */
#include "server/eval/evalinput.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A few batches, in few calls, in the cache until decoded. */
enum { READ_BYTES = 1 << 20, CUT_BYTES = CODEC_EVENT_MAX + 1, PADDING = 64 };
_Static_assert((int)PADDING >= (int)CODEC_PADDING, "what the codec reads past a text");

struct evalinput {
    int fd;
    char *p;
    size_t cap, at, whole, end;
    bool ended, skipping, begun, is_file;
    int failed;
};

enum err evalinput_open(const char *path, struct evalinput **out)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    struct evalinput *in = mem_new(sizeof *in);
    struct stat about;
    in->fd = fd;
    in->is_file = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    in->cap = READ_BYTES;
    in->p = mem_alloc(in->cap + PADDING);
    *out = in;
    return ERR_OK;
}

void evalinput_free(struct evalinput *in)
{
    if (!in)
        return;
    if (in->fd != STDIN_FILENO)
        close(in->fd);
    mem_free(in->p);
    mem_free(in);
}

/* Of what a read has added at [from, end), drop what belongs to a line that was cut. */
static void skip_rest(struct evalinput *in, size_t from)
{
    char *newline = memchr(in->p + from, '\n', in->end - from);
    size_t to = newline ? (size_t)(newline - in->p) : in->end;
    memmove(in->p + from, in->p + to, in->end - to);
    in->end -= to - from;
    in->skipping = !newline;
}

static void drop_byte_order_mark(struct evalinput *in)
{
    if (in->end >= 3 && memcmp(in->p, "\xef\xbb\xbf", 3) == 0) {
        memmove(in->p, in->p + 3, in->end - 3);
        in->end -= 3;
    }
}

static bool read_more(struct evalinput *in)
{
    if (in->cap - in->end < READ_BYTES / 2) {
        in->cap *= 2;
        in->p = mem_resize(in->p, in->cap + PADDING);
    }
    ssize_t n;
    do
        n = read(in->fd, in->p + in->end, in->cap - in->end);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        in->failed = n < 0 ? errno : 0;
        in->ended = true;
        return false;
    }
    size_t from = in->end;
    in->end += (size_t)n;
    if (!in->begun)
        drop_byte_order_mark(in);
    in->begun = true;
    if (in->skipping)
        skip_rest(in, from);
    return true;
}

/* Sets `whole` to the end of the last newline in [from, end). */
static bool find_whole(struct evalinput *in, size_t from)
{
    char *newline = from < in->end ? memrchr(in->p + from, '\n', in->end - from) : NULL;
    if (newline)
        in->whole = (size_t)(newline - in->p) + 1;
    return newline;
}

bool evalinput_block(struct evalinput *in, size_t least, const char **p, size_t *n)
{
    while (in->at == in->whole || (in->whole - in->at < least && !in->ended)) {
        size_t rest = in->end - in->at, lines = in->whole - in->at;
        memmove(in->p, in->p + in->at, rest);
        in->at = 0;
        in->whole = lines;
        in->end = rest;
        if (in->ended && rest == 0)
            return false;
        if (in->ended || !read_more(in)) {
            in->whole = in->end; /* the last line, without a newline */
            continue;
        }
        if (!find_whole(in, in->end > rest ? rest : lines) && lines == 0 && in->end > CUT_BYTES) {
            in->end = CUT_BYTES;
            in->skipping = true;
        }
    }
    memset(in->p + in->end, 0, PADDING);
    *p = in->p + in->at;
    *n = in->whole - in->at;
    return true;
}

void evalinput_take(struct evalinput *in, size_t n)
{
    in->at += n;
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

bool evalinput_line(struct evalinput *in, const char **p, size_t *n)
{
    const char *block;
    size_t left;
    while (evalinput_block(in, 0, &block, &left)) {
        const char *newline = memchr(block, '\n', left);
        size_t length = newline ? (size_t)(newline - block) : left;
        evalinput_take(in, newline ? length + 1 : length);
        if (is_blank(block, length))
            continue;
        *p = block;
        *n = length;
        return true;
    }
    return false;
}

bool evalinput_ended(const struct evalinput *in)
{
    return in->ended;
}

bool evalinput_would_wait(const struct evalinput *in)
{
    return in->at == in->whole && !in->is_file && !in->ended;
}

int evalinput_failed(const struct evalinput *in)
{
    return in->failed;
}
