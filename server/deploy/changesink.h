/* SPDX-License-Identifier: Apache-2.0 */
/* changesink.h - a change of the sinks that rules may give what they find to: stored, opened, dropped.
 *
 * Room:   change -> [changesink] -> catalogue, sinks.  Thread: the runtime's.  Time: none.
 *
 * Workers know nothing of sinks: the coordinator writes. So it makes no cut. */
#ifndef WEIR_SERVER_CHANGESINK_H
#define WEIR_SERVER_CHANGESINK_H
#include "server/deploy/change.h"

enum err changesink_create(const struct change_env *env, const char *name, const char *sql,
                           struct diag *d);
/* ERR_NOT_FOUND; ERR_CONFLICT: rules give to it, d names them. */
enum err changesink_may_go(const struct change_env *env, const char *name, struct diag *d);
enum err changesink_drop(const struct change_env *env, const char *name, struct diag *d);
/* At the start, before rules; changesink_offer after them: from then on a rule's sinks must be there. */
enum err changesink_load(const struct change_env *env, struct diag *d);
void changesink_offer(const struct change_env *env);

#endif
