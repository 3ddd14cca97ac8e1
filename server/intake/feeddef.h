/* SPDX-License-Identifier: Apache-2.0 */
/* feeddef.h - inside of a feed. For feed.c, feedtime.c.
 *
 * Room:   [feed].  Owns: see feed.h.  Thread: the runtime's writes under the lock, others read.  Time: evtime. */
#ifndef WEIR_SERVER_FEEDDEF_H
#define WEIR_SERVER_FEEDDEF_H
#include "cep/idle.h"
#include "server/intake/feed.h"
#include <pthread.h>
#include <stdatomic.h>

struct feed_block { /* a block that the worker has not taken yet */
    uint64_t end; /* offset after it */
    size_t bytes;
};
struct feed_part {
    const struct schema *schema;
    uint32_t partition;
    unsigned worker;
    bool log; /* read from the intake log */
    bool fork; /* a second reading of a stream (registry.h), which waits for what is new */
    bool waits; /* a fork whose rule is not ready for its rows */
    bool skips; /* what it was to read next is deleted */
    uint32_t source; /* whose log it is: the stream's number, or that of the one it is a fork of */
    bool read; /* by a live rule */
    bool held; /* its worker was told to take no more just now */
    bool follows; /* a file that may grow */
    evtime paused_since, holds_since; /* EVTIME_MIN: it is not paused, does not hold time back */
    uint64_t seen; /* followed files: the offset when the clock was last asked */
    evtime raise_w,
        raised_w; /* followed files: what the clock says; what the worker was told of it */
    bool end_sent;
    uint64_t reached; /* how far it was read at most, in any attempt */
    uint64_t start, next; /* offsets: where it began in this attempt; the next one to be sent */
    evtime start_w, sent_w; /* watermarks: there; after all that was sent */
    struct control_position at; /* as the worker said last; rows, late: and base_* */
    uint64_t base_rows, base_late; /* of before the checkpoint from which it began */
    struct feed_block ring[FEED_WINDOW_BLOCKS];
    unsigned first, count;
    size_t bytes; /* under way */
};

struct feed {
    struct registry *registry;
    struct intakelog *log;
    struct intake *intake;
    unsigned workers;
    bool piled_up; /* rows wait in the workers */
    size_t *worker_bytes; /* under way, by worker */
    uint64_t *worker_sent; /* in this attempt */
    size_t worker_max, part_max; /* bytes: see feed_new */
    unsigned fork_share; /* per cent of what is sent, while there is something new to send */
    int64_t *fork_credit; /* bytes, by worker */
    atomic_uint_least64_t fork_bytes; /* sent, since the start */
    struct feed_load {
        bool state_full;
        uint64_t ordering_bytes;
    } * loads; /* by worker */
    uint64_t ordering_max; /* bytes, of one worker; 0: any */
    bool pressed; /* memory is at its total */
    bool stopped; /* or some worker's state fills its budget */
    uint64_t *waiting; /* rows in ordering buffers, by worker */
    evtime *due; /* by worker */
    struct feed_file_time { /* of a stream of followed files with 'idle-timeout' */
        uint32_t stream;
        struct idle idle;
    } * file_times;
    size_t nfile_times, file_times_cap;
    struct intakelog_block *block;
    struct bytes out;
    pthread_mutex_t lock; /* of parts: the runtime's thread writes, others read */
    struct feed_part *parts;
    size_t n, cap;
};

#endif
