/* SPDX-License-Identifier: Apache-2.0 */
/* saveload.h - what the workers of a savepoint wrote down, one after the other: first the flow of each, then entries.
 *
 * Room:   savepoint's files -> [saveload] -> saveinspect, backtestsave (into a task)
 * Owns:   nothing.  Thread: one.  Time: none. */
#ifndef WEIR_SERVER_SAVELOAD_H
#define WEIR_SERVER_SAVELOAD_H
#include "server/checkpoint/savemeta.h"
#include "state/flowfile.h"
#include "state/store.h"

enum err saveload(const struct savemeta *m, const char *folder, flowfile_take *record,
                  snapfile_take *entry, void *ctx, struct diag *d);

#endif
