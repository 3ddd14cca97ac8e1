/* SPDX-License-Identifier: Apache-2.0 */
/* evaljob.h - one run of `weir eval`: compile, open, run, figures. The command line itself is eval.c's.
 *
 * Apart because getopt.h and cep/row/schema.h both have a struct option. Prints its own messages. Thread: one. */
#ifndef WEIR_SERVER_EVALJOB_H
#define WEIR_SERVER_EVALJOB_H
#include <stdbool.h>
#include <stdint.h>

enum {
    EVALJOB_INPUTS_MAX = 64,
    EVALJOB_LISTS_MAX = 64,
    EVALJOB_SWITCHES_MAX = 64,
    EVALJOB_WORKERS_MAX = 64,
    EVALJOB_BATCH_MAX = 1024
};

struct evaljob_options {
    char *const *rules; /* files */
    unsigned nrules;
    const char *inputs[EVALJOB_INPUTS_MAX]; /* "[STREAM=]FILE"; none: standard input */
    unsigned ninputs;
    const char *lists[EVALJOB_LISTS_MAX]; /* "NAME=FILE" */
    unsigned nlists;
    char *switches[EVALJOB_SWITCHES_MAX]; /* "TIME=FILE" */
    unsigned nswitches;
    const char *output; /* NULL: standard output */
    bool stats, no_end, check;
    unsigned workers, batch;
    uint64_t snapshot_every; /* rows; 0: no snapshots */
    bool has_state_memory; /* else: all that there is */
    uint64_t state_memory;
    unsigned snapshot_tasks; /* that go on from one; 0: as many */
};

int evaljob_run(const struct evaljob_options *o); /* exit code, see args.h */

#endif
