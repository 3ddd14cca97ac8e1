/* SPDX-License-Identifier: Apache-2.0 */
/* runtimememory.h - memory of the running job: its parts beside their budgets, all of it beside memory-total.
 *
 * Room:   API, backtests -> [runtimememory] -> memwatch, crew, feed, alertwriter
 * Owns:   nothing.  Thread: any.  Time: none. */
#ifndef WEIR_SERVER_RUNTIMEMEMORY_H
#define WEIR_SERVER_RUNTIMEMEMORY_H
#include "server/budget.h"
#include "server/run/memwatch.h"
#include "server/run/runtime.h"

struct runtimememory {
    struct {
        const char *name;
        uint64_t limit, used; /* bytes, all processes together */
    } parts[BUDGET_PARTS];
    uint64_t total,
        resident; /* total: the option, 0 if there is none; resident: of all processes */
    enum memwatch_level level;
    uint64_t refusing_ms; /* for so long intake has refused since the start */
};
void runtimememory_get(struct runtime *r, struct runtimememory *out);
enum memwatch_level runtimememory_level(struct runtime *r); /* cheap */

#endif
