/* SPDX-License-Identifier: Apache-2.0 */
/* overmap.h - from the calls of one version of an OVER rule to those of another: what of a key's rows and sums is kept.
 *
 * Room:   two versions of a rule -> [overmap] -> oversave_load (which reads a key's state through it), the report that says
 *         what an upgrade keeps
 * Owns:   its tables.  Immutable.  Thread: any, read only.  Time: none.
 *
 * A key keeps rows, as far back as its frames go and with the values that its calls read. A call over some of these is made
 * of them, whether or not the version before had it. What is over all rows is a sum alone: it goes on if both versions
 * have it, else it is of the rows that come from now on. */
#ifndef WEIR_CEP_OVERMAP_H
#define WEIR_CEP_OVERMAP_H
#include "cep/over/overprog.h"

enum { OVERMAP_NONE = -1 };

enum overmap_fate { /* of a call of the new version */
                    OVERMAP_WHOLE, /* as if the new version had always been there */
                    OVERMAP_PART, /* of the rows that are kept, which may be fewer than its frame's */
                    OVERMAP_NEW, /* of the rows from now on */
};

struct overmap {
    const char *reset; /* why nothing can be kept, static; NULL: see below */
    bool in_place; /* the state is as the new version wants it */
    const struct overprog *from;
    bool forgets; /* the old one forgets keys that the new one does not, or later */
    int *inputs; /* old -> new, or NONE */
    int *calls; /* old -> new one of the same frame, or NONE */
    enum overmap_fate *fates; /* by new call */
};

/* Of the same key definition. `from` outlives it. */
struct overmap *overmap_new(const struct overprog *from, const struct overprog *to);
void overmap_free(struct overmap *m); /* NULL is fine */

#endif
