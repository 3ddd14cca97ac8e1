/* SPDX-License-Identifier: Apache-2.0 */
/* backtestsave.h - a savepoint from which a backtest begins: the rule as it was, its state, where each partition was.
 *
 * Room:   <data>/savepoints -> [backtestsave] -> backtestjob, backtestfeed, evalrun
 * Owns:   the savepoint's metadata.  Thread: one.  Time: evtime.
 *
 * The rule's version of then goes on until the time that no event taken before the savepoint reaches; there the variant takes
 * over its state, as far as it can, as in an upgrade (docs/upgrades.md). */
#ifndef WEIR_SERVER_BACKTESTSAVE_H
#define WEIR_SERVER_BACKTESTSAVE_H
#include "server/backtest/backtestplan.h"
#include "server/checkpoint/savemeta.h"

struct backtestsave {
    struct savemeta *meta; /* NULL: the backtest begins empty */
    const char *folder; /* the plan's */
};

/* ERR_INVALID, ERR_NOT_FOUND, ERR_CORRUPT … with a sentence in d. A plan without a savepoint: ERR_OK, an empty one. */
enum err backtestsave_open(const struct backtestplan *plan, struct diag *d,
                           struct backtestsave *out);
void backtestsave_close(struct backtestsave *s);

const struct checkmeta_rule *backtestsave_rule(const struct backtestsave *s, uint64_t uid);
/* When the variant takes over a rule that reads this stream. ERR_INVALID: nobody knows. */
enum err backtestsave_time(const struct backtestsave *s, const struct schema *stream,
                           struct diag *d, evtime *w);
/* Where a partition goes on. False: the savepoint does not have it, it begins at its beginning. */
bool backtestsave_position(const struct backtestsave *s, uint32_t stream, uint32_t partition,
                           uint64_t *offset, evtime *w);
/* For evalrun_begin_from. */
enum err backtestsave_load(void *backtestsave, struct task *t, struct diag *d);

#endif
