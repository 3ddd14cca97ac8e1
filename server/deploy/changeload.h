/* SPDX-License-Identifier: Apache-2.0 */
/* changeload.h - at the start: streams, lists and rules of the catalogue into the registry.
 *
 * Room:   catalogue -> [changeload] -> registry.  Owns: nothing.  Thread: main, before the runtime's. */
#ifndef WEIR_SERVER_CHANGELOAD_H
#define WEIR_SERVER_CHANGELOAD_H
#include "server/deploy/change.h"

enum err changeload(const struct change_env *env, struct diag *d);
/* Without the rules: what their texts may name. Writes nothing; feed and intake may be missing. */
enum err changeload_names(const struct change_env *env, struct diag *d);
/* Versions of live rules that were forgotten since (registry_forget_versions) are there again. */
enum err changeload_versions(const struct change_env *env, struct diag *d);

#endif
