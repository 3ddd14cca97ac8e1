/* SPDX-License-Identifier: Apache-2.0 */
/* crewload.h - what workers said of their load: shares of the last second, channels, memory.
 *
 * Room:   CONTROL_LOAD -> [crewload] -> crew -> pages, metrics
 * Owns:   the last words of one worker
 * Thread: the caller's.  Time: durations in ns, as the worker measured them. */
#ifndef WEIR_SERVER_CREWLOAD_H
#define WEIR_SERVER_CREWLOAD_H
#include "server/run/runtime.h"
#include "server/wire/loadwire.h"

enum { CREWLOAD_SAMPLES = 8 };

struct crewload {
    struct loadwire last;
    struct crewload_sample {
        uint64_t busy_ns, idle_ns, backpressured_ns;
    } samples[CREWLOAD_SAMPLES]; /* a ring */
    unsigned nsamples;
    unsigned permille[3]; /* busy, idle, backpressured */
};

void crewload_reset(struct crewload *c); /* another process */
void crewload_take(struct crewload *c, const struct loadwire *m);
void crewload_show(const struct crewload *c, struct runtime_worker *out);
/* Its channels, of worker `from`; how many there are, which may be more than cap. */
unsigned crewload_channels(const struct crewload *c, unsigned from, struct runtime_channel *out,
                           unsigned cap);

#endif
