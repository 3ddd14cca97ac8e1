/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "checkpoint"
#include "server/checkpoint/checkadopt.h"
#include "base/log.h"
#include "base/mem.h"
#include "state/checkpoint.h"
#include "state/savepoint.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum err link_files(const struct savemeta *m, const char *from, const char *to,
                           struct diag *d)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; i < m->nfiles && e == ERR_OK; i++) {
        if (strcmp(m->files[i].name, "definitions.db") == 0)
            continue;
        char *a = mem_printf("%s/%s", from, m->files[i].name);
        char *b = mem_printf("%s/%s", to, m->files[i].name);
        e = savepoint_link_file(a, b, d);
        mem_free(a);
        mem_free(b);
    }
    return e;
}

enum err checkadopt(const char *root, uint64_t id, const struct savemeta *m, const char *folder,
                    struct diag *d, struct checkmeta **out)
{
    struct bytes text = {0};
    struct checkmeta *own = checkmeta_copy(m->check);
    own->id = id;
    own->started = timebase_now_ms();
    own->duration_ms = 0;
    snprintf(own->trigger, sizeof own->trigger, "restored");
    char *to = checkpoint_folder(root, id);
    enum err e = checkpoint_begin(root, id, d);
    if (e == ERR_OK)
        e = link_files(m, folder, to, d);
    checkmeta_put(own, &text);
    if (e == ERR_OK)
        e = checkpoint_complete(root, id, (const char *)text.p, text.n, d);
    if (e == ERR_OK) {
        LOG_INFO("a savepoint is the newest checkpoint now", "name=%s id=%" PRIu64, m->name, id);
        *out = own;
        own = NULL;
    } else {
        struct diag ignored; /* the next start deletes what is not complete */
        diag_init(&ignored, NULL, 0);
        enum err removed = checkpoint_remove(root, id, &ignored);
        (void)removed;
        diag_fini(&ignored);
    }
    checkmeta_free(own);
    bytes_fini(&text);
    mem_free(to);
    return e;
}
