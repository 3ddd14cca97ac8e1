/* SPDX-License-Identifier: Apache-2.0 */
/* evalout.h - `weir eval --state-memory`: keys leave memory, for RocksDB in a folder of its own, or, with 0, for other memory.
 *
 * Room:   evalrun: tasks -> [evalout] -> statestore | evalsnap
 * Owns:   the stores and their folder.  Thread: one.  Time: none.
 *
 * With 0 every key leaves whenever it may, so that every test of results is a test of leaving and coming back. */
#ifndef WEIR_SERVER_EVALOUT_H
#define WEIR_SERVER_EVALOUT_H
#include "base/diag.h"
#include "cep/task/task.h"
#include "server/eval/evalsnap.h"

struct evalout;

/* bytes: of all tasks together. entries: where keys go with 0. */
enum err evalout_new(size_t bytes, struct evalsnap *entries, struct diag *d, struct evalout **out);
void evalout_free(struct evalout *o); /* NULL is fine; deletes the folder. After the tasks */
/* A new task, which has no job yet, as worker i of n. Notes of a task before it are forgotten. */
enum err evalout_attach(struct evalout *o, struct task *t, unsigned i, unsigned n, struct diag *d);

#endif
