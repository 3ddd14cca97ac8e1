/* SPDX-License-Identifier: Apache-2.0 */
/* fake_runtime.h - server/run/runtime.h without workers: streams, rules and events in memory, what goes wrong by order.
 *
 * For tests of the HTTP layer. It has the real compiler and a real catalogue; it evaluates nothing: alerts are what a test
 * puts in. Link it before the server's archive and its functions are taken instead of runtime.c's. */
#ifndef WEIR_TESTS_LIB_FAKE_RUNTIME_H
#define WEIR_TESTS_LIB_FAKE_RUNTIME_H
#include "server/run/runtime.h"
#include <stdatomic.h>

struct fake_runtime_knobs {
    atomic_bool not_ready, backpressure; /* what runtime_ready and runtime_intake answer */
    atomic_bool hold_changes; /* `done` waits until this is false again */
};
struct fake_runtime_knobs *fake_runtime_knobs(struct runtime *r);
/* Stores an alert of `bytes` of row and tells on_alert; *seq: its number. */
void fake_runtime_alert(struct runtime *r, const char *id, size_t bytes, uint64_t *seq);

/* fake_trials.c; a linker takes a file out of an archive only if something of it is asked for. */
extern const bool fake_runtime_has_trials;

void fake_runtime_parts(void (*parts[4])(void));
struct catalog *fake_runtime_catalog(struct runtime *r);

#endif
