/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_backtests.h - backtests that were asked for, how they ended and what they found; what a rule told in a time.
 *
 * Room:   server/backtest/backtests, API -> [catalog_backtests] -> the catalogue's table of backtests, and its alerts
 * Owns:   nothing.  Thread: as catalog.h.  Time: wall clock, but of alerts their event time. */
#ifndef WEIR_STATE_CATALOG_BACKTESTS_H
#define WEIR_STATE_CATALOG_BACKTESTS_H
#include "state/catalog.h"

enum catalog_backtest_state {
    CATALOG_BACKTEST_QUEUED,
    CATALOG_BACKTEST_RUNNING,
    CATALOG_BACKTEST_DONE,
    CATALOG_BACKTEST_FAILED,
    CATALOG_BACKTEST_CANCELLED
};
struct catalog_backtest {
    uint64_t id; /* given by catalog_backtests_add; shown as "bkt_7" */
    enum catalog_backtest_state state;
    const char *rule, *plan; /* the rule's name; backtestplan's JSON */
    evtime created, started, ended; /* EVTIME_MIN: not yet */
    const char *error; /* why it failed, or NULL */
    const char *result; /* JSON, or NULL; only of catalog_backtests_get */
};
enum err catalog_backtests_add(struct catalog *c, struct catalog_backtest *b);
/* State, times, error and result as they are in *b. ERR_NOT_FOUND. */
enum err catalog_backtests_set(struct catalog *c, const struct catalog_backtest *b);
enum err catalog_backtests_delete(struct catalog *c, uint64_t id);
typedef void catalog_backtests_each(void *ctx, const struct catalog_backtest *b);
/* The newest first, those with lower ids than `before` (0: all); of one rule, or NULL. */
enum err catalog_backtests(struct catalog *c, uint64_t before, const char *rule, unsigned limit,
                           catalog_backtests_each *each, void *ctx);
enum err catalog_backtests_get(struct catalog *c, uint64_t id, catalog_backtests_each *each,
                               void *ctx); /* ERR_NOT_FOUND */

/* The alerts of a rule, or what it found in the shadow, with a time in [from, to), but for those that were taken back or
 * replaced: with id, time, title, key_json, row_json, vars_json, severity and label. In no order. */
enum err catalog_backtests_told(struct catalog *c, uint64_t rule_uid, const char *rule_name,
                                evtime from, evtime to, catalog_alerts_each *each, void *ctx);

#endif
