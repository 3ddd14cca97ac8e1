/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/saveload.h"
#include "base/mem.h"
#include <stdio.h>

enum err saveload_part(const struct saveload_part *what, flowfile_take *record,
                       snapfile_take *entry, void *ctx, struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < what->workers && e == ERR_OK; i++) {
        char *path = mem_printf("%s/worker-%u.flow", what->folder, i);
        e = flowfile_read(path, record, ctx, d);
        mem_free(path);
    }
    for (unsigned i = 0; i < what->workers && e == ERR_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "worker-%u", i);
        e = store_read(what->folder, name, what->files[i], what->from, what->to, entry, ctx, d);
    }
    return e;
}

enum err saveload(const struct savemeta *m, const char *folder, flowfile_take *record,
                  snapfile_take *entry, void *ctx, struct diag *d)
{
    uint32_t files[TASK_WORKERS_MAX];
    for (unsigned i = 0; i < m->check->workers; i++)
        files[i] = m->check->worker[i].done.files;
    const struct saveload_part all = {folder, files, m->check->workers, 0, SNAPFILE_GROUPS_MAX};
    return saveload_part(&all, record, entry, ctx, d);
}
