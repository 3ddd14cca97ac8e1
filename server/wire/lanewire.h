/* SPDX-License-Identifier: Apache-2.0 */
/* lanewire.h - what coordinator and workers say to each other of a lane that begins with a savepoint's state.
 *
 * Room:   lanes <-> [lanewire] <-> workerlane, inside the frames of base/channel.h (kinds in control.h)
 * Owns:   nothing; a decoder puts what it makes into the caller's arena
 * Thread: any.  Time: evtime of marks. */
#ifndef WEIR_SERVER_LANEWIRE_H
#define WEIR_SERVER_LANEWIRE_H
#include "server/wire/control.h"

/* CONTROL_LANE: a rule of the savepoint in that folder is to be loaded into the lane. */
struct lanewire_order {
    uint64_t uid; /* the lane; its version is 1 */
    bool must; /* it has given its state away, or is about to: without it the worker cannot go on */
    const char *folder;
    uint64_t saved_uid; /* the rule in the savepoint, its version, and where it began */
    uint32_t saved_version;
    evtime saved_w;
    unsigned nmarks;
    const struct job_mark *marks;
    unsigned key_groups, n; /* of the savepoint: key groups, workers */
    const uint32_t *files; /* by worker: of its store */
};
/* CONTROL_LANED */
struct lanewire_done {
    uint64_t uid;
    const char *why; /* "": it is loaded */
};

void lanewire_put_order(const struct lanewire_order *m, struct bytes *out);
enum err lanewire_get_order(const void *p, size_t n, struct arena *a, struct lanewire_order *out);
void lanewire_put_done(const struct lanewire_done *m, struct bytes *out);
enum err lanewire_get_done(const void *p, size_t n, struct arena *a, struct lanewire_done *out);

#endif
