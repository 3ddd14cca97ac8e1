/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/agg/agglist.h"
#include "base/mem.h"
#include "cep/agg/aggset.h"
#include <stdlib.h>
#include <string.h>

enum {
    ITEM_COST = 16
}; /* counts towards AGGLIST_MAX beside the text, so that empty texts have an end too */

struct item {
    struct agglist_place at;
    uint32_t from, n; /* in the texts */
};

struct agglist {
    struct item *items;
    size_t n, cap;
    struct bytes texts;
    bool more; /* some were left out */
};

int agglist_compare(const struct agglist_place *a, const struct agglist_place *b)
{
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static struct agglist *made(struct agglist **at)
{
    if (*at == NULL) {
        *at = mem_new(sizeof **at);
        bytes_reserve(&(*at)->texts, 1); /* empty texts have an address too */
    }
    return *at;
}

void agglist_add(struct agglist **at, struct str s, const struct agglist_place *place)
{
    struct agglist *l = made(at);
    if (l->texts.n + l->n * ITEM_COST + s.n > AGGLIST_MAX) {
        l->more = true;
        return;
    }
    struct agglist_place last = l->n > 0 ? l->items[l->n - 1].at : (struct agglist_place){0};
    l->items = mem_grow(l->items, l->n, 1, &l->cap, sizeof *l->items);
    struct item new = {place != NULL ? *place : last, (uint32_t)l->texts.n, s.n};
    bytes_put(&l->texts, s.p, s.n);
    size_t i = l->n++;
    while (i > 0 && agglist_compare(&l->items[i - 1].at, &new.at) > 0) {
        l->items[i] = l->items[i - 1];
        i--;
    }
    l->items[i] = new;
}

static struct str text_of(const struct agglist *l, const struct item *i)
{
    return (struct str){(const char *)l->texts.p + i->from, i->n, 0};
}

void agglist_merge(struct agglist **at, const struct agglist *from)
{
    for (size_t i = 0; from != NULL && i < from->n; i++)
        agglist_add(at, text_of(from, &from->items[i]), &from->items[i].at);
    if (from != NULL && from->more)
        made(at)->more = true;
}

void agglist_text(const struct agglist *l, bool unique, struct str between, struct bytes *out)
{
    const struct type text = {.kind = TYPE_STRING};
    struct aggset *seen = NULL;
    bool some = false;
    for (size_t i = 0; l != NULL && i < l->n; i++) {
        struct str s = text_of(l, &l->items[i]);
        size_t before = seen == NULL ? 0 : seen->n;
        if (unique)
            aggset_add(&seen, text, (union cell){.s = s}, 1);
        if (unique && seen->n == before)
            continue;
        if (some)
            bytes_put(out, between.p, between.n);
        some = true;
        bytes_put(out, s.p, s.n);
    }
    if (l != NULL && l->more) {
        bytes_put(out, between.p, between.n);
        bytes_put(out, "\xe2\x80\xa6", 3);
    }
    aggset_free(seen, text);
}

void agglist_free(struct agglist *l)
{
    if (l == NULL)
        return;
    mem_free(l->items);
    bytes_fini(&l->texts);
    mem_free(l);
}

size_t agglist_bytes(const struct agglist *l)
{
    return l == NULL ? 0 : sizeof *l + l->cap * sizeof *l->items + l->texts.cap;
}

/* --- as bytes: whether some were left out, how many; of each its place and text --- */

void agglist_save(const struct agglist *l, struct bytes *out)
{
    bytes_u8(out, l != NULL && l->more);
    bytes_varint(out, l == NULL ? 0 : l->n);
    for (size_t i = 0; l != NULL && i < l->n; i++) {
        const struct item *x = &l->items[i];
        bytes_u64(out, (uint64_t)x->at.ts);
        bytes_varint(out, x->at.partition);
        bytes_varint(out, x->at.offset);
        bytes_str(out, l->texts.p + x->from, x->n);
    }
}

enum err agglist_load(struct agglist **at, struct bytes_reader *r)
{
    bool more = bytes_get_u8(r) != 0;
    uint64_t n = bytes_get_varint(r);
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        struct agglist_place place = {.ts = (int64_t)bytes_get_u64(r)};
        size_t length = 0;
        place.partition = bytes_get_varint(r);
        place.offset = bytes_get_varint(r);
        const char *p = bytes_get_str(r, &length);
        if (!r->bad && length > AGGLIST_MAX)
            r->bad = true;
        if (!r->bad)
            agglist_add(at, (struct str){p, (uint32_t)length, 0}, &place);
    }
    if (!r->bad) {
        if (more)
            made(at)->more = true;
        return ERR_OK;
    }
    agglist_free(*at);
    *at = NULL;
    return ERR_CORRUPT;
}
