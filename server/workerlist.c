/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workerlist.h"
#include "server/listwire.h"
#include <string.h>

static enum err take_entry(struct list *l, const struct listwire_entry *x, bool *cut)
{
    union cell key;
    if (x->kind == LISTWIRE_CUT) {
        list_cut(l, &x->cut);
        *cut = true;
        return ERR_OK;
    }
    if (!list_key_parse(l, x->key, x->n, &key))
        return ERR_CORRUPT;
    if (x->kind == LISTWIRE_ITEM)
        return list_put(l, key);
    if (!*cut)
        return ERR_CORRUPT;
    return x->kind == LISTWIRE_EDIT ? list_edit(l, key, x->in) : list_replay(l, key, x->in);
}

enum err workerlist_take(struct registry *r, const void *p, size_t n, struct diag *d)
{
    struct bytes_reader from = bytes_read(p, n);
    struct arena *a = arena_new(4096, 0);
    struct listwire_head head;
    struct listwire_entry x;
    bool cut = false;
    enum err e = listwire_get_head(&from, a, &head);
    if (e == ERR_OK && head.removed)
        registry_remove_list(r, head.uid);
    else if (e == ERR_OK && head.sql[0] != '\0')
        e = registry_put_list(r, head.uid, head.sql, strlen(head.sql), d);
    const struct registry_list *to = e == ERR_OK ? registry_list_by_uid(r, head.uid) : NULL;
    if (e == ERR_OK && to == NULL && !head.removed)
        e = ERR_CORRUPT;
    while (e == ERR_OK && to != NULL && (e = listwire_get(&from, a, &x)) == ERR_OK)
        e = take_entry(to->list, &x, &cut);
    arena_free(a);
    return e == ERR_END ? ERR_OK : e;
}
