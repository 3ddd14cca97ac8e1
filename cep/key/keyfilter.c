/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's bits are all in one word of 64, so that an answer costs one cache line for each layer. */
#include "cep/key/keyfilter.h"
#include "base/mem.h"

enum { WORDS_FIRST = 1 << 10, KEYS_A_WORD = 4, PROBES = 5 };

/* The table's hashes lack their low bits (keytable.h). */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 29;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static uint64_t bits_of(uint64_t h)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < PROBES; i++)
        bits |= UINT64_C(1) << (h >> (34 + 6 * i) & 63);
    return bits;
}

void keyfilter_fini(struct keyfilter *f)
{
    for (unsigned i = 0; i < f->nlayers; i++)
        mem_free(f->layers[i].words);
    *f = (struct keyfilter){0};
}

bool keyfilter_has(const struct keyfilter *f, uint64_t hash)
{
    uint64_t h = mix(hash), bits = bits_of(h);
    for (unsigned i = f->nlayers; i-- > 0;) {
        const struct keyfilter_layer *l = &f->layers[i];
        if ((l->words[h & l->mask] & bits) == bits)
            return true;
    }
    return false;
}

void keyfilter_add(struct keyfilter *f, uint64_t hash)
{
    if (keyfilter_has(f, hash))
        return;
    struct keyfilter_layer *l = f->nlayers == 0 ? NULL : &f->layers[f->nlayers - 1];
    if (l == NULL || (l->n == l->cap && f->nlayers < KEYFILTER_LAYERS)) {
        size_t words = l == NULL ? WORDS_FIRST : (size_t)(l->mask + 1) * 2;
        l = &f->layers[f->nlayers++];
        *l = (struct keyfilter_layer){.words = mem_array(words, sizeof *l->words),
                                      .mask = words - 1,
                                      .cap = words * KEYS_A_WORD};
    }
    uint64_t h = mix(hash);
    l->words[h & l->mask] |= bits_of(h);
    l->n++;
}

size_t keyfilter_keys(const struct keyfilter *f)
{
    size_t n = 0;
    for (unsigned i = 0; i < f->nlayers; i++)
        n += f->layers[i].n;
    return n;
}

size_t keyfilter_bytes(const struct keyfilter *f)
{
    size_t n = 0;
    for (unsigned i = 0; i < f->nlayers; i++)
        n += (size_t)(f->layers[i].mask + 1) * sizeof(uint64_t);
    return n;
}
