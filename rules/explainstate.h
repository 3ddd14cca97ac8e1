/* SPDX-License-Identifier: Apache-2.0 */
/* explainstate.h - how much a pattern keeps for a key, and what of it has no bound: for EXPLAIN and for warnings.
 *
 * Room:   struct match_plan -> [explainstate] -> explainrule, matchrule.  Owns: nothing.  Thread: any. */
#ifndef WEIR_RULES_EXPLAINSTATE_H
#define WEIR_RULES_EXPLAINSTATE_H
#include "cep/plan.h"

enum explainstate_kind {
    EXPLAINSTATE_ROWS, /* a match is of so many rows that directly follow each other */
    EXPLAINSTATE_STEPS, /* each step has its time, and there are so many */
    EXPLAINSTATE_TIME, /* WITHIN */
    EXPLAINSTATE_LOOP, /* no bound: a loop goes on as long as rows fit */
    EXPLAINSTATE_WAIT, /* no bound: a partial match waits for a row that may never come */
};

struct explainstate {
    enum explainstate_kind kind;
    uint32_t rows; /* of a match at most; UINT32_MAX: no bound */
    int64_t ms; /* TIME, STEPS: from the first row to the last */
    const struct pattern *culprit; /* LOOP, WAIT: the element */
    const struct pattern
        *combinations; /* a loop of which every combination of rows is kept; NULL: none */
};

struct explainstate explainstate_of(const struct match_plan *m);

#endif
