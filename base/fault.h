/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - named places where a test may make the outside world fail: a full disk, a torn file, a process that dies.
 *
 * Room:   state, io, server: before each step of what must survive a crash
 * Owns:   nothing but the wish of the environment, read once
 * Thread: any.  Time: none.
 *
 * WEIR_FAULT=name:n:action makes the n-th passage (from 1) through the point `name` fail: `fail` (the step answers an
 * error), `kill` (SIGKILL to this process, before the step), `torn` (half of what is to be written, then SIGKILL).
 * `delay=MS` (each passage from the n-th on takes so much longer): a slow disk, a slow worker. At a fault_number n is not
 * a count of passages but the number to fail at. `name:n:count` writes each point's name with its number of passages to standard error at the end: how a test learns which
 * points there are. Without it a point costs one load. */
#ifndef WEIR_BASE_FAULT_H
#define WEIR_BASE_FAULT_H
#include <stdbool.h>
#include <stdint.h>

enum fault { FAULT_NONE, FAULT_FAIL, FAULT_TORN };

/* Does not return when the process is to die here. */
enum fault fault_at(const char *name);
/* The same, at that very number, each time it passes: an event's offset. */
enum fault fault_number(const char *name, uint64_t number);
bool fault_wished(const char *name); /* is that the point of the wish? */

#endif
