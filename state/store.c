/* SPDX-License-Identifier: Apache-2.0 */
#include "state/store.h"
#include "base/durable.h"
#include "base/mem.h"
#include "state/storedef.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_MODE = 0750 };

enum err store_fails(struct diag *d, const char *path, const char *what, int errnum)
{
    diag_say(d, "state", NULL, "%s: %s: %s", path, what, strerror(errnum));
    return err_from_errno(errnum);
}

enum err store_open_as(const char *dir, const struct store_options *o, struct diag *d,
                       struct store **out)
{
    struct store *s = NULL;
    if (durable_delete(dir) != ERR_OK)
        return store_fails(d, dir, "cannot be deleted", errno);
    if (mkdir(dir, FOLDER_MODE) < 0)
        return store_fails(d, dir, "cannot be made", errno);
    enum err e = o->backend == STORE_ROCKSDB ? storerocks_open(dir, o, d, &s) : storeheap_open(&s);
    if (e != ERR_OK)
        return e;
    s->dir = mem_str(dir);
    *out = s;
    return ERR_OK;
}

enum err store_open(const char *dir, struct diag *d, struct store **out)
{
    const struct store_options heap = {.backend = STORE_HEAP};
    return store_open_as(dir, &heap, d, out);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    char *dir = s->dir;
    s->def->close(s);
    (void)durable_delete(dir); /* what stays is deleted by the next one to open it */
    mem_free(dir);
}

enum err store_put(struct store *s, const char *op, unsigned group, const struct snapfile_entry *e)
{
    if (group >= SNAPFILE_GROUPS_MAX || e->key_n > SNAPFILE_KEY_MAX ||
        e->value_n > SNAPFILE_VALUE_MAX || strlen(op) > SNAPFILE_NAME_MAX)
        return ERR_LIMIT;
    return s->def->put(s, op, group, e);
}

enum err store_checkpoint(struct store *s, const char *folder, const char *name,
                          struct store_report *out, struct diag *d)
{
    struct store_report r = {0};
    enum err e = s->def->checkpoint(s, folder, name, &r, d);
    if (e == ERR_OK)
        e = durable_sync_folder(folder);
    if (e == ERR_OK)
        *out = r;
    return e;
}

bool store_is_whole(struct store *s)
{
    return s->def->is_whole != NULL && s->def->is_whole(s);
}

void store_reset(struct store *s)
{
    s->def->reset(s);
}

/* --- checkpoints --- */

static enum err read_part(const struct store_part *p, unsigned from, unsigned to,
                          snapfile_take *take, void *ctx, struct diag *d)
{
    return rocksread_is(p) ? rocksread_entries(p, from, to, take, ctx, d)
                           : storeheap_read(p, from, to, take, ctx, d);
}

enum err store_read(const char *folder, const char *name, unsigned files, unsigned from,
                    unsigned to, snapfile_take *take, void *ctx, struct diag *d)
{
    const struct store_part p = {folder, name, files};
    return read_part(&p, from, to, take, ctx, d);
}

enum err store_verify(const char *folder, const char *name, unsigned files, struct diag *d)
{
    const struct store_part p = {folder, name, files};
    return rocksread_is(&p) ? rocksread_verify(&p, d) : storeheap_verify(&p, d);
}

/* --- a store that starts with a checkpoint --- */

static enum err put_again(void *ctx, const char *op, unsigned group, const struct snapfile_entry *x)
{
    return store_put(ctx, op, group, x);
}

/* All its groups are of [from, to). */
static enum err is_ours(const struct store *s, const struct store_part *p, unsigned from,
                        unsigned to, bool *ours, struct diag *d)
{
    unsigned begin = 0, end = 0;
    bool rocks = rocksread_is(p);
    *ours = false;
    if (rocks != (s->def->backend == STORE_ROCKSDB))
        return ERR_OK;
    enum err e = rocks ? rocksread_span(p, &begin, &end, d) : storeheap_span(p, &begin, &end, d);
    *ours = e == ERR_OK && end > 0 && begin >= from && end <= to;
    return e;
}

enum err store_restore(struct store *s, const struct store_part *parts, unsigned n, unsigned from,
                       unsigned to, snapfile_take *take, void *ctx, struct diag *d)
{
    unsigned adopted = n;
    enum err e = ERR_OK;
    for (unsigned i = 0; i < n && adopted == n && e == ERR_OK; i++) {
        bool ours;
        e = is_ours(s, &parts[i], from, to, &ours, d);
        adopted = e == ERR_OK && ours ? i : n;
    }
    if (e == ERR_OK && adopted < n)
        e = s->def->adopt(s, &parts[adopted], d);
    for (unsigned i = 0; i < n && e == ERR_OK; i++)
        if (i != adopted)
            e = read_part(&parts[i], from, to, put_again, s, d);
    if (e == ERR_OK)
        e = s->def->settle(s, d);
    for (unsigned i = 0; i < n && e == ERR_OK && take != NULL; i++)
        e = read_part(&parts[i], from, to, take, ctx, d);
    return e;
}
