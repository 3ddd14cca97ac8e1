/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/eventtext.h"
#include "base/mem.h"
#include "cep/derived.h"
#include "io/source_file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct files { /* of a stream with the connector 'file' */
    uint32_t stream;
    char **paths;
    unsigned n;
};
struct eventtext {
    struct intakelog *log;
    struct registry *streams;
    struct place at; /* of the block: its first row */
    struct intakelog_block *block;
    struct files *files;
    size_t nfiles, files_cap;
    int fd; /* of the file read last; -1: none is open */
    struct place file; /* its stream and partition */
};

struct eventtext *eventtext_new(struct intakelog *log, struct registry *streams)
{
    struct eventtext *t = mem_new(sizeof *t);
    t->log = log;
    t->streams = streams;
    t->block = mem_new(sizeof *t->block);
    t->fd = -1;
    return t;
}

void eventtext_rest(struct eventtext *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

void eventtext_free(struct eventtext *t)
{
    if (t == NULL)
        return;
    eventtext_rest(t);
    for (size_t i = 0; i < t->nfiles; i++)
        source_file_list_free(t->files[i].paths);
    intakelog_block_fini(t->block);
    mem_free(t->block);
    mem_free(t->files);
    mem_free(t);
}

static const struct files *files_of(struct eventtext *t, const struct schema *s)
{
    for (size_t i = 0; i < t->nfiles; i++)
        if (t->files[i].stream == s->id)
            return &t->files[i];
    struct diag d;
    struct files f = {.stream = s->id};
    diag_init(&d, NULL, 0);
    enum err e = source_file_list(s, &d, &f.paths, &f.n);
    diag_fini(&d);
    if (e != ERR_OK)
        return NULL;
    t->files = mem_grow(t->files, t->nfiles, 1, &t->files_cap, sizeof *t->files);
    t->files[t->nfiles] = f;
    return &t->files[t->nfiles++];
}

static enum err get_from_file(struct eventtext *t, const struct schema *s, const struct place *at,
                              struct arena *a, const char **text, size_t *n)
{
    const struct files *f = files_of(t, s);
    if (f == NULL || at->partition >= f->n)
        return ERR_NOT_FOUND;
    if (t->fd < 0 || t->file.stream != at->stream || t->file.partition != at->partition) {
        eventtext_rest(t);
        t->fd = open(f->paths[at->partition], O_RDONLY | O_CLOEXEC);
        t->file = *at;
    }
    if (t->fd < 0)
        return err_from_errno(errno);
    char *found = NULL;
    enum err e = source_file_event(t->fd, at->offset, &found, n);
    if (e == ERR_OK)
        *text = arena_dup(a, found, *n);
    mem_free(found);
    return e;
}

static bool in_block(const struct eventtext *t, const struct place *at)
{
    return t->block->n > 0 && t->at.stream == at->stream && t->at.partition == at->partition &&
           at->offset >= t->at.offset && at->offset - t->at.offset < t->block->n;
}

enum err eventtext_get(struct eventtext *t, const struct place *at, struct arena *a,
                       const char **text, size_t *n)
{
    const struct schema *s = registry_stream_by_id(t->streams, at->stream);
    const struct place given = {s == NULL ? at->stream : derived_place_of(s)->id, at->partition,
                                at->offset};
    if (derived_kind(given.stream) != DERIVED_NOT)
        return ERR_NOT_FOUND; /* what another rule has found is no event */
    if (s != NULL)
        s = derived_place_of(s);
    at = &given;
    if (s != NULL && strcmp(s->connector, "file") == 0)
        return get_from_file(t, s, at, a, text, n);
    if (!in_block(t, at)) {
        intakelog_block_fini(t->block);
        enum err e = intakelog_read(t->log, at->stream, at->partition, at->offset, t->block);
        if (e != ERR_OK)
            return e == ERR_END ? ERR_NOT_FOUND : e;
        t->at = *at;
        if (t->block->n == 0)
            return ERR_NOT_FOUND;
    }
    const struct intakelog_row *row = &t->block->rows[at->offset - t->at.offset];
    *text = arena_dup(a, row->p, row->n);
    *n = row->n;
    return ERR_OK;
}
