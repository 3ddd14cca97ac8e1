/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing, linear probing, at most half full. A text of up to 16 bytes is held by its two words and its length
 *, so that most probes touch one slot and no text. */
#include "cep/dict.h"
#include "base/arena.h"
#include "base/mem.h"
#include <stdatomic.h>
#include <string.h>

enum { SLOTS_MIN = 64, IN_WORDS = 16 };

struct words {
    uint64_t a,
        b; /* first and last 8 bytes; of a text of up to 16 bytes, with its length, they are the text */
};

struct slot {
    struct words w;
    const char *p;
    uint32_t n, id; /* id 0: free */
};

struct dict {
    struct slot *slots;
    size_t nslots; /* a power of two */
    uint32_t count;
    uint64_t serial;
    struct colset columns;
    struct arena *arena;
};

static struct words words_of(const char *p, size_t n)
{
    struct words w = {0, 0};
    if (n >= 8) {
        memcpy(&w.a, p, 8);
        memcpy(&w.b, p + n - 8, 8);
    } else if (n >= 4) {
        uint32_t x, y;
        memcpy(&x, p, 4);
        memcpy(&y, p + n - 4, 4);
        w.a = (uint64_t)y << 32 | x;
    } else if (n > 0) {
        w.a = (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 |
              (uint64_t)(uint8_t)p[n - 1] << 16;
    }
    return w;
}

static size_t hash(struct words w, size_t n)
{
    __uint128_t m = (__uint128_t)(w.a ^ UINT64_C(0x9e3779b97f4a7c15)) *
                    ((w.b + n) ^ UINT64_C(0xe7037ed1a0b428db));
    return (size_t)((uint64_t)m ^ (uint64_t)(m >> 64));
}

/* The slot of that text, or the free one where it belongs. */
static struct slot *find(const struct dict *d, const char *p, size_t n)
{
    struct words w = words_of(p, n);
    for (size_t i = hash(w, n);; i++) {
        struct slot *s = &d->slots[i & (d->nslots - 1)];
        if (s->id == 0)
            return s;
        if (s->w.a == w.a && s->w.b == w.b && s->n == n &&
            (n <= IN_WORDS || memcmp(s->p, p, n) == 0))
            return s;
    }
}

struct dict *dict_new(void)
{
    static _Atomic uint64_t last_serial;
    struct dict *d = mem_new(sizeof *d);
    d->nslots = SLOTS_MIN;
    d->slots = mem_array(d->nslots, sizeof *d->slots);
    d->arena = arena_new(0, 0);
    d->serial = atomic_fetch_add(&last_serial, 1) + 1;
    return d;
}

void dict_free(struct dict *d)
{
    if (d == NULL)
        return;
    mem_free(d->slots);
    arena_free(d->arena);
    mem_free(d);
}

static void grow(struct dict *d)
{
    struct slot *old = d->slots;
    size_t nold = d->nslots;
    d->nslots *= 2;
    d->slots = mem_array(d->nslots, sizeof *d->slots);
    for (size_t i = 0; i < nold; i++)
        if (old[i].id != 0)
            *find(d, old[i].p, old[i].n) = old[i];
    mem_free(old);
}

uint32_t dict_add(struct dict *d, const char *p, size_t n)
{
    struct slot *s = find(d, p, n);
    if (s->id != 0)
        return s->id;
    if (d->count + 1 > d->nslots / 2) {
        grow(d);
        s = find(d, p, n);
    }
    *s = (struct slot){.w = words_of(p, n),
                       .p = arena_dup(d->arena, p, n),
                       .n = (uint32_t)n,
                       .id = ++d->count};
    return s->id;
}

uint32_t dict_find(const struct dict *d, const char *p, size_t n)
{
    return find(d, p, n)->id;
}

uint32_t dict_count(const struct dict *d)
{
    return d->count;
}

uint64_t dict_serial(const struct dict *d)
{
    return d->serial;
}

void dict_mark(struct dict *d, unsigned column)
{
    colset_add(&d->columns, column);
}

const struct colset *dict_columns(const struct dict *d)
{
    return &d->columns;
}
