/* SPDX-License-Identifier: Apache-2.0 */
/* keytable.h - the keys of one key definition that have state: from a hash to the key's cells, one for each rule.
 *
 * Room:   order -> [keytable] -> match, window
 * Owns:   its keys; not their cells, which belong to the operators
 * Thread: one worker.  Time: none.
 *
 * A key is there only while a rule has state for it. Its `waiting` says which conditions can matter to that state, so
 * that most rows end at one look into the table. */
#ifndef WEIR_CEP_KEYTABLE_H
#define WEIR_CEP_KEYTABLE_H
#include "cep/slab.h"
#include <stdbool.h>

struct key;

/* First member of an operator's state for a key. */
struct keystate {
    struct keystate *next; /* of the same key */
    struct key *key;
    uint64_t waiting; /* folded condition bits that can matter to it (keyed.h); may have too many */
    uint32_t rule; /* index among the rules of the key definition */
    uint32_t room; /* the operator's own */
};

struct key {
    uint64_t hash;
    uint64_t waiting; /* of all cells */
    struct keystate *cells;
    uint32_t len; /* of the canonical bytes (value_key) */
    uint32_t track; /* keytrack.h; 0: not tracked */
    uint8_t bytes[];
};

#define KEYTABLE_LOW_BITS UINT64_C(0xffff) /* of a hash, which the table does not look at */

struct keytable_slot {
    uint64_t hash;
    struct key *key; /* NULL: free */
};

struct keytable {
    struct keytable_slot *slots;
    size_t nslots, count;
    struct slabs slabs;
};

void keytable_init(struct keytable *t);
void keytable_fini(struct keytable *t);

/* The hash that the table and routing use: XXH3_64 of the canonical bytes. The table looks at all but its low 16 bits. */
uint64_t keytable_hash(const void *p, size_t n);

static inline size_t keytable_slot_of(const struct keytable *t, uint64_t hash)
{
    return (size_t)(hash >> 20) & (t->nslots - 1);
}
static inline void keytable_prefetch(const struct keytable *t, uint64_t hash)
{
    __builtin_prefetch(&t->slots[keytable_slot_of(t, hash)]);
}
/* True: no key of this hash waits for any of these conditions. */
bool keytable_quiet(const struct keytable *t, uint64_t hash, uint64_t conditions);
/* A key of this hash, most likely the one that will be looked up: to be prefetched. NULL: none. */
const struct key *keytable_guess(const struct keytable *t, uint64_t hash);
struct key *keytable_find(const struct keytable *t, uint64_t hash, const void *p, size_t n);
/* The key of one text shorter than VALUE_KEY_SHORT. */
struct key *keytable_find_text(const struct keytable *t, uint64_t hash, const char *p, uint32_t n);
struct key *keytable_add(struct keytable *t, uint64_t hash, const void *p,
                         size_t n); /* must not be there */
void keytable_remove(struct keytable *t, struct key *k); /* its cells must be gone */
size_t keytable_bytes(const struct keytable *t);
size_t keytable_used(const struct keytable *t); /* of these, by keys that are there */

/* Any key, or NULL: to empty the table. */
struct key *keytable_any(const struct keytable *t);

/* A walk over all slots is a chain of pointers into memory that has long not been touched: at slot i, for those behind it.
 * Half the slots are free, and a step takes a few ns: nearer, and what is fetched is not there yet. */
enum { KEYTABLE_AHEAD_KEY = 64, KEYTABLE_AHEAD_CELL = 32 };
static inline void keytable_look_ahead(const struct keytable *t, size_t i)
{
    const struct key *key = t->slots[(i + KEYTABLE_AHEAD_KEY) & (t->nslots - 1)].key;
    if (key != NULL)
        __builtin_prefetch(key);
    key = t->slots[(i + KEYTABLE_AHEAD_CELL) & (t->nslots - 1)].key;
    if (key != NULL && key->cells != NULL)
        __builtin_prefetch(key->cells);
}

void keytable_link(struct key *k, struct keystate *c, uint32_t rule);
void keytable_unlink(struct keystate *c); /* leaves the key, even if it was the last */

#endif
