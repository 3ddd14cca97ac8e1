/* SPDX-License-Identifier: Apache-2.0 */
/* statestore.h - keys that leave a task's memory, into its worker's store: what the core asks for, by what state/ has.
 *
 * Room:   cep/keystore.h -> [statestore] -> state/storeout.h
 * Owns:   nothing.  Thread: the task's worker.  Time: evtime. */
#ifndef WEIR_SERVER_STATESTORE_H
#define WEIR_SERVER_STATESTORE_H
#include "cep/keystore.h"
#include "state/storeout.h"

/* By this store, which must outlive whoever uses it. */
struct keystore statestore_of(struct store *s);

#endif
