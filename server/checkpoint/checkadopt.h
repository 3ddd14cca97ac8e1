/* SPDX-License-Identifier: Apache-2.0 */
/* checkadopt.h - a savepoint as a checkpoint: its files linked (or copied) into a checkpoint's folder.
 *
 * Room:   checkpointer -> [checkadopt] -> state/savepoint, state/checkpoint
 * Owns:   nothing.  Thread: the runtime's.  Time: wall clock of its beginning. */
#ifndef WEIR_SERVER_CHECKADOPT_H
#define WEIR_SERVER_CHECKADOPT_H
#include "server/checkpoint/savemeta.h"

/* It is complete under that number when this returns ERR_OK, or not there. *out: its metadata. */
enum err checkadopt(const char *root, uint64_t id, const struct savemeta *m, const char *folder,
                    struct diag *d, struct checkmeta **out);

#endif
