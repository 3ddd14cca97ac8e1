/* SPDX-License-Identifier: Apache-2.0 */
/* whythen.h - which version of a rule an event was for, and what else became of the event or of what was found with it.
 *
 * Room:   api_whynot, api_whyevent -> [whythen] -> catalogue (cuts, versions, trials, dead letters).  Owns: what it says.
 * Thread: the HTTP thread.  Time: evtime. */
#ifndef WEIR_SERVER_WHYTHEN_H
#define WEIR_SERVER_WHYTHEN_H
#include "cep/plan.h"
#include "server/api/api.h"
#include "server/inspect/whynot.h"

struct whythen {
    bool present; /* the version that runs */
    bool deployed; /* false: none was at that time */
    uint32_t version, next; /* of then; that took over from it, or 0 */
    bool kept; /* next took over its state */
    evtime at; /* what was asked for */
    evtime from, until; /* EVTIME_MAX: it goes on */
    struct rule_plan *plan; /* of then; NULL if present or not deployed */
    struct whynot_then *then; /* beside plan: to be asked with; whoever asks takes it */
    char *text; /* a sentence; NULL: nothing is to be said */
};
/* As of event time t; EVTIME_MAX: now. ERR_INVALID: the version of then cannot be compiled any more, d says why. ERR_UNSUPPORTED: it asks lists; the same. */
enum err whythen_find(struct api *a, const struct api_rule *rule, evtime t, struct diag *d,
                      struct whythen *out);
void whythen_fini(struct whythen *w);

struct whythen_told {
    const struct whythen *then;
    const struct rule_plan *plan;
    uint64_t uid;
    const void *key; /* canonical bytes */
    size_t key_n;
    bool has_event;
    uint32_t stream, partition;
    uint64_t offset;
};
/* Members of an open object: then, trial, dead_letter, each null if there is none; notes, sentences about them. */
void whythen_put(struct api *a, const struct whythen_told *m, struct bytes *out);

#endif
