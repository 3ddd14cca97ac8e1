/* SPDX-License-Identifier: Apache-2.0 */
/* runtimetrial.h - versions beside the active one of their rule, as the API asks for them.
 *
 * Room:   api_trials -> [runtimetrial] -> change, trials
 * Owns:   nothing.  Thread: the HTTP thread.  Time: none. */
#ifndef WEIR_SERVER_RUNTIMETRIAL_H
#define WEIR_SERVER_RUNTIMETRIAL_H
#include "server/deploy/changetrial.h"
#include "server/run/runtime.h"

/* ERR_NOT_FOUND at once, all else through `done` (changetrial.h). */
enum err runtimetrial_change(struct runtime *r, const struct changetrial *what, runtime_done *done,
                             void *ctx);
bool runtimetrial_of(struct runtime *r, uint64_t rule, struct trials_one *out);
unsigned runtimetrial_list(struct runtime *r, struct trials_one *out,
                           unsigned cap); /* trials_list */
enum err runtimetrial_label(struct runtime *r, const char *alert, const char *label,
                            const char *by); /* catalog_labels_put */

#endif
