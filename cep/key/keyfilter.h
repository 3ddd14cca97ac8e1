/* SPDX-License-Identifier: Apache-2.0 */
/* keyfilter.h - may a key be out of memory? A set of hashes that forgets none and has a few too many.
 *
 * Room:   taskout -> [keyfilter]
 * Owns:   its bits.  Thread: one worker.  Time: none.
 *
 * Bloom filters, each twice as large as the one before it, as many as are needed; 16 bits a key, less than one wrong
 * answer in twenty. */
#ifndef WEIR_CEP_KEYFILTER_H
#define WEIR_CEP_KEYFILTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYFILTER_LAYERS = 32 };

struct keyfilter {
    unsigned nlayers;
    struct keyfilter_layer {
        uint64_t *words;
        uint64_t mask; /* of words */
        size_t n, cap; /* keys */
    } layers[KEYFILTER_LAYERS];
};

void keyfilter_fini(struct keyfilter *f); /* zero bytes are an empty one */
bool keyfilter_has(const struct keyfilter *f, uint64_t hash);
void keyfilter_add(struct keyfilter *f, uint64_t hash);
size_t keyfilter_keys(const struct keyfilter *f);
size_t keyfilter_bytes(const struct keyfilter *f);

#endif
