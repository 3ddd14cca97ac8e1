/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/ttl.h"
#include "base/mem.h"
#include <stddef.h>

struct ttl_cell {
    struct keystate state; /* of the table of its own */
    struct timer timer; /* of a row that may not be the last: set anew when it comes */
    evtime last;
};

struct ttl {
    int64_t ms;
    struct keytable keys;
    struct slab cells;
    struct timers timers;
    struct ttl_cell *taken; /* was given out last, to be freed with the next call */
};

struct ttl *ttl_new(int64_t ms)
{
    struct ttl *t = mem_new(sizeof *t);
    t->ms = ms;
    keytable_init(&t->keys);
    slab_init(&t->cells, sizeof(struct ttl_cell));
    return t;
}

static void forget(struct ttl *t, struct ttl_cell *c)
{
    struct key *key = c->state.key;
    timers_unset(&t->timers, &c->timer);
    keytable_unlink(&c->state);
    keytable_remove(&t->keys, key);
    slab_free(&t->cells, c);
}

static void forget_taken(struct ttl *t)
{
    if (t->taken != NULL)
        forget(t, t->taken);
    t->taken = NULL;
}

void ttl_free(struct ttl *t)
{
    if (t == NULL)
        return;
    forget_taken(t);
    for (struct key *key; (key = keytable_any(&t->keys)) != NULL;)
        forget(t, (struct ttl_cell *)(void *)key->cells);
    timers_fini(&t->timers);
    slab_fini(&t->cells);
    keytable_fini(&t->keys);
    mem_free(t);
}

void ttl_touch(struct ttl *t, const struct key *key, evtime ts)
{
    forget_taken(t);
    struct key *own = keytable_find(&t->keys, key->hash, key->bytes, key->len);
    struct ttl_cell *c = own == NULL ? NULL : (struct ttl_cell *)(void *)own->cells;
    if (c == NULL) {
        own = keytable_add(&t->keys, key->hash, key->bytes, key->len);
        c = slab_alloc(&t->cells);
        *c = (struct ttl_cell){.last = ts};
        timer_init(&c->timer);
        keytable_link(own, &c->state, 0);
        timers_set(&t->timers, &c->timer, ts + t->ms);
    }
    c->last = ts > c->last ? ts : c->last;
}

int64_t ttl_ms(const struct ttl *t)
{
    return t->ms;
}

void ttl_change(struct ttl *t, int64_t ms)
{
    if (ms == t->ms)
        return;
    t->ms = ms;
    for (size_t i = 0; i < t->keys.nslots; i++) {
        struct key *key = t->keys.slots[i].key;
        struct ttl_cell *c = key == NULL ? NULL : (struct ttl_cell *)(void *)key->cells;
        if (c != NULL)
            timers_set(&t->timers, &c->timer, c->last + ms);
    }
}

bool ttl_last(const struct ttl *t, const struct key *key, evtime *ts)
{
    const struct key *own = keytable_find(&t->keys, key->hash, key->bytes, key->len);
    if (own == NULL || own->cells == NULL)
        return false;
    *ts = ((const struct ttl_cell *)(const void *)own->cells)->last;
    return true;
}

evtime ttl_next(const struct ttl *t)
{
    return timers_next(&t->timers);
}

const struct key *ttl_take(struct ttl *t, evtime to, evtime *at)
{
    forget_taken(t);
    for (struct timer *x; (x = timers_take(&t->timers, to)) != NULL;) {
        struct ttl_cell *c =
            (struct ttl_cell *)(void *)((char *)x - offsetof(struct ttl_cell, timer));
        if (c->last + t->ms > x->at) {
            timers_set(&t->timers, x, c->last + t->ms);
            continue;
        }
        *at = x->at;
        t->taken = c;
        return c->state.key;
    }
    return NULL;
}

size_t ttl_bytes(const struct ttl *t)
{
    return keytable_bytes(&t->keys) + t->cells.bytes + timers_bytes(&t->timers);
}

void ttl_forget(struct ttl *t, const struct key *key)
{
    forget_taken(t);
    const struct key *own = keytable_find(&t->keys, key->hash, key->bytes, key->len);
    if (own != NULL)
        forget(t, (struct ttl_cell *)(void *)own->cells);
}

size_t ttl_used(const struct ttl *t)
{
    return keytable_used(&t->keys) + slab_used(&t->cells);
}
