/* SPDX-License-Identifier: Apache-2.0 */
/* workerwatch.h - what a worker notes of where it is, takes with care, and leaves out: the worker's side of poison.h.
 *
 * Room:   CONTROL_WATCH -> [workerwatch] -> workersource, task; what it is at -> the page that outlives it
 * Owns:   the page, what it was told.  Thread: the worker's only one.  Time: none. */
#ifndef WEIR_SERVER_WORKERWATCH_H
#define WEIR_SERVER_WORKERWATCH_H
#include "base/err.h"
#include "cep/task/task.h"
#include "server/worker/lastplace.h"

struct workerwatch;

struct workerwatch *workerwatch_new(int fd); /* of lastplace_file; -1: none */
void workerwatch_free(struct workerwatch *w); /* NULL is fine */
/* A CONTROL_WATCH message. */
enum err workerwatch_take(struct workerwatch *w, const void *p, size_t n);
/* The rows that the task is to tell of; NULL: none. */
const struct task_watch *workerwatch_rows(struct workerwatch *w);

/* It is at work on these events; NULL: on none. */
void workerwatch_at(struct workerwatch *w, const struct lastplace *at);
/* Any of these is set aside. */
bool workerwatch_skips(const struct workerwatch *w, const struct lastplace *at);
/* Any of these is suspected: they are to be taken one by one. */
bool workerwatch_suspects(const struct workerwatch *w, const struct lastplace *at);
/* Tests: the process may be told to die of an event of the batch that is decoded. */
void workerwatch_decoded(const struct batch *b);

#endif
