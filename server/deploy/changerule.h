/* SPDX-License-Identifier: Apache-2.0 */
/* changerule.h - a rule that is deployed, replaced by a new version, paused, ended: its cut in catalogue and registry.
 *
 * Room:   change -> [changerule: changecut] -> catalogue, registry, feed
 * Owns:   nothing.  Thread: the runtime's.  Time: evtime in cuts.
 *
 * A version that reads the same streams as the one before it goes on where that one ends, with its state where it can
 * (cep/key/statemap.h). Any other begins as a new rule does. */
#ifndef WEIR_SERVER_CHANGERULE_H
#define WEIR_SERVER_CHANGERULE_H
#include "server/deploy/change.h"

struct changerule { /* a version that is to be active */
    char *name, *sql;
    const char *author, *reason; /* or NULL */
    uint32_t version; /* it has this number already; 0: it gets one */
    bool reset; /* it takes over no state from the version before it */
    uint64_t resting; /* a draft, or a rule of the archive, that is live from now on; 0: none */
    uint32_t rollback_to; /* it has that version's text; 0: its own */
    uint64_t operation; /* it takes the state of that one's lane (lanes.h); 0: there is none */
    uint32_t
        beside; /* it goes on with the state of what runs beside the active one as that version; 0: it does not */
};
/* Of an error of the catalogue nothing is changed. */
enum err changerule_create(const struct change_env *env, const struct changerule *k, struct diag *d,
                           struct change_delta *delta);
/* deployed: from now on in that mode; else it ends. */
enum err changerule_mode(const struct change_env *env, const char *name, bool deployed,
                         enum rule_mode mode, struct diag *d, struct change_delta *delta);
/* Workers need not know the versions before that one any more: they have given way. */
void changerule_retire(const struct change_env *env, uint64_t uid, uint32_t version,
                       struct change_delta *delta);

#endif
