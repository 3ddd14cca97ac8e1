/* SPDX-License-Identifier: Apache-2.0 */
/* alertpace.h - when the alert writer begins its next batch, and when it stores timeouts.
 *
 * Room:   alertwriter -> [alertpace]
 * Owns:   nothing.  Thread: the writer's.  Time: monotonic.
 *
 * A batch costs something of its own: pages of indexes on ids and keys, which are random, are written once for each. So one
 * result after a pause is stored at once, those that follow 50 ms later, and in a flood batches begin as far apart as makes
 * storing take a tenth of the time, up to 250 ms. Of timeouts only the newest of each rule are kept: most of those stored
 * more often would come and go. */
#ifndef WEIR_SERVER_ALERTPACE_H
#define WEIR_SERVER_ALERTPACE_H
#include "base/timebase.h"
#include <stdbool.h>
#include <time.h>

struct alertpace {
    struct timespec next_batch, next_timeouts; /* not before; zero: at once */
    int batch_wait_ms;
};

struct timespec alertpace_in(int ms); /* from now, as conditions of the monotonic clock take it */
void alertpace_batch_begins(struct alertpace *p);
void alertpace_batch_took(struct alertpace *p, int64_t ns);
void alertpace_timeouts_took(struct alertpace *p, int64_t ns);
bool alertpace_timeouts_due(const struct alertpace *p);

#endif
