/* SPDX-License-Identifier: Apache-2.0 */
/* snapwire.h - what coordinator and workers say to each other of checkpoints.
 *
 * Room:   checkpointer <-> [snapwire] <-> workersnap, inside the frames of base/channel.h (kinds in control.h)
 * Owns:   nothing; a decoder puts what it makes into the caller's arena
 * Thread: any.  Time: evtime of the positions, nanoseconds of durations. */
#ifndef WEIR_SERVER_SNAPWIRE_H
#define WEIR_SERVER_SNAPWIRE_H
#include "server/wire/control.h"

enum snapwire_mode { SNAPWIRE_EXACTLY_ONCE, SNAPWIRE_AT_LEAST_ONCE };

/* CONTROL_STATE, before INIT: where state is kept, and from what to go on. */
struct snapwire_state {
    const char *dir; /* the worker's working folder; "": there are no checkpoints */
    uint8_t backend; /* enum store_backend */
    const char *folder; /* of a checkpoint to go on from; "": none */
    bool same; /* it is of the very rules that run: its files are what the next one is made from */
    unsigned key_groups, n; /* of that checkpoint: key groups, workers */
    const uint32_t *files; /* by worker: of its store */
};
/* CONTROL_CHECKPOINT: the frame's epoch is that of what comes after it. */
struct snapwire_order {
    uint64_t id;
    enum snapwire_mode mode;
    int64_t alignment_timeout_ms; /* 0: barriers are waited for, however long it takes */
    const char *folder;
};
/* CONTROL_BEGUN: all results of before it were sent before this. */
struct snapwire_begun {
    uint64_t id;
    uint64_t alignment_ns, sync_ns; /* sources stood still; of that, everything did */
    bool unaligned;
    unsigned npositions;
    const struct control_position *positions;
};
/* CONTROL_WRITTEN: this worker's part is on the disk, or it is not. */
struct snapwire_done {
    uint64_t id;
    bool ok;
    uint64_t entries, bytes, new_bytes, flow_bytes, records, async_ns;
    uint32_t files;
    char why[256];
};

void snapwire_put_state(const struct snapwire_state *m, struct bytes *out);
enum err snapwire_get_state(const void *p, size_t n, struct arena *a, struct snapwire_state *out);
void snapwire_put_order(const struct snapwire_order *m, struct bytes *out);
enum err snapwire_get_order(const void *p, size_t n, struct arena *a, struct snapwire_order *out);
void snapwire_put_begun(const struct snapwire_begun *m, struct bytes *out);
enum err snapwire_get_begun(const void *p, size_t n, struct arena *a, struct snapwire_begun *out);
void snapwire_put_done(const struct snapwire_done *m, struct bytes *out);
enum err snapwire_get_done(const void *p, size_t n, struct snapwire_done *out);

#endif
