/* SPDX-License-Identifier: Apache-2.0 */
/* backtests.h - backtests that wait and that run: a queue, and a process for each that runs.
 *
 * Room:   API -> [backtests: own thread] -> fork, exec `weir backtest` -> catalogue
 * Owns:   the processes, and <data>/backtests/ID: what each is given and what it leaves
 * Thread: any; the processes' death signal is bound to the thread of its own.  Time: wall clock, montime.
 *
 * A process has a copy of the intake log, which costs no space, is niced, and is the first to go when the system is short of
 * memory. It ends with the server; one that was cut off says so after the next start, those that wait begin then. */
#ifndef WEIR_SERVER_BACKTESTS_H
#define WEIR_SERVER_BACKTESTS_H
#include "base/diag.h"
#include "base/timebase.h"
#include <jansson.h>

struct runtime;
struct backtests;

struct backtests_options {
    const char *data; /* folder of the server */
    unsigned at_once, queued, kept; /* running; waiting; ended */
    uint64_t memory_bytes, max_alerts; /* of each; memory 0: any */
    uint64_t max_partials_per_key, max_rows_per_key; /* as live has them */
};

enum err backtests_start(const struct backtests_options *o, struct runtime *r, struct diag *d,
                         struct backtests **out);
void backtests_stop(struct backtests *b); /* NULL is fine; kills what runs */

/* plan: backtestplan's JSON, a reference is taken. ERR_LIMIT: too many wait; ERR_IO. */
enum err backtests_add(struct backtests *b, const char *rule, json_t *plan, struct diag *d,
                       uint64_t *id);
/* ERR_NOT_FOUND: it neither waits nor runs. Its state in the catalogue follows soon. */
enum err backtests_cancel(struct backtests *b, uint64_t id);
/* One that has ended, with all it has left. ERR_CONFLICT: it waits or runs. */
enum err backtests_delete(struct backtests *b, uint64_t id);
/* The file of alerts of a backtest; caller frees. */
char *backtests_file(const struct backtests *b, uint64_t id, const char *name);

struct backtests_progress {
    bool running; /* else it waits */
    unsigned ahead; /* of one that waits: how many before it */
    uint64_t events, alerts;
    double done, seconds;
};
/* False: it neither waits nor runs. */
bool backtests_progress(struct backtests *b, uint64_t id, struct backtests_progress *out);
struct backtests_counts {
    uint64_t waiting, running; /* now */
    uint64_t completed, failed, cancelled, events; /* since the start */
};
void backtests_counts(struct backtests *b, struct backtests_counts *out);

#endif
