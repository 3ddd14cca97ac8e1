/* SPDX-License-Identifier: Apache-2.0 */
/* keytrack.h - which keys of a table have changed since the last snapshot, so that the next gives out these alone.
 *
 * Room:   taskstep, operators -> [keytrack] -> tasksnap, which gives out what has changed
 * Owns:   the lists; not the keys
 * Thread: one worker.  Time: none.
 *
 * A snapshot begins by naming what has changed until then: that list is put aside, and is given out piece by piece while
 * rows go on. A key of it that is about to change is given out before it does, so what is given is the state of the
 * instant at which the snapshot began. (Copy on write by key; the pages of a forked process in Redis are its kin.)
 *
 * A key that is gone stays in the table, without cells, until a snapshot has said so, if one before knew it. */
#ifndef WEIR_CEP_KEYTRACK_H
#define WEIR_CEP_KEYTRACK_H
#include "cep/key/keytable.h"

/* key.track. A table that is not tracked has keys of 0 alone. */
enum {
    KEYTRACK_LIST = 3, /* mask: which list it is in, 0 or 1; else CLEAN */
    KEYTRACK_CLEAN = 2,
    KEYTRACK_GONE = 4, /* has no cells, and a snapshot knows it */
    KEYTRACK_KNOWN = 8, /* a snapshot has it */
    KEYTRACK_USED = 16, /* since the hand of taskout.c passed */
    KEYTRACK_PLACE =
        5 /* from this bit on: where it is in its list; CLEAN: the snapshot that has it */
};

struct keytrack_list {
    struct key **keys;
    size_t n, cap;
};

struct keytrack {
    struct keytable *table;
    bool on;
    unsigned current; /* the list of what has changed; the other is what is put aside */
    struct keytrack_list lists[2];
    size_t ngone; /* keys of the table that are gone */
    uint32_t snapshot; /* number of the last one, from 1 on */
    /* Keys may leave memory (taskout.h): one that is gone stays in the table until whoever was told has noted it; if it left
     * before, its state of before would be found in the store. */
    bool keeps_gone;
    /* Takes a key's state as it is now; no cells: it is gone. */
    void (*give)(void *ctx, const struct key *key);
    void *ctx;
};

void keytrack_fini(struct keytrack *t);
/* Keys that are there count as changed. */
void keytrack_start(struct keytrack *t, void (*give)(void *ctx, const struct key *key), void *ctx);
void keytrack_add(struct keytrack *t, struct key *key); /* new in the table */
void keytrack_change(struct keytrack *t, struct key *key);
static inline void keytrack_touch(struct keytrack *t, struct key *key)
{
    if (t->on && (key->track & (KEYTRACK_LIST | KEYTRACK_GONE)) != t->current)
        keytrack_change(t, key);
}
/* It has no cells. True: it may be removed from the table, and must be. */
bool keytrack_drop(struct keytrack *t, struct key *key);
/* A key that was loaded: a snapshot has it, and it has not changed. After keytrack_add. */
void keytrack_loaded(struct keytrack *t, struct key *key);

/* What has changed is put aside; what was, must have been given out. */
void keytrack_begin(struct keytrack *t);
/* Gives out one key that was put aside. False: there is none. */
bool keytrack_next(struct keytrack *t);
/* What snapshots have is lost: every key has changed, nothing is put aside. */
void keytrack_forget(struct keytrack *t);
/* Every key has changed, and what snapshots know stays known. */
void keytrack_again(struct keytrack *t);
static inline size_t keytrack_pending(const struct keytrack *t)
{
    return t->lists[!t->current].n;
}
/* May the key leave memory? held: what the last snapshot was given has not been kept yet, so that what is written now
 * would be in it. */
static inline bool keytrack_may_leave(const struct keytrack *t, const struct key *key, bool held)
{
    unsigned list = key->track & KEYTRACK_LIST;
    if (list == KEYTRACK_CLEAN)
        return !held || key->track >> KEYTRACK_PLACE != t->snapshot;
    return !held && list == t->current;
}
static inline bool keytrack_is_clean(const struct key *key)
{
    return (key->track & KEYTRACK_LIST) == KEYTRACK_CLEAN;
}
/* It leaves the table. */
void keytrack_leave(struct keytrack *t, struct key *key);
size_t keytrack_bytes(const struct keytrack *t);

#endif
