/* SPDX-License-Identifier: Apache-2.0 */
/* alertsinks.h - of what the alert writer has stored, what goes to sinks too, and to which checkpoint it belongs.
 *
 * Room:   alertwriter -> [alertsinks] -> sinks
 * Owns:   the lines of a batch
 * Thread: the alert writer's.  Time: none.
 *
 * A result of a worker whose mark of the checkpoint under way has come belongs to the next one. Results of before a
 * checkpoint that a replay begins from do not come again, all others do: so what is written does not depend on what the
 * alert store has already. */
#ifndef WEIR_SERVER_ALERTSINKS_H
#define WEIR_SERVER_ALERTSINKS_H
#include "cep/result.h"
#include "server/alerts/alertitem.h"
#include "server/alerts/sinks.h"
#include "state/catalog.h"

struct alertsinks;

struct alertsinks *alertsinks_new(struct sinks *sinks);
void alertsinks_free(struct alertsinks *s); /* NULL is fine */

/* r->rule must live until alertsinks_give. alert: what has been made of it; NULL: nothing. */
void alertsinks_add(struct alertsinks *s, unsigned worker, const struct result *r,
                    const struct catalog_alert *alert);
/* All that was added, after it was stored. wait: called when a sink takes nothing; false: the server is ending, and what
 * was not taken is not confirmed by any mark from here on. */
bool alertsinks_give(struct alertsinks *s, bool (*wait)(void *ctx, const char *why), void *ctx);

/* A worker's mark, after all from before it was given. The last one prepares; the blob goes into `out`. */
enum err alertsinks_mark(struct alertsinks *s, unsigned worker, const struct alertitem_mark *mark,
                         struct bytes *out, struct diag *d);
void alertsinks_new_attempt(struct alertsinks *s, const void *blob, size_t n);

#endif
