/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/agg/aggset.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SET_MIN = 8 };

static uint64_t hash_of(struct type t, union cell c)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    if (t.kind != TYPE_STRING)
        return (uint64_t)(c.i ^ c.i >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 16;
    for (uint32_t i = 0; i < c.s.n; i++)
        h = (h ^ (uint8_t)c.s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool is_same(struct type t, union cell a, union cell b)
{
    if (t.kind != TYPE_STRING)
        return a.i == b.i;
    return a.s.n == b.s.n && (a.s.n == 0 || memcmp(a.s.p, b.s.p, a.s.n) == 0);
}

static struct aggset_slot *slot_of(struct aggset *s, struct type t, union cell c)
{
    size_t i = hash_of(t, c) & (s->cap - 1);
    while (s->slots[i].count != 0 && !is_same(t, s->slots[i].c, c))
        i = (i + 1) & (s->cap - 1);
    return &s->slots[i];
}

static struct aggset *set_new(size_t cap)
{
    struct aggset *s = mem_new(sizeof *s + cap * sizeof *s->slots);
    s->cap = cap;
    return s;
}

/* The slot's own text goes with it. */
static void take_over(struct aggset *s, struct type t, const struct aggset_slot *from)
{
    *slot_of(s, t, from->c) = *from;
    s->n++;
}

static void make_room(struct aggset **at, struct type t)
{
    struct aggset *s = *at;
    if (s != NULL && 2 * (s->n + 1) <= s->cap)
        return;
    *at = set_new(s == NULL ? SET_MIN : 2 * s->cap);
    for (size_t i = 0; s != NULL && i < s->cap; i++)
        if (s->slots[i].count != 0)
            take_over(*at, t, &s->slots[i]);
    mem_free(s);
}

union cell aggset_plain(struct type t, union cell c)
{
    if (t.kind == TYPE_DOUBLE)
        c.d = isnan(c.d) ? (double)NAN : c.d + 0.0;
    return c;
}

void aggset_add(struct aggset **at, struct type t, union cell c, int64_t times)
{
    make_room(at, t);
    c = aggset_plain(t, c);
    struct aggset_slot *slot = slot_of(*at, t, c);
    if (slot->count == 0) {
        (*at)->n++;
        slot->c = c;
        if (t.kind == TYPE_STRING)
            slot->c.s = (struct str){mem_dup(c.s.p, c.s.n), c.s.n, 0};
    }
    if (__builtin_add_overflow(slot->count, times, &slot->count))
        slot->count = INT64_MAX;
}

void aggset_merge(struct aggset **at, struct type t, const struct aggset *from)
{
    for (size_t i = 0; from != NULL && i < from->cap; i++)
        if (from->slots[i].count != 0)
            aggset_add(at, t, from->slots[i].c, from->slots[i].count);
}

static void drop_text(struct type t, const struct aggset_slot *slot)
{
    if (t.kind == TYPE_STRING && slot->count != 0)
        mem_free((char *)(uintptr_t)slot->c.s.p);
}

void aggset_free(struct aggset *s, struct type t)
{
    for (size_t i = 0; s != NULL && i < s->cap; i++)
        drop_text(t, &s->slots[i]);
    mem_free(s);
}

size_t aggset_bytes(const struct aggset *s, struct type t)
{
    if (s == NULL)
        return 0;
    size_t n = sizeof *s + s->cap * sizeof *s->slots;
    for (size_t i = 0; t.kind == TYPE_STRING && i < s->cap; i++)
        n += s->slots[i].count != 0 ? s->slots[i].c.s.n + 1 : 0;
    return n;
}

/* --- the most frequent --- */

static int by_text(const void *a, const void *b)
{
    const struct aggset_slot *const *pa = a, *const *pb = b;
    const struct aggset_slot *x = *pa, *y = *pb;
    uint32_t n = x->c.s.n < y->c.s.n ? x->c.s.n : y->c.s.n;
    int c = n == 0 ? 0 : memcmp(x->c.s.p, y->c.s.p, n);
    return c != 0 ? c : (x->c.s.n > y->c.s.n) - (x->c.s.n < y->c.s.n);
}

static int by_frequency(const void *a, const void *b)
{
    const struct aggset_slot *const *pa = a, *const *pb = b;
    const struct aggset_slot *x = *pa, *y = *pb;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return by_text(a, b);
}

/* The slots in use in that order: s->n of them, the caller's. */
static const struct aggset_slot **ranked(const struct aggset *s,
                                         int (*order)(const void *, const void *))
{
    const struct aggset_slot **all = mem_array(s->n, sizeof(struct aggset_slot *));
    size_t n = 0;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i].count != 0)
            all[n++] = &s->slots[i];
    qsort(all, n, sizeof(struct aggset_slot *), order);
    return all;
}

void aggset_prune(struct aggset **at, struct type t)
{
    struct aggset *s = *at;
    if (s == NULL || s->n <= AGGSET_TOP_MAX)
        return;
    const struct aggset_slot **all = ranked(s, by_frequency);
    *at = set_new(s->cap);
    for (size_t i = 0; i < s->n; i++)
        if (i < AGGSET_TOP_MAX / 2)
            take_over(*at, t, all[i]);
        else
            drop_text(t, all[i]);
    mem_free(all);
    mem_free(s);
}

void aggset_top(const struct aggset *s, struct type t, unsigned n, bool equal, struct str between,
                struct bytes *out)
{
    if (s == NULL || t.kind != TYPE_STRING)
        return;
    const struct aggset_slot **all = ranked(s, equal ? by_text : by_frequency);
    for (size_t i = 0; i < n && i < s->n; i++) {
        if (i > 0)
            bytes_put(out, between.p, between.n);
        bytes_put(out, all[i]->c.s.p, all[i]->c.s.n);
    }
    mem_free(all);
}

/* --- as bytes: how many; of each its count and value --- */

void aggset_save(const struct aggset *s, struct type t, struct bytes *out)
{
    bytes_varint(out, s == NULL ? 0 : s->n);
    for (size_t i = 0; s != NULL && i < s->cap; i++) {
        const struct aggset_slot *slot = &s->slots[i];
        if (slot->count == 0)
            continue;
        bytes_varint(out, (uint64_t)slot->count);
        if (t.kind == TYPE_STRING)
            bytes_str(out, slot->c.s.p, slot->c.s.n);
        else
            bytes_u64(out, (uint64_t)slot->c.i);
    }
}

enum err aggset_load(struct aggset **at, struct type t, struct bytes_reader *r)
{
    uint64_t n = bytes_get_varint(r);
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        uint64_t count = bytes_get_varint(r);
        union cell c = {0};
        size_t length = 0;
        if (t.kind == TYPE_STRING) {
            c.s.p = bytes_get_str(r, &length);
            c.s.n = (uint32_t)length;
        } else {
            c.i = (int64_t)bytes_get_u64(r);
        }
        if (!r->bad && (count == 0 || count > INT64_MAX || length > UINT32_MAX))
            r->bad = true;
        if (!r->bad)
            aggset_add(at, t, c, (int64_t)count);
    }
    if (!r->bad)
        return ERR_OK;
    aggset_free(*at, t);
    *at = NULL;
    return ERR_CORRUPT;
}
