/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "cep/list.h"
#include "base/arena.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { SLOTS_MIN = 16 };

struct item {
    union cell key;
    uint32_t tag; /* upper half of the hash */
    bool used;
};

struct list {
    const struct schema *schema;
    unsigned key;
    struct type type;
    struct item *slots; /* open addressing, at most half of them used */
    size_t nslots, n;
    struct arena *texts;
};

struct list *list_new(const struct schema *s, unsigned key)
{
    struct list *l = mem_new(sizeof *l);
    l->schema = s;
    l->key = key;
    l->type = s->columns[key].type;
    l->nslots = SLOTS_MIN;
    l->slots = mem_array(l->nslots, sizeof *l->slots);
    l->texts = arena_new(0, 0);
    return l;
}

void list_free(struct list *l)
{
    if (l == NULL)
        return;
    mem_free(l->slots);
    arena_free(l->texts);
    mem_free(l);
}

const char *list_name(const struct list *l)
{
    return l->schema->name;
}

const struct schema *list_schema(const struct list *l)
{
    return l->schema;
}

unsigned list_key(const struct list *l)
{
    return l->key;
}

struct type list_type(const struct list *l)
{
    return l->type;
}

size_t list_count(const struct list *l)
{
    return l->n;
}

/* As value_key has it: one NaN, and -0.0 is 0. */
static union cell canonical(const struct list *l, union cell c)
{
    if (l->type.kind == TYPE_DOUBLE)
        c.d = isnan(c.d) ? (double)NAN : c.d == 0 ? 0 : c.d;
    return c;
}

static uint64_t hash_of(const struct list *l, union cell c)
{
    return l->type.kind == TYPE_STRING ? XXH3_64bits(c.s.p, c.s.n) : XXH3_64bits(&c.i, sizeof c.i);
}

static bool same(const struct list *l, union cell a, union cell b)
{
    if (l->type.kind != TYPE_STRING)
        return a.i == b.i;
    return a.s.n == b.s.n && (a.s.n == 0 || memcmp(a.s.p, b.s.p, a.s.n) == 0);
}

/* Where the key is, or would be. */
static struct item *slot_of(const struct list *l, union cell key, uint64_t hash)
{
    size_t i = (size_t)hash & (l->nslots - 1);
    while (l->slots[i].used &&
           (l->slots[i].tag != (uint32_t)(hash >> 32) || !same(l, l->slots[i].key, key)))
        i = (i + 1) & (l->nslots - 1);
    return &l->slots[i];
}

static void grow(struct list *l)
{
    struct item *old = l->slots;
    size_t n = l->nslots;
    l->nslots *= 2;
    l->slots = mem_array(l->nslots, sizeof *l->slots);
    for (size_t i = 0; i < n; i++)
        if (old[i].used)
            *slot_of(l, old[i].key, hash_of(l, old[i].key)) = old[i];
    mem_free(old);
}

enum err list_put(struct list *l, union cell key)
{
    bool is_text = l->type.kind == TYPE_STRING;
    key = canonical(l, key);
    uint64_t hash = hash_of(l, key);
    if (slot_of(l, key, hash)->used)
        return ERR_OK;
    if (l->n == LIST_ITEMS_MAX || (is_text && key.s.n > LIST_KEY_MAX))
        return ERR_LIMIT;
    if (2 * (l->n + 1) > l->nslots)
        grow(l);
    if (is_text)
        key.s = (struct str){arena_dup(l->texts, key.s.p, key.s.n), key.s.n, 0};
    *slot_of(l, key, hash) = (struct item){key, (uint32_t)(hash >> 32), true};
    l->n++;
    return ERR_OK;
}

bool list_has(const struct list *l, union cell key)
{
    key = canonical(l, key);
    return slot_of(l, key, hash_of(l, key))->used;
}
