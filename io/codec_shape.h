/* SPDX-License-Identifier: Apache-2.0 */
/* codec_shape.h - which key of an object leads to which column, and which key is likely next.
 *
 * Room:   schema -> [codec_shape] -> codec_walk
 * Owns:   its tree (one node for each object on the way to a column).  Thread: one.
 *
 * Producers write their keys in the same order each time, so a node remembers the keys of the object before, in order;
 * the next key is compared with the one remembered at that place, and looked up only if it is another. */
#ifndef WEIR_IO_CODEC_SHAPE_H
#define WEIR_IO_CODEC_SHAPE_H
#include "base/arena.h"
#include "cep/row/dict.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct codec_node;

/* What the walk does with a value that looks as it should. */
enum codec_op {
    CODEC_OP_STRING, /* is one; not wanted */
    CODEC_OP_STRING_KEEP,
    CODEC_OP_TIME,
    CODEC_OP_WHOLE,
    CODEC_OP_FIXED, /* DECIMAL */
    CODEC_OP_SLOW, /* to be looked at more closely: several columns, columns inside, DOUBLE, BOOLEAN */
    CODEC_OP_SKIP, /* no column: a scalar is checked, a container passed by */
};

struct codec_field { /* what is known of a key */
    const char *path; /* from the top, for people */
    enum codec_op op;
    int column; /* -1: none ends here */
    uint64_t bit; /* of the column in its word of a colset */
    struct type type;
    bool wanted; /* to be stored, else only checked */
    struct codec_field *also; /* a further column with the same path, or NULL */
    struct codec_node *inside; /* columns further down, or NULL */
};

enum {
    CODEC_GUESSES = 64,
    CODEC_GUESS_KEY_MAX =
        60, /* a guess may be compared with the end of the text: no further than the padding goes */
};

struct codec_guess {
    _Alignas(16) char text[16]; /* the first bytes of the key with its quotes and the colon */
    _Alignas(16) char mask[16]; /* 0xff: that byte does not count */
    const struct codec_field *field;
    enum codec_op op; /* the field's */
    uint32_t n; /* bytes of the whole text */
    const char *key; /* of more than 16 bytes: all of it */
};

struct codec_node {
    struct dict *keys; /* id - 1 is the field */
    struct codec_field *fields;
    size_t cap_fields;
    struct colset under; /* columns here and further down */
    struct codec_guess *guesses; /* CODEC_GUESSES, and one that is never right */
    struct colset *before; /* of each of them: the columns of all guesses before it */
    unsigned learned; /* long keys learned so far; they take memory, so there is an end to it */
};

struct codec_shape {
    struct codec_node *root;
    struct colset inputs; /* columns that are read from the text */
    struct arena *arena;
};

/* The tree of a schema's columns. */
void codec_shape_init(struct codec_shape *s, const struct schema *schema,
                      const struct colset *want);
void codec_shape_fini(struct codec_shape *s);
/* The field of a key (one without a column, if the schema has no such key); it is the guess for place *i from now on, and *i goes one on. */
const struct codec_field *codec_shape_find(struct codec_shape *s, struct codec_node *node,
                                           unsigned *i, const char *key, size_t n);

/* Is the key that begins at p, with its quote, the guess, and does a colon follow at once? Reads 16 bytes from p, more
 * only if those agree. */
static inline bool codec_shape_is(const struct codec_guess *g, const char *p)
{
#ifdef __SSE2__
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p),
                                  _mm_load_si128((const __m128i *)(const void *)g->text));
    same = _mm_or_si128(same, _mm_load_si128((const __m128i *)(const void *)g->mask));
    if (_mm_movemask_epi8(same) != 0xffff)
        return false;
#else
    uint64_t key[2], text[2], mask[2];
    memcpy(key, p, sizeof key);
    memcpy(text, g->text, sizeof text);
    memcpy(mask, g->mask, sizeof mask);
    if ((((key[0] ^ text[0]) & ~mask[0]) | ((key[1] ^ text[1]) & ~mask[1])) != 0)
        return false;
#endif
    return __builtin_expect(g->n <= sizeof g->text, 1) ||
           memcmp(p + sizeof g->text, g->key + sizeof g->text, g->n - sizeof g->text) == 0;
}

#endif
