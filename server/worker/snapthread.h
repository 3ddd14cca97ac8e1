/* SPDX-License-Identifier: Apache-2.0 */
/* snapthread.h - the thread of a worker that writes its part of a checkpoint, while events go on.
 *
 * Room:   task's snapshot (cep/task/task.h) -> [snapthread] -> state/store, state/flowfile -> a checkpoint's folder
 * Owns:   the thread, the store, a queue of entries that wait to be written
 * Thread: its own; the functions are called by the worker's.  Time: montime, for the report.
 *
 * The queue is bounded: past SOFT bytes nothing more is to be given out on purpose, past HARD bytes the worker is to take no
 * rows (keys that change are given out before they do); past BLOCK bytes the caller waits. */
#ifndef WEIR_SERVER_SNAPTHREAD_H
#define WEIR_SERVER_SNAPTHREAD_H
#include "cep/task/task.h"
#include "server/wire/snapwire.h"
#include "state/store.h"

struct snapthread;

/* dir: the store's working folder; name: of this worker's files in a checkpoint. */
enum err snapthread_start(const char *dir, const struct store_options *o, const char *name,
                          struct diag *d, struct snapthread **out);
/* Before the first checkpoint: to be filled with what an earlier one has. */
struct store *snapthread_store(struct snapthread *s);
void snapthread_stop(struct snapthread *s); /* NULL is fine; what is under way is given up */

/* A checkpoint begins: what `out` is given belongs to it, until the end. One at a time. */
void snapthread_begin(struct snapthread *s, uint64_t id, const char *folder,
                      struct tasksnap_out *out);
void snapthread_end(struct snapthread *s);

enum snapthread_room { SNAPTHREAD_ROOM, SNAPTHREAD_SOFT, SNAPTHREAD_HARD };
enum snapthread_room snapthread_room(struct snapthread *s);
/* True, once for each checkpoint: it has been written, or has failed (report.ok). *lost: with what was given out, so that
 * the store is empty and everything has to be given out anew. */
bool snapthread_done(struct snapthread *s, struct snapwire_done *report, bool *lost);

#endif
