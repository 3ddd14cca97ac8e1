/* SPDX-License-Identifier: Apache-2.0 */
/* laneplan.h - can the state of a rule's version be derived again from the log, and from where?
 *
 * Room:   changelane, API -> [laneplan] -> plan, intake log
 * Owns:   nothing.  Thread: any.  Time: evtime. */
#ifndef WEIR_SERVER_LANEPLAN_H
#define WEIR_SERVER_LANEPLAN_H
#include "base/diag.h"
#include "cep/job.h"
#include "state/intakelog.h"

/* ERR_UNSUPPORTED, d says why: what the version reads is not in the log, or cannot be read a second time; or it has no state. */
enum err laneplan_may(const struct rule_plan *p, struct diag *d);
/* How far before a row the rule may look, in ms; -1: nobody knows. */
int64_t laneplan_looks_back(const struct rule_plan *p);

struct laneplan_cover {
    evtime
        from; /* the log has all events of from then on; EVTIME_MIN: all there ever were, or none yet */
    int64_t looks_back_ms; /* see laneplan_looks_back */
    bool covers; /* that is as much as the rule looks back */
    uint64_t rows; /* from there to the end */
};
/* Where to begin, into marks: a mark of each partition of each root of `p`, in the order of plan_roots, with the numbers of those
 * streams. since: rows of that event time and later are wanted; EVTIME_MIN: all there are. Returns how many. */
unsigned laneplan_marks(const struct rule_plan *p, struct intakelog *log, evtime since,
                        struct job_mark *marks, struct laneplan_cover *out);

#endif
