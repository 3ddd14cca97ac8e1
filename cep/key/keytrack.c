/* SPDX-License-Identifier: Apache-2.0
 *
 * A key is in one list at most and knows where, so it leaves by the last taking its place. */
#include "cep/key/keytrack.h"
#include "base/bug.h"
#include "base/mem.h"

static unsigned list_of(const struct key *key)
{
    return key->track & KEYTRACK_LIST;
}

static void set(struct key *key, unsigned list, size_t place)
{
    key->track = list | (key->track & (KEYTRACK_KNOWN | KEYTRACK_GONE | KEYTRACK_USED)) |
                 (uint32_t)(place << KEYTRACK_PLACE);
}

static void put(struct keytrack *t, struct key *key)
{
    struct keytrack_list *l = &t->lists[t->current];
    BUG_IF(l->n >> (32 - KEYTRACK_PLACE) != 0, "%zu keys have changed", l->n);
    l->keys = mem_grow(l->keys, l->n, 1, &l->cap, sizeof(struct key *));
    set(key, t->current, l->n);
    l->keys[l->n++] = key;
}

static void take_out(struct keytrack *t, const struct key *key)
{
    struct keytrack_list *l = &t->lists[list_of(key)];
    size_t at = key->track >> KEYTRACK_PLACE;
    struct key *last = l->keys[--l->n];
    l->keys[at] = last;
    if (last != key)
        set(last, list_of(key), at);
}

/* Of those put aside: it is given out as it is. */
static void give(struct keytrack *t, struct key *key)
{
    take_out(t, key);
    t->give(t->ctx, key);
    key->track = KEYTRACK_CLEAN | (key->cells != NULL || t->keeps_gone ? KEYTRACK_KNOWN : 0) |
                 (key->track & KEYTRACK_USED) | t->snapshot << KEYTRACK_PLACE;
}

void keytrack_fini(struct keytrack *t)
{
    for (unsigned i = 0; i < 2; i++)
        mem_free(t->lists[i].keys);
}

void keytrack_start(struct keytrack *t, void (*give_out)(void *ctx, const struct key *key),
                    void *ctx)
{
    t->on = true;
    t->give = give_out;
    t->ctx = ctx;
    keytrack_forget(t);
}

void keytrack_add(struct keytrack *t, struct key *key)
{
    if (t->on)
        put(t, key);
}

void keytrack_change(struct keytrack *t, struct key *key)
{
    t->ngone -= (key->track & KEYTRACK_GONE) != 0;
    key->track &= ~(uint32_t)KEYTRACK_GONE;
    if (list_of(key) == t->current)
        return;
    if (list_of(key) != KEYTRACK_CLEAN)
        give(t, key);
    put(t, key);
}

bool keytrack_drop(struct keytrack *t, struct key *key)
{
    if (!t->on)
        return true;
    if (key->track & KEYTRACK_GONE)
        return false;
    CHECK(list_of(key) == t->current);
    if (key->track & KEYTRACK_KNOWN) {
        key->track |= KEYTRACK_GONE;
        t->ngone++;
        return false;
    }
    take_out(t, key);
    return true;
}

void keytrack_loaded(struct keytrack *t, struct key *key)
{
    if (!t->on)
        return;
    if (list_of(key) != KEYTRACK_CLEAN)
        take_out(t, key);
    key->track = KEYTRACK_CLEAN | KEYTRACK_KNOWN;
}

void keytrack_leave(struct keytrack *t, struct key *key)
{
    t->ngone -= (key->track & KEYTRACK_GONE) != 0;
    if (t->on && !keytrack_is_clean(key))
        take_out(t, key);
    key->track = KEYTRACK_CLEAN;
}

void keytrack_begin(struct keytrack *t)
{
    CHECK(keytrack_pending(t) == 0);
    t->current = !t->current;
    t->snapshot = t->snapshot == UINT32_MAX >> KEYTRACK_PLACE ? 1 : t->snapshot + 1;
}

bool keytrack_next(struct keytrack *t)
{
    const struct keytrack_list *l = &t->lists[!t->current];
    if (l->n == 0)
        return false;
    struct key *key = l->keys[l->n - 1];
    t->ngone -= (key->track & KEYTRACK_GONE) != 0;
    give(t, key);
    if (key->cells == NULL && t->keeps_gone) {
        key->track |= KEYTRACK_GONE;
        t->ngone++;
    } else if (key->cells == NULL) {
        keytable_remove(t->table, key);
    }
    return true;
}

void keytrack_forget(struct keytrack *t)
{
    t->lists[0].n = t->lists[1].n = t->ngone = 0;
    for (size_t i = 0; i < t->table->nslots;) { /* removal shifts others to this slot or past it */
        struct key *key = t->table->slots[i].key;
        if (key != NULL && key->cells == NULL)
            keytable_remove(t->table, key);
        else
            i++;
    }
    for (size_t i = 0; i < t->table->nslots; i++) {
        struct key *key = t->table->slots[i].key;
        if (key == NULL)
            continue;
        key->track = 0;
        put(t, key);
    }
}

void keytrack_again(struct keytrack *t)
{
    for (size_t i = 0; i < t->table->nslots; i++) {
        keytable_look_ahead(t->table, i);
        struct key *key = t->table->slots[i].key;
        if (key != NULL)
            keytrack_touch(t, key);
    }
}

size_t keytrack_bytes(const struct keytrack *t)
{
    return (t->lists[0].cap + t->lists[1].cap) * sizeof(struct key *);
}
