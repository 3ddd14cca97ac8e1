/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing, linear probing, at most half full. A text of up to 16 bytes is held by its two words and its length
 *, so that most probes touch one slot and no text. */
#include "cep/row/dict.h"
#include "base/arena.h"
#include "base/mem.h"
#include "cep/row/value.h"
#include <stdatomic.h>
#include <string.h>

enum { SLOTS_MIN = 64, IN_WORDS = 16 };

struct words {
    uint64_t a,
        b; /* up to 16 bytes: the text, filled up with zeros; more: its first 8 and its last 8 */
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
    if (n > IN_WORDS) {
        memcpy(&w.a, p, sizeof w.a);
        memcpy(&w.b, p + n - sizeof w.b, sizeof w.b);
    } else if (n > 0) {
        memcpy(&w, p, n);
    }
    return w;
}

/* The same, without a branch on the length: the bytes after the text are read, and masked. */
static inline struct words words_of_padded(const char *p, size_t n)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST(k) ((k) == 0 ? 0 : (k) >= 8 ? ~UINT64_C(0) : UINT64_MAX << ((64 - 8 * (k)) & 63))
#else
#define FIRST(k) ((k) == 0 ? 0 : (k) >= 8 ? ~UINT64_C(0) : UINT64_MAX >> ((64 - 8 * (k)) & 63))
#endif
#define MASKS(k)                                                                                   \
    {                                                                                              \
        FIRST(k), (k) <= 8 ? 0 : FIRST((k) <= 8 ? 1 : (k)-8)                                       \
    }
    static const struct words masks[IN_WORDS + 1] = {MASKS(0),  MASKS(1),  MASKS(2),  MASKS(3),
                                                     MASKS(4),  MASKS(5),  MASKS(6),  MASKS(7),
                                                     MASKS(8),  MASKS(9),  MASKS(10), MASKS(11),
                                                     MASKS(12), MASKS(13), MASKS(14), MASKS(15),
                                                     MASKS(16)};
    struct words w;
    if (n > IN_WORDS)
        return words_of(p, n);
    memcpy(&w, p, sizeof w);
    return (struct words){w.a & masks[n].a, w.b & masks[n].b};
}

static size_t hash(struct words w, size_t n)
{
    __uint128_t m = (__uint128_t)(w.a ^ UINT64_C(0x9e3779b97f4a7c15)) *
                    ((w.b + n) ^ UINT64_C(0xe7037ed1a0b428db));
    return (size_t)((uint64_t)m ^ (uint64_t)(m >> 64));
}

/* The slot of that text, or the free one where it belongs. */
static inline struct slot *find_words(const struct dict *d, struct words w, const char *p, size_t n)
{
    for (size_t i = hash(w, n);; i++) {
        struct slot *s = &d->slots[i & (d->nslots - 1)];
        if (s->id == 0)
            return s;
        if (s->w.a == w.a && s->w.b == w.b && s->n == n &&
            (n <= IN_WORDS || memcmp(s->p, p, n) == 0))
            return s;
    }
}

static struct slot *find(const struct dict *d, const char *p, size_t n)
{
    return find_words(d, words_of(p, n), p, n);
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

void dict_fill(const struct dict *d, struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        texts[i].id =
            find_words(d, words_of_padded(texts[i].p, texts[i].n), texts[i].p, texts[i].n)->id;
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
