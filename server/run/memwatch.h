/* SPDX-License-Identifier: Apache-2.0 */
/* memwatch.h - what all processes take beside memory-total, and what is done as it comes near.
 *
 * Room:   runtimeloop -> [memwatch] -> intake, feed, workers; backtests and pages ask memwatch_level
 * Owns:   nothing.  Thread: the runtime's; what is shown, any.  Time: monotonic.
 *
 * The parts are held to their budgets one by one. What is in none of them (lists, compiled rules, caches, what malloc keeps)
 * can still make the sum larger than was left for it, and then the system would end a process. docs/operations.md has the steps. */
#ifndef WEIR_SERVER_MEMWATCH_H
#define WEIR_SERVER_MEMWATCH_H
#include "base/timebase.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* NEAR: backtests wait. FULL: intake refuses, but what others wait for. OVER: workers are given nothing more. */
enum memwatch_level { MEMWATCH_OK, MEMWATCH_NEAR, MEMWATCH_FULL, MEMWATCH_OVER, MEMWATCH_LEVELS };

struct memwatch {
    montime looked, trimmed;
    atomic_int level;
    atomic_uint_least64_t resident; /* bytes, of all processes, when it was looked last */
    atomic_uint_least64_t refusing_ms; /* for so long intake has refused */
};

/* The step for so much: up at 90, 95 and 100 % of the total, down 3 % below where it went up. total 0: always OK. */
enum memwatch_level memwatch_step(enum memwatch_level now, uint64_t resident, uint64_t total);
const char *memwatch_name(enum memwatch_level level); /* "ok", "near", "full", "over" */

struct runtimeloop;
/* Looks four times a second; gives back what malloc keeps, here and in the workers, while it is near. */
void memwatch_turn(struct runtimeloop *l);

#endif
