/* SPDX-License-Identifier: Apache-2.0 */
/* savepoints.h - savepoints of a running server: made, listed, held against their checksums, gone back to, deleted.
 *
 * Room:   API, a change that wants one first -> [savepoints] -> checkpointer -> state/savepoint, <data>/savepoints
 * Owns:   its thread, what waits for it
 * Thread: every function may be called from any; `done` comes on its own thread or the runtime's and must only hand over.
 * Time:   wall clock of `created`.
 *
 * A savepoint begins as a checkpoint. While the workers go on, its files are written anew by the thread: sorted by operator
 * and key group, the same whatever wrote them. It stays until somebody deletes it, but for those that were made before an
 * activation: of them the newest few are kept. docs/savepoints.md has the form. */
#ifndef WEIR_SERVER_SAVEPOINTS_H
#define WEIR_SERVER_SAVEPOINTS_H
#include "server/checkpoint/checkpointer.h"
#include "server/checkpoint/restore.h"
#include "server/checkpoint/savemeta.h"

struct savepoints;

enum { SAVEPOINTS_NAME_BYTES = SAVEMETA_TEXT };

struct savepoints_order {
    const char *name; /* savepoints_make_name makes one up */
    const char *trigger; /* "manual", "activation", "stop" */
    bool
        last; /* intake takes nothing from now on, and all that it took is in it. If it fails, intake goes on */
    const char *rule; /* activation: of which rule, to which version; NULL, 0: none */
    uint32_t version;
};

void savepoints_make_name(char out[SAVEPOINTS_NAME_BYTES]); /* by the clock; not used before */
/* What all workers know now, after everything that was acknowledged before the call and taken by a worker. `done` is called
 * when it is complete or has failed. At once: ERR_INVALID (the name), ERR_EXISTS, ERR_CONFLICT (there are too many), with a
 * sentence in d; then `done` is not called. ERR_CONFLICT through `done`: no workers run. */
enum err savepoints_take(struct savepoints *s, const struct savepoints_order *o, struct diag *d,
                         runtime_done *done, void *ctx);

/* Of the folder of all; freed by mem_free. */
char *savepoints_folder(const struct savepoints *s, const char *name);
/* Names of all, sorted; each and all freed by mem_free. */
size_t savepoints_list(const struct savepoints *s, char ***names);
/* How many there are, and the bytes of all their files. */
size_t savepoints_usage(const struct savepoints *s, uint64_t *bytes);
/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION: d says what is wrong. */
enum err savepoints_read(const struct savepoints *s, const char *name, struct diag *d,
                         struct savemeta **out);
/* ERR_NOT_FOUND; ERR_IN_USE: it is being read; ERR_CONFLICT: an operation goes back to it. */
enum err savepoints_remove(struct savepoints *s, const char *name, struct diag *d);
/* Its files are read from their beginnings to their ends; the answer comes through `done`: ERR_INVALID, with what is wrong. */
enum err savepoints_verify(struct savepoints *s, const char *name, struct diag *d,
                           runtime_done *done, void *ctx);

/* The workers go back to it: what has come since is read again, and what is found again has the ids of the first time. `done`:
 * they run from it, or (dry_run) *report says what would become of each rule; ERR_INVALID: it is damaged, or does not fit.
 * Of *ask the flags are read, and `report`, which lives until `done`. */
enum err savepoints_restore(struct savepoints *s, const char *name, const struct restore_ask *ask,
                            struct diag *d, runtime_done *done, void *ctx);

/* --- for the runtime --- */
struct savepoints_options {
    const char *data; /* its folder */
    unsigned max, kept; /* in all; of those made before an activation */
    struct catalog *catalog;
    struct registry *registry;
    struct checkpointer *checkpointer;
    struct runtimeloop *loop;
    struct intake *intake;
    struct feed *feed;
};
enum err savepoints_start(const struct savepoints_options *o, struct diag *d,
                          struct savepoints **out);
/* After the checkpointer is closed. NULL is fine. */
void savepoints_stop(struct savepoints *s);

#endif
