/* SPDX-License-Identifier: Apache-2.0 */
/* keysave.h - the rows that a key's state holds, as bytes and back; each once, however many rules hold it.
 *
 * Room:   operators' X_save -> [keysave] -> an entry of a snapshot -> [keyload] -> operators' X_load
 * Owns:   keysave: the list of rows while an entry is made; keyload: a reference to each row of an entry
 * Thread: one worker.  Time: none.
 *
 * Columns are known by name and type, not by number: a text of them (`layout`) stands once in a snapshot, and rows name
 * it by its hash. A column that is not kept any more is left out, one that is kept now and was not is NULL. */
#ifndef WEIR_CEP_KEYSAVE_H
#define WEIR_CEP_KEYSAVE_H
#include "base/diag.h"
#include "cep/keyed.h"

/* --- layouts --- */

struct keylayout {
    uint64_t hash;
    struct bytes text;
    unsigned n;
    struct keylayout_column {
        const char *name; /* in text */
        struct type type;
    } * columns;
};

struct keylayouts { /* all that a task has met; they are few, and stay */
    struct keylayout *v;
    size_t n, cap;
};

void keylayouts_fini(struct keylayouts *l);
/* Of what is kept now; added if it is new. Valid until the next one is added. */
const struct keylayout *keylayouts_of(struct keylayouts *l, const struct keyed *k);
const struct keylayout *keylayouts_find(const struct keylayouts *l, uint64_t hash); /* or NULL */
/* A text from a snapshot. ERR_CORRUPT: it is none. */
enum err keylayouts_load(struct keylayouts *l, const void *p, size_t n);

/* --- an entry being made --- */

struct keysave {
    const struct keyed *k;
    struct kept **rows;
    size_t n, cap;
};

void keysave_fini(struct keysave *s);
void keysave_begin(struct keysave *s, const struct keyed *k);
/* The row's number in this entry. */
unsigned keysave_row(struct keysave *s, struct kept *r);
/* All of them. After the operators, since only then they are known; before their bytes in the entry. */
void keysave_rows(const struct keysave *s, struct keylayouts *l, struct bytes *out);

/* --- an entry being read --- */

struct keyload {
    struct keyed *k;
    struct key *key;
    struct kept **rows;
    size_t n, cap;
    /* How far time had come in the task that saved it. This task may be behind that for a while, when it starts from
     * several that were not equally far: nothing that was over by then may be given again. */
    evtime now;
    bool bulk; /* many entries follow: X_loaded will be called once all are there */
};

void keyload_fini(struct keyload *l);
/* ERR_CORRUPT: no such bytes, or of a layout that is not known; no row is there then. */
enum err keyload_rows(struct keyload *l, const struct keylayouts *layouts, struct bytes_reader *in);
/* With a reference for the caller. NULL: there is no row of that number. */
struct kept *keyload_row(const struct keyload *l, uint64_t number);
/* The entry is read: its own references go. */
void keyload_end(struct keyload *l);

#endif
