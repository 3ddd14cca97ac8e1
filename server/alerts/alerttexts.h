/* SPDX-License-Identifier: Apache-2.0 */
/* alerttexts.h - the events of a batch of alerts, so that each block of the log is unpacked once for all of them.
 *
 * Room:   [alerttexts] of the alert writer -> eventtext
 * Owns:   the list; not the events.  Thread: the alert writer's.  Time: none. */
#ifndef WEIR_SERVER_ALERTTEXTS_H
#define WEIR_SERVER_ALERTTEXTS_H
#include "base/arena.h"
#include "server/alerts/eventtext.h"
#include "state/catalog.h"

struct alerttexts {
    struct catalog_alert_event **events;
    size_t n, cap;
};

void alerttexts_want(struct alerttexts *t, struct catalog_alert_event *ev);
/* Texts into the arena; an event that is gone has none. Then the list is empty. */
void alerttexts_fetch(struct alerttexts *t, struct eventtext *from, struct arena *a);
void alerttexts_fini(struct alerttexts *t);

#endif
