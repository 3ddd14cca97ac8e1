/* SPDX-License-Identifier: Apache-2.0 */
/* taskcopy.h - which keys have been copied to a version that begins beside another.
 *
 * Room:   taskupgrade, which copies -> [taskcopy] -> taskflow, taskload: it is in snapshots
 * Owns:   the names of keys that were copied before their turn
 * Thread: one worker.  Time: none.
 *
 * The walk goes by where a key's place in the table was when it began, so the growth of the table changes nothing. Keys that
 * rows came for, or of which something was due, are copied before their turn, and noted: also those that had no state, since what
 * they have later is of after that time. */
#ifndef WEIR_CEP_TASKCOPY_H
#define WEIR_CEP_TASKCOPY_H
#include "base/bytes.h"
#include "cep/key/keytable.h"

struct task_key;
struct jobdef_rule;
struct jobdef_handover;

struct taskcopy { /* to one version, of the keys of some key groups */
    uint64_t uid, text; /* of that version */
    unsigned first, end; /* key groups: [first, end) */
    uint64_t homes, at; /* of so many places those below `at` are done */
    struct keytable done; /* ... and these keys */
    struct taskcopy *next;
};

/* Of this worker, or NULL if it has none and is not to have one. */
struct taskcopy *taskcopy_of(struct task_key *k, const struct jobdef_rule *to, bool begin);
void taskcopy_free(struct taskcopy *all);

static inline uint64_t taskcopy_home(const struct taskcopy *c, uint64_t hash)
{
    return hash >> 20 & (c->homes - 1); /* as keytable_slot_of */
}
/* hash: may lack the low bits */
bool taskcopy_has(const struct taskcopy *c, uint64_t hash, const void *key, size_t n);
/* The key is copied now. False: it was before. */
bool taskcopy_add(struct taskcopy *c, uint64_t hash, const void *key, size_t n);

/* After a snapshot: had the worker that had the key copied it? And had any begun? */
bool taskcopy_was(const struct task_key *k, const struct jobdef_handover *h, const struct key *key);
bool taskcopy_had_begun(const struct task_key *k, const struct jobdef_handover *h);
/* What is of versions that are not to be copied to any more is forgotten. */
void taskcopy_bind(struct task_key *k);

/* Into a snapshot, behind what else is said of the operator; and out of it. */
void taskcopy_put(const struct task_key *k, struct bytes *out);
bool taskcopy_load(struct task_key *k, struct bytes_reader *in); /* false: no such bytes */

#endif
