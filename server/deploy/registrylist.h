/* SPDX-License-Identifier: Apache-2.0 */
/* registrylist.h - the lists that rules look into, as the registry knows them.
 *
 * Room:   catalogue, control messages -> [registrylist] -> compiler, changes of lists
 * Owns:   references to the definitions.  Thread: as registry.h says.  Time: none. */
#ifndef WEIR_SERVER_REGISTRYLIST_H
#define WEIR_SERVER_REGISTRYLIST_H
#include "server/deploy/registry.h"

/* Adds the list; one that is there gets another definition, and keeps its items (a worker is not told). */
enum err registrylist_put(struct registry *r, uint64_t uid, const char *sql, size_t n,
                          struct diag *d);
void registrylist_remove(struct registry *r, uint64_t uid);
/* Any thread: a reference to the definition, or NULL. */
struct list *registrylist_find(struct registry *r, const char *name, uint64_t *uid);
/* The changing thread's: valid until it changes lists. NULL: none. */
const struct registry_list *registrylist_by_uid(struct registry *r, uint64_t uid);
const struct registry_list *registrylist_at(struct registry *r, unsigned i); /* by uid */
/* Any thread: calls `each` for the rules that read the list of that name, in order of uid; how many there are. */
unsigned registrylist_rules(struct registry *r, const char *list,
                            void (*each)(void *ctx, const struct registry_rule *rule), void *ctx);

#endif
