/* SPDX-License-Identifier: Apache-2.0 */
/* whyalert.h - where the match of an event is to be seen: the alert that it made, or the one that counts it while the cooldown lasts.
 *
 * Room:   api_whynot, api_whyevent -> [whyalert] -> catalogue.  Owns: nothing.  Thread: the HTTP thread.  Time: evtime. */
#ifndef WEIR_SERVER_WHYALERT_H
#define WEIR_SERVER_WHYALERT_H
#include "cep/plan.h"
#include "server/api/api.h"

struct whyalert_ask {
    const struct rule_plan *plan;
    const char *rule; /* its name */
    const char *key_json; /* {"card":"c1"} */
    uint32_t partition; /* the event */
    uint64_t offset;
    evtime time;
};
/* Member "alert" of an object that is being written: {"id", "time", "count", "mode", "by": "match"|"cooldown", "until"},
 * or null: there is none (any more). until: the end of the cooldown. */
void whyalert_put(struct api *a, const struct whyalert_ask *ask, struct bytes *out);
/* The same for what is told in `json`, members that begin with "verdict": if it has matched. */
void whyalert_put_verdict(struct api *a, struct whyalert_ask *ask, const struct bytes *json,
                          struct bytes *out);

#endif
