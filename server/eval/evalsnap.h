/* SPDX-License-Identifier: Apache-2.0 */
/* evalsnap.h - `weir eval --snapshot-every`: what tasks know, as a snapshot in memory, and other tasks made of it.
 *
 * Room:   evalrun: tasks -> [evalsnap] -> tasks
 * Owns:   the entries of the last snapshot, onto which those that have changed are put.  Thread: one.  Time: none.
 *
 * It is there so that every test of results is a test of snapshots: a run that goes on from bytes again and again must
 * find what a run in one piece finds. */
#ifndef WEIR_SERVER_EVALSNAP_H
#define WEIR_SERVER_EVALSNAP_H
#include "cep/key/keystore.h"
#include "cep/task/task.h"

struct evalsnap;

struct evalsnap *evalsnap_new(void);
void evalsnap_free(struct evalsnap *s); /* NULL is fine */
/* Its entries as a keystore (cep/key/keystore.h): those of all tasks. */
enum err evalsnap_get(struct evalsnap *s, const char *op, const void *key, size_t n,
                      struct bytes *value);
void evalsnap_leaves(struct evalsnap *s); /* keys leave memory: some are said to be gone twice */
void evalsnap_put(struct evalsnap *s, const char *op, unsigned group, const void *key, size_t n,
                  const void *value, size_t value_n);
void evalsnap_keys(struct evalsnap *s, const char *op, unsigned group, keystore_take *take,
                   void *ctx);
/* The snapshot begins now; rows may go on until it is taken. */
void evalsnap_begin(struct evalsnap *s, struct task *const *tasks, unsigned n);
void evalsnap_some(struct task *const *tasks, unsigned n); /* a few entries are given out */
void evalsnap_take(struct task *const *tasks, unsigned n); /* the rest */
/* Into new tasks that have their job. It must fit: a snapshot that its own release cannot read ends the process. */
void evalsnap_load(struct evalsnap *s, struct task *const *tasks, unsigned n);

#endif
