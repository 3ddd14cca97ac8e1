/* SPDX-License-Identifier: Apache-2.0 */
/* generators.h - streams with the connector 'generator': their events go through the intake as posted ones do.
 *
 * Room:   io/source_gen -> [generators] -> intake.  Owns: the generators.  Thread: the runtime's. */
#ifndef WEIR_SERVER_GENERATORS_H
#define WEIR_SERVER_GENERATORS_H
#include "server/deploy/registry.h"
#include "server/intake/intake.h"

enum { GENERATORS_TICK_MS = 20 };

struct generators;

struct generators *generators_new(struct registry *reg, struct intake *intake);
void generators_free(struct generators *g); /* NULL is fine */
/* Makes what is due, of streams that are new since the last call too. True: call again within a tick. */
bool generators_run(struct generators *g);

#endif
