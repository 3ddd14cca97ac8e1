/* SPDX-License-Identifier: Apache-2.0 */
/* backtestjob.h - the rules of a backtest as one job: its variants, what it is compared with, and the rules that they read.
 *
 * Room:   catalogue, plan of the backtest -> [backtestjob] -> evalrun, backtesttold
 * Owns:   the registry and the job.  Thread: one.  Time: evtime. */
#ifndef WEIR_SERVER_BACKTESTJOB_H
#define WEIR_SERVER_BACKTESTJOB_H
#include "server/backtest/backtestsave.h"
#include "server/deploy/registry.h"

struct catalog;

struct backtestjob {
    struct registry *registry;
    struct job *job;
    unsigned variants;
    bool baseline; /* a text to compare with is behind them */
    uint64_t
        uid; /* from a savepoint: of the rule that it knows; of the only variant, too, whose version is… */
    uint32_t version; /* 0: variants' numbers are no rule's */
    const struct rule_plan **plans; /* of the variants, and of that text; the registry's */
};

/* All names of the catalogue are known to the texts. Rows before `from` are seen by none. What is wrong with a text is in d,
 * with its place. */
enum err backtestjob_new(const struct backtestplan *plan, struct catalog *catalog, evtime from,
                         struct diag *d, struct backtestjob *out);
/* The same, from a savepoint: the rule as it was; the variant takes over from it at *from, or several begin with copies of its
 * state there. */
enum err backtestjob_from(const struct backtestplan *plan, struct catalog *catalog,
                          const struct backtestsave *save, struct diag *d, evtime *from,
                          struct backtestjob *out);
void backtestjob_fini(struct backtestjob *j);
/* Which of `plans` a result is of; -1: of a rule that they read. */
int backtestjob_of(const struct backtestjob *j, const struct result *r);
/* No result is decided later than so long after its time. */
int64_t backtestjob_lateness_ms(const struct backtestjob *j);

/* Compiles a text of a backtest, a SELECT or a CREATE RULE, whatever the latter's name. */
enum err backtestjob_compile(const char *name, const char *sql, const struct scope *scope,
                             struct diag *d, struct rule_plan **out);

/* Has the rule, or what it reads, the columns that the plan names? ERR_NOT_FOUND. */
enum err backtestjob_names(const struct backtestplan *p, const struct rule_plan *plan,
                           struct diag *d);

#endif
