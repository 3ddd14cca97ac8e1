/* SPDX-License-Identifier: Apache-2.0 */
/* trials.h - versions that run beside the active one of their rule: whose results are told, and which are compared.
 *
 * Room:   change (which makes and ends them), results -> [trials] -> alert writer, API
 * Owns:   a copy of the catalogue's trials.  Thread: any; a lock inside.  Time: event time.
 *
 * Both versions see all rows and have the state of all keys. Whose result counts is said by its key's point, a hash from 0
 * to 9999, and by its time, against the share that the new version had then; so it is the same after any crash, and a
 * share that grows or shrinks moves keys at one event time with their state. Without a key it is the place of the event. */
#ifndef WEIR_SERVER_TRIALS_H
#define WEIR_SERVER_TRIALS_H
#include "cep/result.h"
#include "state/catalog_trials.h"

struct trials;

struct trials *trials_new(void);
void trials_free(struct trials *t); /* NULL is fine */

void trials_put(struct trials *t,
                const struct catalog_trial *of); /* or in place of the one of its uid */
/* That one ends: state and end are the new ones. */
void trials_end(struct trials *t, uint64_t uid, enum catalog_trial_state state, evtime ended);
void trials_becomes(struct trials *t, uint64_t uid);
void trials_share(struct trials *t, uint64_t uid, evtime w, unsigned percent);

struct trials_verdict {
    bool tell;
    uint64_t rule; /* in whose name */
    uint64_t trial; /* it is to be compared in that one; 0: in none */
    enum catalog_trial_side side;
};
/* r->rule must be set. t NULL: there are none. */
struct trials_verdict trials_judge(struct trials *t, const struct result *r);
unsigned trials_point(uint64_t rule, const struct result *r); /* 0 … 9999 */

struct trials_one {
    uint64_t uid, rule;
    uint32_t old, version;
    enum catalog_trial_state state;
    evtime began, ended;
    unsigned percent; /* of now */
    bool had_share; /* at some time */
    bool copied; /* it began with the active one's state */
    bool becomes; /* it has become the active one, or will at `ended` */
    struct catalog_trial_sums sums; /* of what both have found, as it was stored */
};
/* Those that run or end; how many there are. */
unsigned trials_list(struct trials *t, struct trials_one *out, unsigned cap);
/* Of the catalogue; results that have been noted since. */
void trials_sums(struct trials *t, uint64_t uid, const struct catalog_trial_sums *sums);
void trials_noted(struct trials *t, const struct catalog_trial_result *r, size_t n);
/* The one of the rule that runs, or else one that ends. */
bool trials_of(struct trials *t, uint64_t rule, struct trials_one *out);
/* One that has ended before that time, becomes nothing, and may go; 0: none. */
uint64_t trials_due(struct trials *t, evtime watermark, montime now);

#endif
