/* SPDX-License-Identifier: Apache-2.0 */
/* workerlist.h - what the coordinator says of a list, done to the worker's own.
 *
 * Room:   CONTROL_LIST -> [workerlist] -> registry's lists.  Owns: nothing.  Thread: the worker's.
 *
 * An edit may be taken whenever it comes, as long as that is before the first row past its mark: the runtime sends it
 * while no row is being looked at. */
#ifndef WEIR_SERVER_WORKERLIST_H
#define WEIR_SERVER_WORKERLIST_H
#include "server/deploy/registry.h"
#include "server/deploy/registrylist.h"

/* ERR_CORRUPT: not such a message; else as registrylist_put, with a sentence in d. */
enum err workerlist_take(struct registry *r, const void *p, size_t n, struct diag *d);

#endif
