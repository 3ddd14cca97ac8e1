/* SPDX-License-Identifier: Apache-2.0 */
/* windowmap.h - from the windows of one version of a rule to those of another: what becomes of panes and accumulators.
 *
 * Room:   two versions of a rule -> [windowmap] -> windowsave_load (which reads a key's state through it), the report that
 *         says what an upgrade keeps (server/deploy/upgradeplan.h)
 * Owns:   its list.  Immutable.  Thread: any, read only.  Time: none.
 *
 * An aggregate is known by what it is of. One that is new begins with the rows that come from now on. Windows of another
 * size that are cut into the same panes go on with these; what was told of windows of the old size is forgotten. */
#ifndef WEIR_CEP_WINDOWMAP_H
#define WEIR_CEP_WINDOWMAP_H
#include "cep/window/windowprog.h"

enum { WINDOWMAP_NONE = -1 };

struct windowmap {
    const char *reset; /* why nothing can be kept, static; NULL: see below */
    bool in_place; /* the state is as the new version wants it */
    bool resized; /* the same panes, other windows */
    const struct windowprog *from;
    int *aggs; /* old aggregate -> new one, or NONE */
};

/* Of the same key definition. `from` outlives it. */
struct windowmap *windowmap_new(const struct windowprog *from, const struct windowprog *to);
void windowmap_free(struct windowmap *m); /* NULL is fine */

#endif
