/* SPDX-License-Identifier: Apache-2.0 */
/* saveload.h - what the workers of a savepoint wrote down, one after the other: first the flow of each, then entries.
 *
 * Room:   savepoint's files -> [saveload] -> saveinspect, backtestsave (into a task), workerlane (into a lane)
 * Owns:   nothing.  Thread: one.  Time: none. */
#ifndef WEIR_SERVER_SAVELOAD_H
#define WEIR_SERVER_SAVELOAD_H
#include "server/checkpoint/savemeta.h"
#include "state/flowfile.h"
#include "state/store.h"

enum err saveload(const struct savemeta *m, const char *folder, flowfile_take *record,
                  snapfile_take *entry, void *ctx, struct diag *d);

struct
    saveload_part { /* without its metadata: of so many workers, the entries of groups [from, to) */
    const char *folder;
    const uint32_t *files; /* by worker: of its store */
    unsigned workers, from, to;
};
enum err saveload_part(const struct saveload_part *what, flowfile_take *record,
                       snapfile_take *entry, void *ctx, struct diag *d);

#endif
