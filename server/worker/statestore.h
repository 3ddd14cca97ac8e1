/* SPDX-License-Identifier: Apache-2.0 */
/* statestore.h - keys that leave a task's memory, into its worker's store: what the core asks for, by what state/ has.
 *
 * Room:   cep/key/keystore.h -> [statestore] -> state/storeout.h
 * Owns:   nothing.  Thread: the task's worker.  Time: evtime. */
#ifndef WEIR_SERVER_STATESTORE_H
#define WEIR_SERVER_STATESTORE_H
#include "cep/key/keystore.h"
#include "state/storeout.h"

/* What a worker's state may take in all, divided: memory of keys; the store's, for what it has read and not written yet. */
size_t statestore_keys_bytes(uint64_t bytes);
struct store_options statestore_options(enum store_backend backend, uint64_t bytes);

/* By this store, which must outlive whoever uses it. */
struct keystore statestore_of(struct store *s);

#endif
