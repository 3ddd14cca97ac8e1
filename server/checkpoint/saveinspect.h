/* SPDX-License-Identifier: Apache-2.0 */
/* saveinspect.h - the state of a savepoint as a task has it: what its rules know of their keys, without a server.
 *
 * Room:   savepoint -> definitions.db, state files -> [saveinspect] -> task -> cep/task/taskinspect
 * Owns:   the registry, the job, a task with all key groups, a copy of the definitions while they are read
 * Thread: one.  Time: none. */
#ifndef WEIR_SERVER_SAVEINSPECT_H
#define WEIR_SERVER_SAVEINSPECT_H
#include "cep/task/taskinspect.h"
#include "server/checkpoint/savemeta.h"

struct saveinspect;

/* Reads all of it into memory. ERR_CORRUPT …: d says what is wrong. */
enum err saveinspect_open(const struct savemeta *m, const char *folder, struct diag *d,
                          struct saveinspect **out);
void saveinspect_close(struct saveinspect *s); /* NULL is fine */

struct task *saveinspect_task(struct saveinspect *s);
const struct job *saveinspect_job(const struct saveinspect *s);
/* In how many key groups an operator has entries. */
unsigned saveinspect_groups(const struct saveinspect *s, const char *op);
uint64_t saveinspect_waiting(const struct saveinspect *s); /* records of rows that waited */

#endif
