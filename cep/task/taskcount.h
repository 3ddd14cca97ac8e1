/* SPDX-License-Identifier: Apache-2.0 */
/* taskcount.h - how much of a rule's state a new version would touch: partial matches by variable, rows that are kept.
 *
 * Room:   task: keys, operators -> [taskcount: matchcount] -> worker -> what :plan says of an upgrade
 * Owns:   nothing; changes nothing.  Thread: the task's, between two steps.  Time: evtime.
 *
 * Counted in slices, so that rows do not stand still for it: a slice ends after so many slots of the key table, or partial
 * matches that have been looked at. Keys that are out of memory are not counted. */
#ifndef WEIR_CEP_TASKCOUNT_H
#define WEIR_CEP_TASKCOUNT_H
#include "cep/match/matchmap.h"
#include "cep/task/task.h"

/* What becomes of a partial match at a state of the old automaton: matchmap.h in the few words that say if it is lost. */
enum { TASKCOUNT_LOST = 1, TASKCOUNT_FRESH = 2, TASKCOUNT_FRESH_NEXT = 4 };
struct taskcount_state {
    uint8_t flags;
    uint64_t known; /* old edges that have a counterpart */
    uint64_t next; /* old edges that are alive only if no row has passed */
};

struct taskcount_ask {
    unsigned rule; /* index in the job */
    size_t from; /* where to go on; 0 at first */
    const struct taskcount_state *states; /* by state; NULL: nothing is lost */
    unsigned nstates;
    int64_t older_ms; /* partial matches that began at least so long ago are counted, too; 0: not */
};
struct taskcount_var {
    uint64_t keys, partials; /* with a partial match whose last row is of it; these */
    uint64_t dropped; /* of these: those that the new version cannot go on with */
};
struct taskcount {
    uint64_t keys, partials, dropped, older;
    uint64_t rows; /* of OVER and joins */
    uint64_t sides[2]; /* of these, of a join's sides */
    struct taskcount_var vars[PLAN_VARS_MAX];
    uint64_t looked; /* partial matches of this slice, and their rows */
};

/* Adds to out. Returns where to go on, or 0: that was all. */
size_t taskcount_rule(struct task *t, const struct taskcount_ask *ask, struct taskcount *out);

/* matchcount.c: of one key; the states of a map, for an ask: m->nstates of them, the caller's to free. */
struct taskcount_state *matchcount_states(const struct matchmap *m);
struct match;
struct keystate;
void matchcount_key(const struct match *m, const struct keystate *state, evtime now,
                    const struct taskcount_ask *ask, struct taskcount *out);

#endif
