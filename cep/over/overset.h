/* SPDX-License-Identifier: Apache-2.0 */
/* overset.h - the values in a frame, each with the number of rows that have it: what DISTINCT needs to retract.
 *
 * Room:   overacc -> [overset]
 * Owns:   its slots and a reference to each text, until overset_fini.  Thread: one worker.  Time: none. */
#ifndef WEIR_CEP_OVERSET_H
#define WEIR_CEP_OVERSET_H
#include "cep/slab.h"
#include <stdbool.h>

struct overset_slot {
    int64_t v; /* a number's bits, or a text (overtext.h) */
    uint64_t count; /* 0: free */
};

/* Of zero bytes it is empty. */
struct overset {
    struct overset_slot *slots;
    uint32_t n, cap; /* cap: a power of two, at most half full */
};

/* True: the value is a new one. */
bool overset_add(struct overset *s, struct slabs *memory, bool text, int64_t v);
void overset_put(struct overset *s, struct slabs *memory, bool text, int64_t v, uint64_t count);
/* True: no row has it any more. It must be there. */
bool overset_remove(struct overset *s, struct slabs *memory, bool text, int64_t v);
void overset_fini(struct overset *s, struct slabs *memory, bool text);

#endif
