/* SPDX-License-Identifier: Apache-2.0 */
/* keyload.h - the rows of a key's entry, from bytes.
 *
 * Room:   an entry of a snapshot -> [keyload] -> operators' Xsave_load
 * Owns:   a reference to each row of the entry.  Thread: one worker.  Time: none.
 *
 * A column that is not kept any more is left out, one that is kept now and was not is NULL. */
#ifndef WEIR_CEP_KEYLOAD_H
#define WEIR_CEP_KEYLOAD_H
#include "base/diag.h"
#include "cep/key/keylayout.h"

struct matchmap;
struct windowmap;
struct overmap;

struct keyload {
    struct keyed *k;
    struct key *key;
    struct kept **rows;
    size_t n, cap;
    /* How far time had come in the task that saved it. This task may be behind that for a while, when it starts from
     * several that were not equally far: nothing that was over by then may be given again. */
    evtime now;
    const struct matchmap *map; /* it was saved by another version of the rule; NULL: by the same */
    const struct windowmap *windows; /* the same of a window rule */
    const struct overmap *overs; /* ... of an OVER rule */
    bool changed; /* by Xsave_load: the key's next entry will not be this one's bytes */
    bool bulk; /* many entries follow: Xsave_loaded will be called once all are there */
};

/* Far enough from the ends of time to be reckoned with? */
static inline bool keyload_is_time(evtime t)
{
    return t >= -(EVTIME_MAX / 4) && t <= EVTIME_MAX / 4;
}

void keyload_fini(struct keyload *l);
/* ERR_CORRUPT: no such bytes, or of a layout that is not known; no row is there then. */
enum err keyload_rows(struct keyload *l, const struct keylayouts *layouts, struct bytes_reader *in);
/* A row that another key definition of the same columns keeps, as one more row of the entry. */
void keyload_copy(struct keyload *l, const struct keyed *from, const struct kept *r);
/* With a reference for the caller. NULL: there is no row of that number. */
struct kept *keyload_row(const struct keyload *l, uint64_t number);
/* The entry is read: its own references go. */
void keyload_end(struct keyload *l);

#endif
