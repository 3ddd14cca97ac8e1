/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/workerlist.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/deploy/registrylist.h"
#include "server/wire/listwire.h"
#include <string.h>

/* Takes the entries of one message apart. */
struct taking {
    struct list *list;
    struct codec_json *codec;
    struct colset all;
    struct batch *batches[2]; /* of the rows before and after, until the entry is done */
    bool cut;
};

/* *out is NULL where there is no row, `v` where there is one. */
static enum err values_of(struct taking *t, const struct listwire_row *row, unsigned which,
                          union cell key, struct value *v, const struct value **out)
{
    const struct schema *s = list_schema(t->list);
    *out = NULL;
    if (row->p == NULL)
        return ERR_OK;
    *out = v;
    for (unsigned c = 0; c < s->ncolumns; c++)
        v[c] = (struct value){.type = s->columns[c].type, .null = true};
    if (row->n > 0 && s->ncolumns > 1) {
        struct codec_problem why;
        char *text = mem_alloc(row->n + CODEC_PADDING);
        struct batch *b = t->batches[which] = batch_new(s, &t->all);
        memcpy(text, row->p, row->n);
        enum err e = codec_json_row(t->codec, text, row->n, 0, b, &why);
        mem_free(text);
        if (e != ERR_OK)
            return ERR_CORRUPT;
        for (unsigned c = 0; c < s->ncolumns; c++)
            v[c] = batch_value(b, c, 0);
    }
    v[list_key(t->list)] = (struct value){.type = list_type(t->list), .c = key};
    return ERR_OK;
}

static enum err take_entry(struct taking *t, const struct listwire_entry *x)
{
    struct value before[SCHEMA_COLUMNS_MAX], after[SCHEMA_COLUMNS_MAX];
    const struct value *was = NULL, *is = NULL;
    union cell key;
    if (x->kind == LISTWIRE_CUT) {
        list_cut(t->list, &x->cut);
        t->cut = true;
        return ERR_OK;
    }
    if (!list_key_parse(t->list, x->key, x->n, &key))
        return ERR_CORRUPT;
    enum err e = values_of(t, &x->before, 0, key, before, &was);
    if (e == ERR_OK)
        e = values_of(t, &x->row, 1, key, after, &is);
    if (e == ERR_OK && x->kind == LISTWIRE_ITEM)
        e = is != NULL ? list_put_row(t->list, is) : list_put(t->list, key);
    else if (e == ERR_OK && !t->cut)
        e = ERR_CORRUPT;
    else if (e == ERR_OK && x->kind == LISTWIRE_PAST)
        e = list_replay_row(t->list, key, was, is);
    else if (e == ERR_OK)
        e = is != NULL ? list_edit_row(t->list, is) : list_edit(t->list, key, false);
    for (unsigned i = 0; i < 2; i++) {
        batch_unref(t->batches[i]);
        t->batches[i] = NULL;
    }
    return e;
}

static void taking_init(struct taking *t, struct list *l)
{
    *t = (struct taking){.list = l};
    for (unsigned c = 0; c < list_schema(l)->ncolumns; c++)
        colset_add(&t->all, c);
    t->codec = codec_json_new(list_schema(l), &t->all, NULL);
}

enum err workerlist_take(struct registry *r, const void *p, size_t n, struct diag *d)
{
    struct bytes_reader from = bytes_read(p, n);
    struct arena *a = arena_new(4096, 0);
    struct listwire_head head;
    struct listwire_entry x;
    struct taking t;
    enum err e = listwire_get_head(&from, a, &head);
    if (e == ERR_OK && head.removed)
        registrylist_remove(r, head.uid);
    else if (e == ERR_OK && head.sql[0] != '\0')
        e = registrylist_put(r, head.uid, head.sql, strlen(head.sql), d);
    const struct registry_list *to = e == ERR_OK ? registrylist_by_uid(r, head.uid) : NULL;
    if (e == ERR_OK && to == NULL && !head.removed)
        e = ERR_CORRUPT;
    if (e == ERR_OK && to != NULL) {
        taking_init(&t, to->list);
        while (e == ERR_OK && (e = listwire_get(&from, a, &x)) == ERR_OK)
            e = take_entry(&t, &x);
        codec_json_free(t.codec);
    }
    arena_free(a);
    return e == ERR_END ? ERR_OK : e;
}
