/* SPDX-License-Identifier: Apache-2.0 */
/* keystore.h - where keys' states are that are not in memory: what a task asks of it.
 *
 * Room:   taskout -> [keystore] -> whoever keeps bytes (the server's, by RocksDB)
 * Owns:   nothing.  Thread: the task's worker.  Time: evtime.
 *
 * Functions are the caller's, since the core makes no system call. An error ends the task's work: it cannot go on without
 * a state that is there (taskout_error). */
#ifndef WEIR_CEP_KEYSTORE_H
#define WEIR_CEP_KEYSTORE_H
#include "base/bytes.h"
#include "base/err.h"
#include "base/timebase.h"

typedef void keystore_take(void *ctx, unsigned group, const void *key, size_t n);

struct keystore {
    void *ctx;
    /* An operator of the state (tasksnap.h), to be named by what is answered. */
    enum err (*open)(void *ctx, const char *op, void **out);
    /* ERR_NOT_FOUND: there is none. */
    enum err (*get)(void *ctx, void *op, unsigned group, const void *key, size_t n,
                    struct bytes *value);
    /* value NULL: it is gone. What is put is in the next checkpoint, too. */
    enum err (*put)(void *ctx, void *op, unsigned group, const void *key, size_t n,
                    const void *value, size_t value_n);
    /* A note that something of the key is due then. It may be there already, and is never taken back. */
    enum err (*note)(void *ctx, void *op, unsigned group, const void *key, size_t n, evtime due);
    /* Takes out up to n notes of up to `to`, in order of time. *next: of the first that stays; EVTIME_MAX: none. */
    enum err (*due)(void *ctx, void *op, evtime to, unsigned n, keystore_take *take, void *take_ctx,
                    evtime *next);
    /* The keys of a group that are there. */
    enum err (*keys)(void *ctx, void *op, unsigned group, keystore_take *take, void *take_ctx);
};

#endif
