/* SPDX-License-Identifier: Apache-2.0 */
#include "state/statefiles.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include <string.h>

struct kept { /* an entry of the group in hand */
    struct snapfile_entry e;
    MAP_LINK;
};
struct statefiles {
    unsigned n;
    struct snapfile **files;
    unsigned nops;
    const char **ops; /* of all files, each once */
    struct kept *map;
    struct arena *arena; /* of the map's entries */
};

static unsigned op_in(const struct snapfile *f, const char *op)
{
    unsigned i = 0;
    while (i < snapfile_operators(f) && strcmp(snapfile_operator(f, i), op) != 0)
        i++;
    return i; /* past the last: it has none of it */
}

static void note_ops(struct statefiles *s, const struct snapfile *f)
{
    for (unsigned i = 0; i < snapfile_operators(f); i++) {
        unsigned k = 0;
        while (k < s->nops && strcmp(s->ops[k], snapfile_operator(f, i)) != 0)
            k++;
        if (k < s->nops)
            continue;
        s->ops = mem_resize_array(s->ops, s->nops + 1, sizeof(const char *));
        s->ops[s->nops++] = snapfile_operator(f, i);
    }
}

enum err statefiles_open(const char *const *paths, unsigned n, struct diag *d,
                         struct statefiles **out)
{
    struct statefiles *s = mem_new(sizeof *s);
    enum err e = ERR_OK;
    s->files = mem_array(n, sizeof(struct snapfile *));
    s->arena = arena_new(64 << 10, 0);
    for (; s->n < n && e == ERR_OK; s->n += e == ERR_OK)
        if ((e = snapfile_open(paths[s->n], d, &s->files[s->n])) == ERR_OK)
            note_ops(s, s->files[s->n]);
    if (e == ERR_OK)
        *out = s;
    else
        statefiles_close(s);
    return e;
}

static void forget_group(struct statefiles *s)
{
    struct kept *k, *next;
    MAP_EACH(s->map, k, next) {
        MAP_DEL(s->map, k);
    }
    s->map = NULL;
    arena_reset(s->arena);
}

void statefiles_close(struct statefiles *s)
{
    if (s == NULL)
        return;
    forget_group(s);
    for (unsigned i = 0; i < s->n; i++)
        snapfile_close(s->files[i]);
    mem_free(s->files);
    mem_free(s->ops);
    arena_free(s->arena);
    mem_free(s);
}

/* --- reading --- */

struct passing { /* of the only file: what is not there is left out */
    snapfile_take *take;
    void *ctx;
};

static enum err pass(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    const struct passing *p = ctx;
    return e->value == NULL ? ERR_OK : p->take(p->ctx, op, group, e);
}

static enum err note(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    struct statefiles *s = ctx;
    (void)op, (void)group;
    struct kept *k = MAP_GET(s->map, e->key, e->key_n);
    if (k == NULL) {
        k = arena_zero(s->arena, sizeof *k);
        k->e.key = arena_dup(s->arena, e->key, e->key_n);
        k->e.key_n = e->key_n;
        MAP_PUT(s->map, k, k->e.key, e->key_n);
    }
    k->e.value = e->value == NULL ? NULL : arena_dup(s->arena, e->value, e->value_n);
    k->e.value_n = e->value_n;
    return ERR_OK;
}

static enum err read_group(struct statefiles *s, const char *op, unsigned group,
                           snapfile_take *take, void *ctx, struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < s->n && e == ERR_OK; i++)
        e = snapfile_read(s->files[i], op_in(s->files[i], op), group, group + 1, note, s, d);
    struct kept *k, *next;
    MAP_EACH(s->map, k, next) {
        if (e == ERR_OK && k->e.value != NULL)
            e = take(ctx, op, group, &k->e);
    }
    forget_group(s);
    return e;
}

void statefiles_span(const struct statefiles *s, unsigned *from, unsigned *to)
{
    *from = *to = 0;
    for (unsigned i = 0; i < s->n; i++) {
        unsigned begin, end;
        snapfile_groups(s->files[i], &begin, &end);
        if (end == 0)
            continue;
        *from = *to == 0 || begin < *from ? begin : *from;
        *to = end > *to ? end : *to;
    }
}

static unsigned groups_end(const struct statefiles *s, unsigned to)
{
    unsigned begin, end;
    statefiles_span(s, &begin, &end);
    return end < to ? end : to;
}

enum err statefiles_read(struct statefiles *s, unsigned from, unsigned to, snapfile_take *take,
                         void *ctx, struct diag *d)
{
    enum err e = ERR_OK;
    struct passing p = {take, ctx};
    if (s->n == 1) {
        for (unsigned i = 0; i < s->nops && e == ERR_OK; i++)
            e = snapfile_read(s->files[0], i, from, to, pass, &p, d);
        return e;
    }
    to = groups_end(s, to);
    for (unsigned i = 0; i < s->nops && e == ERR_OK; i++)
        for (unsigned g = from; g < to && e == ERR_OK; g++)
            e = read_group(s, s->ops[i], g, take, ctx, d);
    return e;
}

enum err statefiles_verify(struct statefiles *s, struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < s->n && e == ERR_OK; i++)
        e = snapfile_verify(s->files[i], d);
    return e;
}
