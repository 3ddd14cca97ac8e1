/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - where results go besides the alert store: CREATE SINK. What it is, not how it is written.
 *
 * Room:   rules/sinkdef -> [sink] -> server/alerts/sinks, io/sink_file
 * Owns:   nothing; a sink and all it points to lives in the arena that it was compiled into
 * Thread: any, read only.  Time: none; durations in ms. */
#ifndef WEIR_CEP_SINK_H
#define WEIR_CEP_SINK_H
#include <stdint.h>

enum {
    SINK_ROLL_BYTES = 128 << 20, /* if nothing is said */
    SINK_ROLL_LEAST = 4 << 10,
    SINK_PATH_MAX = 200
};

struct sink {
    const char *name, *sql;
    const char *connector; /* "file" */
    const char *path; /* a folder below that of all sinks */
    uint64_t roll_bytes; /* a part of that size is ended */
    int64_t roll_interval_ms; /* … and one of that age; 0: each checkpoint ends it */
};

#endif
