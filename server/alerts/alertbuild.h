/* SPDX-License-Identifier: Apache-2.0 */
/* alertbuild.h - from a result to what is stored of it: an alert with its key, row and events, or a dead letter.
 *
 * Room:   results -> [alertbuild] -> alert writer
 * Owns:   nothing; all goes into the caller's arena.  Thread: any.  Time: event time of the result; the wall clock's
 *         comes from the caller. */
#ifndef WEIR_SERVER_ALERTBUILD_H
#define WEIR_SERVER_ALERTBUILD_H
#include "base/arena.h"
#include "cep/result.h"
#include "server/deploy/registry.h"
#include "state/catalog_dead.h"

enum {
    ALERTBUILD_EVENTS_MAX = 64
}; /* kept with one alert: the first half and the last half of a longer match */

/* r->rule must be set. Texts of the events are left out (NULL): events are the caller's to complete. */
void alertbuild_alert(const struct result *r, uint32_t version, struct registry *streams,
                      evtime now, struct arena *a, struct catalog_alert *out,
                      struct catalog_alert_event **events);
/* A TIMEOUT result; of its events the places of the first ALERTBUILD_EVENTS_MAX. */
void alertbuild_timeout(const struct result *r, uint32_t version, struct registry *streams,
                        evtime now, struct arena *a, struct catalog_timeout *out);
/* Of an event that people must see: an alert of severity critical, `weir.CODE` in place of a rule's name. */
void alertbuild_alarm(const struct catalog_dead_letter *d, struct registry *streams, evtime now,
                      struct arena *a, struct catalog_alert *out,
                      struct catalog_alert_event **events);
/* A LATE or ERROR result; raw is left out. */
void alertbuild_dead_letter(const struct result *r, evtime now, struct catalog_dead_letter *out);
/* "Card testing on {card}": a name in braces is that output or key column; one that is none stays as it is. */
const char *alertbuild_title(const struct result *r, struct arena *a);

#endif
