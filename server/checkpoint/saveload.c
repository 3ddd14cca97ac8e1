/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/saveload.h"
#include "base/mem.h"
#include <stdio.h>

enum err saveload(const struct savemeta *m, const char *folder, flowfile_take *record,
                  snapfile_take *entry, void *ctx, struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < m->check->workers && e == ERR_OK; i++) {
        char *path = mem_printf("%s/worker-%u.flow", folder, i);
        e = flowfile_read(path, record, ctx, d);
        mem_free(path);
    }
    for (unsigned i = 0; i < m->check->workers && e == ERR_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "worker-%u", i);
        e = store_read(folder, name, m->check->worker[i].done.files, 0, SNAPFILE_GROUPS_MAX, entry,
                       ctx, d);
    }
    return e;
}
