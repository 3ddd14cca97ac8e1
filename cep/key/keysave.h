/* SPDX-License-Identifier: Apache-2.0 */
/* keysave.h - the rows that a key's state holds, as bytes; each once, however many rules hold it.
 *
 * Room:   operators' Xsave_put -> [keysave] -> an entry of a snapshot -> keyload
 * Owns:   the list of rows while an entry is made.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_KEYSAVE_H
#define WEIR_CEP_KEYSAVE_H
#include "cep/key/keylayout.h"

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

#endif
