/* SPDX-License-Identifier: Apache-2.0 */
/* runtimesink.h - sinks, as the API and metrics ask for them.
 *
 * Room:   api_sinks, metrics -> [runtimesink] -> sinks, change.  Owns: nothing.  Thread: the HTTP thread.  Time: none. */
#ifndef WEIR_SERVER_RUNTIMESINK_H
#define WEIR_SERVER_RUNTIMESINK_H
#include "server/alerts/sinks.h"
#include "server/run/runtime.h"

/* False: there is none of that name. out may be NULL; what it points to lives as long as the runtime. */
bool runtimesink_look(struct runtime *r, const char *name, struct sinks_state *out);
const char *runtimesink_name(struct runtime *r, unsigned i); /* NULL past the last */
/* ERR_NOT_FOUND at once; ERR_CONFLICT through `done`: rules give to it. */
enum err runtimesink_drop(struct runtime *r, const char *name, runtime_done *done, void *ctx);
/* As runtime_list_rules. */
unsigned runtimesink_rules(struct runtime *r, const char *name,
                           void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx);

#endif
