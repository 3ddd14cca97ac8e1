/* SPDX-License-Identifier: Apache-2.0 */
/* backtestfeed.h - recorded events to the evaluation: partitions of a copied intake log, and files, in order of time.
 *
 * Room:   intake log, source_file -> codec -> [backtestfeed] -> evalrun
 * Owns:   positions, decoders, open files.  Thread: one.  Time: evtime.
 *
 * Rows have the places, the lateness and the watermarks that they had live. Reading begins where the first row of the time
 * is that was asked for, and ends in each partition when its watermark has passed the end of it. */
#ifndef WEIR_SERVER_BACKTESTFEED_H
#define WEIR_SERVER_BACKTESTFEED_H
#include "server/backtest/backtestsave.h"
#include "server/deploy/registry.h"
#include "server/eval/evalrun.h"
#include "state/intakelog.h"

struct backtestfeed;

struct backtestfeed_options {
    const struct backtestplan *plan;
    struct registry *registry;
    struct job *job;
    struct evalrun *run;
    const struct backtestsave *save; /* positions to begin at, or NULL */
    struct intakelog *log; /* NULL: there is none, only files */
    evtime from,
        to; /* rows before `from` are of no use; results are wanted whose time is before `to` */
    void (*label)(void *ctx, const struct batch *b, unsigned row); /* this row is fraud */
    void (*rows)(void *ctx, const struct batch *b); /* that are given to the rules */
    void *ctx;
};

/* ERR_NOT_FOUND, ERR_IO, ERR_CORRUPT with a sentence in d. The partitions are open then. */
enum err backtestfeed_new(const struct backtestfeed_options *o, struct diag *d,
                          struct backtestfeed **out);
void backtestfeed_free(struct backtestfeed *f); /* NULL is fine */
/* The next rows of the partition that is furthest behind, and what they bring. ERR_END: all has been read. */
enum err backtestfeed_step(struct backtestfeed *f, struct diag *d);

struct backtestfeed_stats {
    uint64_t events, bad, bytes;
    evtime first, last; /* least and greatest time of an event; EVTIME_MAX, EVTIME_MIN: none */
    double done; /* 0 to 1, about */
};
struct backtestfeed_stats backtestfeed_stats(const struct backtestfeed *f);

#endif
