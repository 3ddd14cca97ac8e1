/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes themselves are kept, in an open table, until there are too many; then their registers. A hash of 0 is kept as 1. */
#include "cep/agg/agghll.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum {
    TABLE_MIN = 8,
    TABLE_MAX = 2 * AGGHLL_EXACT,
    RANKS = 64 - AGGHLL_BITS /* a register is 0 to RANKS + 1 */
};

struct agghll {
    uint32_t n, cap; /* hashes; slots, a power of two. cap 0: registers */
    uint64_t slots[];
};

static uint8_t *registers_of(struct agghll *h)
{
    return (uint8_t *)h->slots;
}

static struct agghll *table_new(uint32_t cap)
{
    struct agghll *h = mem_new(sizeof *h + cap * sizeof *h->slots);
    h->cap = cap;
    return h;
}

static void put_register(struct agghll *h, unsigned i, uint8_t rank)
{
    uint8_t *r = registers_of(h);
    r[i] = r[i] > rank ? r[i] : rank;
}

static void put_rank(struct agghll *h, uint64_t hash)
{
    uint64_t rest = hash << AGGHLL_BITS;
    unsigned rank = rest == 0 ? RANKS + 1 : (unsigned)__builtin_clzll(rest) + 1;
    put_register(h, (unsigned)(hash >> RANKS), (uint8_t)rank);
}

/* True: it was not there. */
static bool put_hash(struct agghll *h, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (h->cap - 1);
    while (h->slots[i] != 0 && h->slots[i] != hash)
        i = (i + 1) & (h->cap - 1);
    if (h->slots[i] == hash)
        return false;
    h->slots[i] = hash;
    h->n++;
    return true;
}

static struct agghll *grown(struct agghll *h)
{
    bool dense = h->cap == TABLE_MAX;
    struct agghll *more = dense ? mem_new(sizeof *more + AGGHLL_REGISTERS) : table_new(2 * h->cap);
    for (uint32_t i = 0; i < h->cap; i++)
        if (h->slots[i] != 0) {
            if (dense)
                put_rank(more, h->slots[i]);
            else
                put_hash(more, h->slots[i]);
        }
    mem_free(h);
    return more;
}

void agghll_add(struct agghll **at, uint64_t hash)
{
    hash = hash == 0 ? 1 : hash;
    if (*at == NULL)
        *at = table_new(TABLE_MIN);
    if ((*at)->cap > 0 && put_hash(*at, hash) && 2 * (*at)->n > (*at)->cap)
        *at = grown(*at);
    else if ((*at)->cap == 0)
        put_rank(*at, hash);
}

void agghll_merge(struct agghll **at, const struct agghll *from)
{
    if (from == NULL)
        return;
    for (uint32_t i = 0; i < from->cap; i++)
        if (from->slots[i] != 0)
            agghll_add(at, from->slots[i]);
    if (from->cap > 0)
        return;
    if (*at == NULL)
        *at = table_new(TABLE_MIN);
    while ((*at)->cap > 0)
        *at = grown(*at);
    const uint8_t *r = (const uint8_t *)from->slots;
    for (unsigned i = 0; i < AGGHLL_REGISTERS; i++)
        put_register(*at, i, r[i]);
}

/* --- the estimator (Ertl 2017, algorithm 6) --- */

static double sigma(double x)
{
    if (x == 1)
        return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    if (x == 0 || x == 1)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

uint64_t agghll_count(const struct agghll *h)
{
    const double m = AGGHLL_REGISTERS;
    unsigned counts[RANKS + 2] = {0};
    if (h == NULL || h->cap > 0)
        return h == NULL ? 0 : h->n;
    const uint8_t *r = (const uint8_t *)h->slots;
    for (unsigned i = 0; i < AGGHLL_REGISTERS; i++)
        counts[r[i]]++;
    double z = m * tau(1 - counts[RANKS + 1] / m);
    for (unsigned k = RANKS; k >= 1; k--)
        z = 0.5 * (z + counts[k]);
    z += m * sigma(counts[0] / m);
    return (uint64_t)llround(m * m / (2 * log(2) * z));
}

void agghll_free(struct agghll *h)
{
    mem_free(h);
}

size_t agghll_bytes(const struct agghll *h)
{
    if (h == NULL)
        return 0;
    return sizeof *h + (h->cap > 0 ? h->cap * sizeof *h->slots : AGGHLL_REGISTERS);
}

/* --- as bytes: the number of hashes and these; or UINT16_MAX and the registers --- */

void agghll_save(const struct agghll *h, struct bytes *out)
{
    bytes_u16(out, h == NULL ? 0 : h->cap > 0 ? (uint16_t)h->n : UINT16_MAX);
    if (h != NULL && h->cap == 0)
        bytes_put(out, h->slots, AGGHLL_REGISTERS);
    for (uint32_t i = 0; h != NULL && i < h->cap; i++)
        if (h->slots[i] != 0)
            bytes_u64(out, h->slots[i]);
}

enum err agghll_load(struct agghll **at, struct bytes_reader *r)
{
    unsigned n = bytes_get_u16(r);
    if (n != UINT16_MAX) {
        if (n > AGGHLL_EXACT)
            return ERR_CORRUPT;
        for (unsigned i = 0; i < n && !r->bad; i++)
            agghll_add(at, bytes_get_u64(r));
        if (!r->bad)
            return ERR_OK;
        agghll_free(*at);
        *at = NULL;
        return ERR_CORRUPT;
    }
    const uint8_t *p = bytes_get(r, AGGHLL_REGISTERS);
    for (unsigned i = 0; p != NULL && i < AGGHLL_REGISTERS; i++)
        if (p[i] > RANKS + 1)
            return ERR_CORRUPT;
    if (p == NULL)
        return ERR_CORRUPT;
    *at = mem_new(sizeof **at + AGGHLL_REGISTERS);
    memcpy(registers_of(*at), p, AGGHLL_REGISTERS);
    return ERR_OK;
}
