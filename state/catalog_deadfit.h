/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_deadfit.h - which dead letters a filter means, as SQL; and what the files of catalog_dead.h share.
 *
 * Room:   inside of catalog_dead, catalog_deadlook, catalog_deadsend. Nobody else includes this.
 * Owns:   nothing.  Thread: whoever holds the catalogue's lock. */
#ifndef WEIR_STATE_CATALOG_DEADFIT_H
#define WEIR_STATE_CATALOG_DEADFIT_H
#include "state/catalog_db.h"
#include "state/catalog_dead.h"

/* Of the letter d; parameters 1 to 12 are bound by catalog_deadlook_bind. */
#define CATALOG_DEADFIT                                                                            \
    "(?1 IS NULL OR d.id = ?1) AND (?2 IS NULL OR d.kind = ?2)"                                    \
    " AND (?3 IS NULL OR d.stream = ?3)"                                                           \
    " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM dead_letter_rules r"                                \
    "                            WHERE r.letter = d.id AND r.rule = ?4))"                          \
    " AND (?5 IS NULL OR d.code = ?5) AND (?6 IS NULL OR d.reason = ?6)"                           \
    " AND (?7 IS NULL OR instr(coalesce(d.edited, d.raw), CAST(?7 AS BLOB)) > 0)"                  \
    " AND ((?8 AND d.state < 2) OR (?9 AND d.state = 2))"                                          \
    " AND (?10 = 0 OR NOT EXISTS (SELECT 1 FROM dead_letter_rules r WHERE r.letter = d.id))"       \
    " AND d.id < ?11 AND d.id <= ?12"
enum { CATALOG_DEADFIT_FREE = 13 }; /* the first parameter that is not its */

void catalog_deadlook_bind(sqlite3_stmt *s, const struct catalog_dead_filter *f);
enum err catalog_deadlook_tell(struct catalog *c, sqlite3_stmt *s, catalog_dead_each *each,
                               void *ctx, unsigned *n);
/* One that is being sent, or (0) all. */
enum err catalog_deadlook_sending(struct catalog *c, uint64_t id, catalog_dead_each *each,
                                  void *ctx);
enum err catalog_dead_trim(struct catalog *c, uint64_t keep);

#endif
