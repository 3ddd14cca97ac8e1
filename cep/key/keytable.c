/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing with linear probing, at most 3/5 full, deletion by shifting back. A slot is 16 bytes, the hash and a
 * pointer; the key itself never moves, since cells, runs and timers point to it. */
#define XXH_INLINE_ALL
#include "cep/key/keytable.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/row/value.h"
#include <string.h>
#include <xxhash.h>

enum { SLOTS_MIN = 64 };

void keytable_init(struct keytable *t)
{
    *t = (struct keytable){.nslots = SLOTS_MIN};
    t->slots = mem_array(t->nslots, sizeof *t->slots);
    slabs_init(&t->slabs);
}

static size_t key_size(size_t n)
{
    return sizeof(struct key) + n;
}

void keytable_fini(struct keytable *t)
{
    for (size_t i = 0; i < t->nslots; i++)
        if (t->slots[i].key != NULL && key_size(t->slots[i].key->len) > SLABS_MAX)
            slabs_free(&t->slabs, t->slots[i].key, key_size(t->slots[i].key->len));
    slabs_fini(&t->slabs);
    mem_free(t->slots);
}

uint64_t keytable_hash(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

const struct key *keytable_guess(const struct keytable *t, uint64_t hash)
{
    hash &= ~KEYTABLE_LOW_BITS;
    for (size_t i = keytable_slot_of(t, hash);; i = (i + 1) & (t->nslots - 1)) {
        const struct keytable_slot *s = &t->slots[i];
        if (s->key == NULL || s->hash == hash)
            return s->key;
    }
}

bool keytable_quiet(const struct keytable *t, uint64_t hash, uint64_t conditions)
{
    hash &= ~KEYTABLE_LOW_BITS;
    for (size_t i = keytable_slot_of(t, hash);; i = (i + 1) & (t->nslots - 1)) {
        const struct keytable_slot *s = &t->slots[i];
        if (s->key == NULL)
            return true;
        if (s->hash == hash && (s->key->waiting & conditions) != 0)
            return false;
    }
}

struct key *keytable_find(const struct keytable *t, uint64_t hash, const void *p, size_t n)
{
    hash &= ~KEYTABLE_LOW_BITS;
    for (size_t i = keytable_slot_of(t, hash);; i = (i + 1) & (t->nslots - 1)) {
        const struct keytable_slot *s = &t->slots[i];
        if (s->key == NULL)
            return NULL;
        if (s->hash == hash && s->key->len == n && (n == 0 || memcmp(s->key->bytes, p, n) == 0))
            return s->key;
    }
}

struct key *keytable_find_text(const struct keytable *t, uint64_t hash, const char *p, uint32_t n)
{
    hash &= ~KEYTABLE_LOW_BITS;
    for (size_t i = keytable_slot_of(t, hash);; i = (i + 1) & (t->nslots - 1)) {
        const struct keytable_slot *s = &t->slots[i];
        if (s->key == NULL)
            return NULL;
        if (s->hash == hash && value_key_is_text(s->key->bytes, s->key->len, p, n))
            return s->key;
    }
}

static void put(struct keytable *t, struct key *k)
{
    size_t i = keytable_slot_of(t, k->hash);
    while (t->slots[i].key != NULL)
        i = (i + 1) & (t->nslots - 1);
    t->slots[i] = (struct keytable_slot){k->hash, k};
}

static void grow(struct keytable *t)
{
    struct keytable_slot *old = t->slots;
    size_t n = t->nslots;
    t->nslots *= 2;
    t->slots = mem_array(t->nslots, sizeof *t->slots);
    for (size_t i = 0; i < n; i++)
        if (old[i].key != NULL)
            put(t, old[i].key);
    mem_free(old);
}

struct key *keytable_add(struct keytable *t, uint64_t hash, const void *p, size_t n)
{
    if ((t->count + 1) * 5 > t->nslots * 3)
        grow(t);
    struct key *k = slabs_alloc(&t->slabs, key_size(n));
    *k = (struct key){.hash = hash & ~KEYTABLE_LOW_BITS, .len = (uint32_t)n};
    if (n > 0)
        memcpy(k->bytes, p, n);
    put(t, k);
    t->count++;
    return k;
}

void keytable_remove(struct keytable *t, struct key *k)
{
    CHECK(k->cells == NULL);
    size_t mask = t->nslots - 1, i = keytable_slot_of(t, k->hash);
    while (t->slots[i].key != k)
        i = (i + 1) & mask;
    for (size_t j = (i + 1) & mask; t->slots[j].key != NULL; j = (j + 1) & mask) {
        size_t home = keytable_slot_of(t, t->slots[j].hash);
        if (((j - home) & mask) >= ((j - i) & mask)) {
            t->slots[i] = t->slots[j];
            i = j;
        }
    }
    t->slots[i] = (struct keytable_slot){0};
    t->count--;
    slabs_free(&t->slabs, k, key_size(k->len));
}

size_t keytable_bytes(const struct keytable *t)
{
    return t->nslots * sizeof *t->slots + slabs_bytes(&t->slabs);
}

size_t keytable_used(const struct keytable *t)
{
    return t->nslots * sizeof *t->slots + slabs_used(&t->slabs);
}

struct key *keytable_any(const struct keytable *t)
{
    for (size_t i = 0; t->count > 0 && i < t->nslots; i++)
        if (t->slots[i].key != NULL)
            return t->slots[i].key;
    return NULL;
}

void keytable_link(struct key *k, struct keystate *c, uint32_t rule)
{
    c->key = k;
    c->rule = rule;
    c->next = k->cells;
    k->cells = c;
}

void keytable_unlink(struct keystate *c)
{
    struct keystate **at = &c->key->cells;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}
