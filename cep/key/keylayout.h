/* SPDX-License-Identifier: Apache-2.0 */
/* keylayout.h - the columns of kept rows as a text that names them, so that rows can be read by other rules than wrote them.
 *
 * Room:   keysave -> [keylayout] -> the flow of a snapshot -> keyload
 * Owns:   the texts.  Thread: one worker.  Time: none.
 *
 * Columns are known by name and type, not by number. A layout's text stands once in a snapshot; rows name it by its hash. */
#ifndef WEIR_CEP_KEYLAYOUT_H
#define WEIR_CEP_KEYLAYOUT_H
#include "cep/key/keyed.h"

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

#endif
