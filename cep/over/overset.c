/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing, linear; a value that leaves lets those behind it move up, so that there are no tombstones. */
#include "cep/over/overset.h"
#include "base/bug.h"
#include "cep/key/keytable.h"
#include "cep/over/overtext.h"

enum { CAP_FIRST = 4 };

static uint64_t hash_of(bool text, int64_t v)
{
    if (text)
        return keytable_hash(overtext_at(v)->p, overtext_at(v)->n);
    uint64_t h = (uint64_t)v * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static bool same(bool text, int64_t a, int64_t b)
{
    if (a == b || !text)
        return a == b;
    const struct overtext *x = overtext_at(a), *y = overtext_at(b);
    return x->n == y->n && (x->n == 0 || memcmp(x->p, y->p, x->n) == 0);
}

/* Where v is, or the free slot where it would be. */
static uint32_t find(const struct overset *s, bool text, int64_t v)
{
    uint32_t i = (uint32_t)hash_of(text, v) & (s->cap - 1);
    while (s->slots[i].count > 0 && !same(text, s->slots[i].v, v))
        i = (i + 1) & (s->cap - 1);
    return i;
}

static void grow(struct overset *s, struct slabs *memory, bool text)
{
    struct overset old = *s;
    s->cap = old.cap > 0 ? 2 * old.cap : CAP_FIRST;
    s->slots = slabs_alloc(memory, s->cap * sizeof *s->slots);
    memset(s->slots, 0, s->cap * sizeof *s->slots);
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i].count > 0)
            s->slots[find(s, text, old.slots[i].v)] = old.slots[i];
    if (old.cap > 0)
        slabs_free(memory, old.slots, old.cap * sizeof *old.slots);
}

bool overset_add(struct overset *s, struct slabs *memory, bool text, int64_t v)
{
    if (2 * (s->n + 1) > s->cap)
        grow(s, memory, text);
    struct overset_slot *at = &s->slots[find(s, text, v)];
    if (at->count++ > 0)
        return false;
    at->v = text ? overtext_ref(v) : v;
    s->n++;
    return true;
}

void overset_put(struct overset *s, struct slabs *memory, bool text, int64_t v, uint64_t count)
{
    (void)overset_add(s, memory, text, v);
    s->slots[find(s, text, v)].count = count;
}

bool overset_remove(struct overset *s, struct slabs *memory, bool text, int64_t v)
{
    BUG_IF(s->n == 0, "a value leaves an empty set");
    uint32_t i = find(s, text, v), mask = s->cap - 1;
    BUG_IF(s->slots[i].count == 0, "a value leaves a set that does not have it");
    if (--s->slots[i].count > 0)
        return false;
    if (text)
        overtext_unref(memory, s->slots[i].v);
    s->n--;
    for (uint32_t k = (i + 1) & mask; s->slots[k].count > 0; k = (k + 1) & mask) {
        uint32_t home = (uint32_t)hash_of(text, s->slots[k].v) & mask;
        if (((k - home) & mask) < ((k - i) & mask))
            continue; /* it would come before its home */
        s->slots[i] = s->slots[k];
        s->slots[k].count = 0;
        i = k;
    }
    return true;
}

void overset_fini(struct overset *s, struct slabs *memory, bool text)
{
    for (uint32_t i = 0; text && i < s->cap; i++)
        if (s->slots[i].count > 0)
            overtext_unref(memory, s->slots[i].v);
    if (s->cap > 0)
        slabs_free(memory, s->slots, s->cap * sizeof *s->slots);
    *s = (struct overset){0};
}
