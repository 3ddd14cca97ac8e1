/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_trials.h - versions that run beside the active one of their rule, and what both have found.
 *
 * Room:   change, alert writer, API -> [catalog_trials] -> catalogue
 * Owns:   nothing.  Thread: as catalog.h says.  Time: event time, but for `created` and `at`.
 *
 * A trial is a rule of its own in `rules`, with stands_for; so its state, cuts and checkpoints are as any rule's. */
#ifndef WEIR_STATE_CATALOG_TRIALS_H
#define WEIR_STATE_CATALOG_TRIALS_H
#include "state/catalog.h"

enum catalog_trial_state {
    TRIAL_RUNS,
    TRIAL_ENDS, /* it tells no more; its last results are waited for */
    TRIAL_GONE
};
struct catalog_trial_share {
    evtime w; /* from here on */
    unsigned percent; /* of the keys are the new version's; 0: a shadow */
    evtime at;
    const char *author, *reason; /* or NULL */
};
struct catalog_trial {
    uint64_t uid, rule; /* its own; that of the rule it stands for */
    uint32_t old, version;
    enum catalog_trial_state state;
    evtime began, ended; /* compared are results of [began, ended); EVTIME_MAX: it has no end yet */
    evtime created;
    bool copied; /* it began with a copy of the old one's state */
    uint32_t became; /* the version of the rule that has its state now; 0: none */
    const char *author, *reason; /* or NULL */
    unsigned nshares; /* in order of w; at least one */
    const struct catalog_trial_share *shares;
};
enum err catalog_trials_add(struct catalog *c, const struct catalog_trial *t);
enum err catalog_trials_share(struct catalog *c, uint64_t uid, const struct catalog_trial_share *s);
enum err catalog_trials_end(struct catalog *c, uint64_t uid, enum catalog_trial_state state,
                            evtime ended);
enum err catalog_trials_became(struct catalog *c, uint64_t uid, uint32_t version);
typedef void catalog_trials_each(void *ctx, const struct catalog_trial *t);
/* Of a rule (0: of all), the newest first. Strings live for the call. */
enum err catalog_trials(struct catalog *c, uint64_t rule, catalog_trials_each *each, void *ctx);

enum catalog_trial_side { TRIAL_OLD, TRIAL_NEW };
struct catalog_trial_result {
    uint64_t trial;
    char id[32];
    enum catalog_trial_side side;
    evtime time;
    bool told, retracted; /* retracted: it is none any more */
    const char *key_json, *row_json;
    unsigned before, after; /* set when it is noted: which sides have it, 1 old, 2 new, 3 both */
};
/* One that is there already gets the row of the new one (an update). */
enum err catalog_trialsfound_note(struct catalog *c, struct catalog_trial_result *r, unsigned n);
/* At most so many stay of each trial, the newest; of others the sums. */
enum err catalog_trialsfound_trim(struct catalog *c, uint64_t keep);

struct catalog_trial_sums {
    uint64_t only_old, both, only_new;
    uint64_t told_old, told_new; /* as alerts */
};
/* By hour of event time, the earliest first. */
enum err catalog_trialsfound_hours(struct catalog *c, uint64_t uid,
                                   void (*each)(void *ctx, evtime hour,
                                                const struct catalog_trial_sums *s),
                                   void *ctx);
enum catalog_trial_class { TRIAL_ONLY_OLD = 1, TRIAL_ONLY_NEW = 2, TRIAL_BOTH = 3 };
struct catalog_trial_pair { /* a result that the one, the other or both have found */
    const char *id, *key_json;
    evtime time;
    const char *old_row, *new_row; /* NULL: it was not found */
    bool told_old, told_new;
    const char *label; /* or NULL */
};
/* The newest first, from the one after the first `skip`. */
enum err catalog_trialsfound_pairs(struct catalog *c, uint64_t uid, enum catalog_trial_class of,
                                   uint64_t skip, unsigned limit,
                                   void (*each)(void *ctx, const struct catalog_trial_pair *p),
                                   void *ctx);
struct catalog_trial_labels {
    uint64_t fraud, legit;
};
/* Of the results that were told (those still kept), by side. */
enum err catalog_trialsfound_labels(struct catalog *c, uint64_t uid,
                                    struct catalog_trial_labels out[2]);

/* What people say of an alert: "fraud", "legit"; NULL takes it back. ERR_NOT_FOUND: there is no such alert. */
enum err catalog_labels_put(struct catalog *c, const char *id, const char *label, const char *by);
/* "": none. */
enum err catalog_labels_get(struct catalog *c, const char *id, char label[16]);

#endif
