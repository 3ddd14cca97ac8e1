/* SPDX-License-Identifier: Apache-2.0 */
/* changeload.h - at the start: streams, lists and rules of the catalogue into the registry.
 *
 * Room:   catalogue -> [changeload] -> registry.  Owns: nothing.  Thread: main, before the runtime's. */
#ifndef WEIR_SERVER_CHANGELOAD_H
#define WEIR_SERVER_CHANGELOAD_H
#include "server/change.h"

enum err changeload(const struct change_env *env, struct diag *d);

#endif
