/* SPDX-License-Identifier: Apache-2.0 */
/* runtimeversion.h - versions of a rule, as the API asks for them: drafts, activation, what was taken over.
 *
 * Room:   api_versions -> [runtimeversion] -> change, catalogue, crew
 * Owns:   nothing.  Thread: the HTTP thread.  Time: none. */
#ifndef WEIR_SERVER_RUNTIMEVERSION_H
#define WEIR_SERVER_RUNTIMEVERSION_H
#include "server/run/runtime.h"

/* A version of a rule that takes over from the active one (changerule.h). Errors as runtime_create says. */
struct runtimeversion_activation {
    const char *rule, *sql;
    uint64_t resting; /* the rule is a draft, or of the archive, with that number; 0: it is live */
    uint32_t version; /* a draft's number; 0: it gets the next one */
    bool reset; /* it begins empty */
    const char *author, *reason; /* or NULL */
    uint32_t rollback_to; /* the way back to that version; 0: it is none */
    uint64_t operation; /* lanes.h; 0: it is none */
    uint32_t
        beside; /* it runs beside the active one under that number, and goes on with its own state; 0: it does not */
};
enum err runtimeversion_activate(struct runtime *r, const struct runtimeversion_activation *what,
                                 struct diag *d, runtime_done *done, void *ctx);
struct catalog_version;
enum err runtimeversion_add(struct runtime *r, struct catalog_version *v); /* a draft */
/* Has that version taken over in every worker? What, in all. */
bool runtimeversion_handover(struct runtime *r, uint64_t uid, uint32_t version,
                             struct task_kept *kept);
struct runtime_rule_stats runtimeversion_stats(struct runtime *r,
                                               uint64_t uid); /* of all workers */

#endif
