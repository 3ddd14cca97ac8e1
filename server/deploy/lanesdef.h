/* SPDX-License-Identifier: Apache-2.0 */
/* lanesdef.h - inside of operations. For lanes.c, laneload.c.
 *
 * Room:   [lanes].  Owns: see lanes.h.  Thread: the runtime's, under the lock what the API reads.  Time: see lanes.h. */
#ifndef WEIR_SERVER_LANESDEF_H
#define WEIR_SERVER_LANESDEF_H
#include "server/deploy/lanes.h"
#include <pthread.h>

struct lane {
    struct catalog_operation o; /* its texts are ours */
    bool ready; /* WAITS: it may begin */
    bool busy; /* a change of its is on the way */
    bool cancelled; /* it is to end */
    bool
        again; /* it was done before the workers began; its lane goes once more when they have its state */
    enum lane_load { /* of the savepoint that it begins with */
                     LOAD_NOT, /* it begins with none, or has it */
                     LOAD_WANTED,
                     LOAD_ASKED /* workers are at it */
    } load;
    unsigned loaded; /* workers that have it */
    montime asked_at;
    char *failed; /* … for this */
    struct feed_fork at;
    uint64_t rate_rows;
    montime rate_at;
    double rate;
    struct lane *next;
};
struct lanes {
    pthread_mutex_t lock;
    struct lanes_limits limits;
    char *savepoints;
    struct lane *first;
    struct lanes_counts counts;
    montime looked;
};

/* The next in the list; NULL: the first. Others add to its end meanwhile; only the loop takes out. */
struct lane *lanes_after(struct lanes *l, const struct lane *x);

#endif
