/* SPDX-License-Identifier: Apache-2.0 */
/* lanesave.h - a rule as a savepoint has it, for a lane that begins there: its text, where each partition was, its files.
 *
 * Room:   <data>/savepoints -> [lanesave] -> changelane, lanes, runtimelane
 * Owns:   the savepoint's metadata.  Thread: one.  Time: evtime. */
#ifndef WEIR_SERVER_LANESAVE_H
#define WEIR_SERVER_LANESAVE_H
#include "server/checkpoint/savemeta.h"
#include "state/intakelog.h"

struct lanesave {
    char *folder;
    struct savemeta *meta;
    const struct checkmeta_rule *rule;
};

/* The savepoint of that name in `root`, in which that text of the rule ran, and no other. ERR_CONFLICT, or what reading says:
 * d says why not; then there is nothing to close. */
enum err lanesave_open(const char *root, const char *name, uint64_t rule, const char *sql,
                       struct diag *d, struct lanesave *out);
void lanesave_close(struct lanesave *s);
/* Where each partition of each root of `p` was, in the order of plan_roots; *rows: from there to the log's end. ERR_CONFLICT: the
 * log does not have all that has come since. */
enum err lanesave_marks(const struct lanesave *s, const struct rule_plan *p, struct intakelog *log,
                        struct job_mark *marks, unsigned *n, uint64_t *rows, struct diag *d);
/* lanewire_order */
void lanesave_order(const struct lanesave *s, uint64_t lane, bool must, struct bytes *out);

#endif
