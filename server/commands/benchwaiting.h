/* SPDX-License-Identifier: Apache-2.0 */
/* benchwaiting.h - what an event costs while many partial matches of its key wait, and what one of them takes in memory.
 *
 * Owns: nothing.  Thread: one.  Times are the thread's own, so that other processes do not count. */
#ifndef WEIR_SERVER_BENCHWAITING_H
#define WEIR_SERVER_BENCHWAITING_H
#include <jansson.h>

/* Prints the table and returns it for bench.json; the caller's. */
json_t *benchwaiting_run(void);

#endif
