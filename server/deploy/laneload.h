/* SPDX-License-Identifier: Apache-2.0 */
/* laneload.h - lanes that begin with a savepoint's state: when workers are to load it, when their forks may flow.
 *
 * Room:   lanestep, lanes -> [laneload: lanesave] -> CONTROL_LANE, feedfork
 * Owns:   nothing: see lanes.h.  Thread: the runtime's.  Time: montime of the limit.
 *
 * Whenever workers begin from a checkpoint without the lane, it is loaded anew; until all have it no checkpoint begins. */
#ifndef WEIR_SERVER_LANELOAD_H
#define WEIR_SERVER_LANELOAD_H
#include "server/deploy/lanes.h"
#include "server/deploy/lanesave.h"

/* A new attempt of the workers: they begin from a checkpoint, or from nothing. has: is the lane of that uid in it? */
void laneload_attempt(struct lanes *l, const struct change_env *env,
                      bool (*has)(void *ctx, uint64_t uid), void *ctx);
/* All workers run. True: they are to be sent that (CONTROL_LANE): one lane at a time. */
bool laneload_order(struct lanes *l, const struct change_env *env, struct bytes *out);
/* One of so many workers has loaded it, or (why) cannot. */
void laneload_done(struct lanes *l, const struct change_env *env, uint64_t uid, const char *why,
                   unsigned workers);
/* Some lane has not its state yet, or half of it: no checkpoint may begin. */
bool laneload_is_open(struct lanes *l);
/* For lanes.c: the savepoint that it begins with; nothing, of one that begins with none. */
struct lane;
enum err laneload_open(const struct lanes *l, const struct lane *x, struct diag *d,
                       struct lanesave *out);

#endif
