/* SPDX-License-Identifier: Apache-2.0 */
/* runtimelane.h - operations that derive state from the log, as the API asks for them.
 *
 * Room:   api_operations, api_versions -> [runtimelane] -> lanes, laneplan, savepoints
 * Owns:   nothing.  Thread: the HTTP thread.  Time: event time of `since`. */
#ifndef WEIR_SERVER_RUNTIMELANE_H
#define WEIR_SERVER_RUNTIMELANE_H
#include "server/checkpoint/savemeta.h"
#include "server/deploy/laneplan.h"
#include "server/deploy/lanes.h"
#include "server/run/runtime.h"

/* What the log has for that version. ERR_UNSUPPORTED: its state cannot be derived again, d says why. */
enum err runtimelane_cover(struct runtime *r, const struct rule_plan *p, evtime since,
                           struct diag *d, struct laneplan_cover *out);
/* The newest savepoint of before that time in which that text of the rule ran, and the rows to be read again from there. ERR_CONFLICT,
 * ERR_UNSUPPORTED: d says why there is none that will do. */
struct runtimelane_back {
    char savepoint[SAVEMETA_TEXT];
    evtime created;
    uint64_t rows;
};
struct runtimelane_past {
    uint64_t rule;
    const struct rule_plan *plan; /* of the text */
    const char *sql;
    evtime before;
};
enum err runtimelane_back(struct runtime *r, const struct runtimelane_past *past, struct diag *d,
                          struct runtimelane_back *out);
/* Begins, after a savepoint of what was (saves; must: not without one). o->id: its number. ERR_CONFLICT: see lanes_add. */
enum err runtimelane_add(struct runtime *r, struct catalog_operation *o, bool saves, bool must,
                         struct diag *d);
enum err runtimelane_cancel(struct runtime *r, uint64_t id); /* see lanes_cancel */
bool runtimelane_progress(struct runtime *r, uint64_t id, struct lanes_progress *out);
/* *bytes: sent to workers of what has gone by, since the start. */
void runtimelane_counts(struct runtime *r, struct lanes_counts *out, uint64_t *bytes);

#endif
