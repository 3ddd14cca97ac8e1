/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/savewrite.h"
#include "base/durable.h"
#include "base/mem.h"
#include "state/savepoint.h"
#include <stdio.h>

static void on_operator(void *ctx, const char *op, uint64_t entries, uint64_t bytes)
{
    savemeta_add_operator(ctx, op, entries, bytes);
}

static enum err note_file(struct savemeta *m, const char *part, const char *name, struct diag *d)
{
    struct savemeta_file *f = &m->files[m->nfiles++];
    char *path = mem_printf("%s/%s", part, name);
    snprintf(f->name, sizeof f->name, "%s", name);
    enum err e = savepoint_sum(path, &f->bytes, &f->xxh3);
    if (e != ERR_OK)
        diag_say(d, "savepoint", NULL, "%s: %s", path, err_text(e));
    mem_free(path);
    return e;
}

static enum err move_file(struct savemeta *m, const char *part, const char *name, struct diag *d)
{
    char *from = mem_printf("%s/from/%s", part, name), *to = mem_printf("%s/%s", part, name);
    enum err e = ERR_OK;
    if (rename(from, to) < 0) {
        diag_say(d, "savepoint", NULL, "%s cannot be moved", from);
        e = ERR_IO;
    }
    mem_free(from);
    mem_free(to);
    return e == ERR_OK ? note_file(m, part, name, d) : e;
}

static enum err write_part(struct savemeta *m, const char *part, unsigned worker, struct diag *d)
{
    char name[24], state[40], flow[40];
    struct checkmeta_worker *w = &m->check->worker[worker];
    snprintf(name, sizeof name, "worker-%u", worker);
    snprintf(state, sizeof state, "%s.0000", name);
    snprintf(flow, sizeof flow, "%s.flow", name);
    char *from = mem_printf("%s/from", part), *to = mem_printf("%s/%s", part, state);
    enum err e = savepoint_sort(from, name, w->done.files, to, on_operator, m, d);
    w->done.files = 1;
    if (e == ERR_OK)
        e = note_file(m, part, state, d);
    if (e == ERR_OK)
        e = move_file(m, part, flow, d);
    mem_free(from);
    mem_free(to);
    return e;
}

enum err savewrite(struct savemeta *m, const char *part, struct diag *d)
{
    enum err e = note_file(m, part, "definitions.db", d);
    if (e == ERR_OK)
        e = move_file(m, part, "cooldown", d);
    for (unsigned i = 0; i < m->check->workers && e == ERR_OK; i++)
        e = write_part(m, part, i, d);
    if (e == ERR_OK) {
        char *from = mem_printf("%s/from", part);
        (void)durable_delete(from); /* what stays is part of nothing */
        mem_free(from);
    }
    return e;
}
