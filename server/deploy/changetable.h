/* SPDX-License-Identifier: Apache-2.0 */
/* changetable.h - a change of the tables outside that rules may look into: stored, published, dropped.
 *
 * Room:   change -> [changetable] -> catalogue, registry.  Thread: the runtime's.  Time: none.
 *
 * It makes no cut: no row is judged by a table before a rule reads it. */
#ifndef WEIR_SERVER_CHANGETABLE_H
#define WEIR_SERVER_CHANGETABLE_H
#include "server/deploy/change.h"

enum err changetable_create(const struct change_env *env, const char *name, const char *sql,
                            struct diag *d);
/* ERR_NOT_FOUND; ERR_CONFLICT: rules read it, d names them. */
enum err changetable_may_go(const struct change_env *env, const char *name, struct diag *d);
enum err changetable_drop(const struct change_env *env, const char *name, struct diag *d);
/* At the start. */
enum err changetable_load(const struct change_env *env, struct diag *d);
/* All that workers must know, into `a`; one that a worker knows is no news to it. */
unsigned changetable_message(const struct change_env *env, struct arena *a,
                             const struct control_table **out);

#endif
