/* SPDX-License-Identifier: Apache-2.0 */
/* benchsnapshot.h - what a snapshot of much state costs: how long rows wait for it, and how fast they go on meanwhile.
 *
 * Owns: nothing.  Thread: one.  Times are the thread's own, so that other processes do not count. */
#ifndef WEIR_SERVER_BENCHSNAPSHOT_H
#define WEIR_SERVER_BENCHSNAPSHOT_H
#include <jansson.h>
#include <stdint.h>

/* Prints the table and returns it for bench.json; the caller's. */
json_t *benchsnapshot_run(uint64_t state_mb);

#endif
