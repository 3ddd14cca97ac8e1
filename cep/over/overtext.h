/* SPDX-License-Identifier: Apache-2.0 */
/* overtext.h - a text that rows in frames and sets of DISTINCT share, counted by reference.
 *
 * Room:   over, overacc, overset -> [overtext]
 * Owns:   nothing; a text lives in the slabs of its operator.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_OVERTEXT_H
#define WEIR_CEP_OVERTEXT_H
#include "cep/row/value.h"
#include "cep/slab.h"
#include <string.h>

struct overtext {
    uint32_t refs, n;
    char p[];
};

/* As the word that is kept of a value. */
static inline struct overtext *overtext_at(int64_t word)
{
    return (struct overtext *)(uintptr_t)word;
}

/* One reference. */
static inline int64_t overtext_new(struct slabs *memory, struct str s)
{
    struct overtext *t = slabs_alloc(memory, sizeof *t + s.n);
    t->refs = 1;
    t->n = s.n;
    if (s.n > 0)
        memcpy(t->p, s.p, s.n);
    return (int64_t)(uintptr_t)t;
}

static inline int64_t overtext_ref(int64_t word)
{
    overtext_at(word)->refs++;
    return word;
}

static inline void overtext_unref(struct slabs *memory, int64_t word)
{
    struct overtext *t = overtext_at(word);
    if (--t->refs == 0)
        slabs_free(memory, t, sizeof *t + t->n);
}

static inline union cell overtext_cell(bool text, int64_t word)
{
    union cell c = {.i = word};
    if (text)
        c.s = (struct str){overtext_at(word)->p, overtext_at(word)->n, 0};
    return c;
}

#endif
