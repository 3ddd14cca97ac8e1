/* SPDX-License-Identifier: Apache-2.0 */
/* checkwaiter.h - who waits for a checkpoint: requests that want one made, and keepers, who take its files for themselves.
 *
 * Room:   checkpointer -> [checkwaiter].  Owns: each waiter, until it is answered.
 * Thread: a list belongs to who has it; answers are given on the thread that calls. */
#ifndef WEIR_SERVER_CHECKWAITER_H
#define WEIR_SERVER_CHECKWAITER_H
#include "server/checkpoint/checkmeta.h"
#include "server/checkpoint/checkpointer.h"

struct checkwaiter; /* NULL: nobody */

struct checkwaiter *checkwaiter_new(runtime_done *done, void *ctx);
struct checkwaiter *checkwaiter_keeper(const struct checkpointer_keeper *k);
/* One more before the list. */
struct checkwaiter *checkwaiter_join(struct checkwaiter *one, struct checkwaiter *list);

/* Why the checkpoint that they want is made. */
const char *checkwaiter_trigger(const struct checkwaiter *list);
void checkwaiter_began(const struct checkwaiter *list);
/* Frees the list. m, folder: of one that is complete. */
void checkwaiter_answer(struct checkwaiter *list, enum err e, const char *why,
                        const struct checkmeta *m, const char *folder);
#endif
