/* SPDX-License-Identifier: Apache-2.0 */
/* savewrite.h - the files of a savepoint, out of those of the checkpoint that it begins as.
 *
 * Room:   savepoints -> [savewrite] -> state/savepoint
 * Owns:   nothing.  Thread: the savepoints'.  Time: none. */
#ifndef WEIR_SERVER_SAVEWRITE_H
#define WEIR_SERVER_SAVEWRITE_H
#include "server/checkpoint/savemeta.h"

/* The checkpoint's files stand in <part>/from, which is gone afterwards, and definitions.db in `part`. Files and operators are
 * noted in m. */
enum err savewrite(struct savemeta *m, const char *part, struct diag *d);

#endif
