/* SPDX-License-Identifier: Apache-2.0 */
/* loadwire.h - what a worker says of its time, its channels and its memory: CONTROL_LOAD.
 *
 * Room:   workload -> [loadwire] -> crew
 * Owns:   nothing.  Thread: any.  Time: durations in ns.
 *
 * Bytes come from another process and are taken as hostile: what does not fit is ERR_CORRUPT. */
#ifndef WEIR_SERVER_LOADWIRE_H
#define WEIR_SERVER_LOADWIRE_H
#include "base/bytes.h"
#include "base/channel.h"
#include "base/err.h"
#include "cep/task/task.h"

enum { LOADWIRE_COORDINATOR = 255, LOADWIRE_CHANNELS = TASK_WORKERS_MAX };

/* Why a worker that has rows to take does not take them. */
enum loadwire_why {
    LOADWIRE_NOT, /* it takes them, or has none */
    LOADWIRE_CHANNEL, /* a channel's credit is used up: see which */
    LOADWIRE_ORDERING, /* rows that wait for the watermark fill their budget */
    LOADWIRE_STATE, /* state fills its budget */
    LOADWIRE_LOOKUPS, /* rows that wait for a table outside are as many as its capacity */
    LOADWIRE_WHYS
};

struct loadwire_channel {
    unsigned to; /* a worker, or LOADWIRE_COORDINATOR: results */
    uint64_t blocked_ns; /* for so long sources have stood still because of it */
    struct channel_stats s;
};
struct loadwire {
    uint64_t busy_ns, idle_ns, backpressured_ns; /* since the process began */
    enum loadwire_why why; /* now */
    bool state_full;
    uint64_t intake_bytes; /* rows from the coordinator that were not taken yet */
    uint64_t ordering_bytes; /* of rows that wait for the watermark */
    unsigned nchannels;
    struct loadwire_channel channels[LOADWIRE_CHANNELS];
};

const char *loadwire_why_name(enum loadwire_why why); /* "channel" …; NULL: LOADWIRE_NOT */
void loadwire_put(const struct loadwire *m, struct bytes *out);
enum err loadwire_get(const void *p, size_t n, struct loadwire *out);

#endif
