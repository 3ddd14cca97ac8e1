/* SPDX-License-Identifier: Apache-2.0 */
/* alertnotes.h - results of two versions that run beside each other, as they are compared: gathered and stored.
 *
 * Room:   [alertnotes] of the alert writer -> catalogue (catalog_trials.h)
 * Owns:   the list; texts are of the batch's arena.  Thread: the alert writer's.  Time: event time. */
#ifndef WEIR_SERVER_ALERTNOTES_H
#define WEIR_SERVER_ALERTNOTES_H
#include "base/arena.h"
#include "server/deploy/trials.h"

struct alertnotes {
    struct catalog_trial_result *v;
    size_t n, cap;
    uint64_t kept, since_trim; /* kept: of each trial */
};

/* Of a result that has become `a`, which then is told in the right name. */
void alertnotes_add(struct alertnotes *n, const struct trials_verdict *v, const struct result *r,
                    struct catalog_alert *a, struct arena *arena);
/* Leaves the list as it is. */
enum err alertnotes_store(struct alertnotes *n, struct catalog *c, struct trials *trials);
void alertnotes_clear(struct alertnotes *n);
void alertnotes_fini(struct alertnotes *n);

#endif
