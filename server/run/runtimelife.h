/* SPDX-License-Identifier: Apache-2.0 */
/* runtimelife.h - drafts, the archive, approvals and the audit, as the API asks for them to be written.
 *
 * Room:   api_lives -> [runtimelife] -> catalogue
 * Owns:   nothing.  Thread: the HTTP thread.  Time: wall clock. */
#ifndef WEIR_SERVER_RUNTIMELIFE_H
#define WEIR_SERVER_RUNTIMELIFE_H
#include "server/run/runtime.h"
#include "state/catalog_lives.h"

enum err runtimelife_draft(struct runtime *r, struct catalog_rule *rule);
enum err runtimelife_rest(struct runtime *r, uint64_t uid, enum catalog_rests rests);
enum err runtimelife_approval(struct runtime *r, const struct catalog_approval *a);
/* What cannot be noted is said in the log, and stops nothing. */
void runtimelife_note(struct runtime *r, const char *what, const char *name, const char *who,
                      const char *more);

#endif
