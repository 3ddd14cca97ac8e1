/* SPDX-License-Identifier: Apache-2.0 */
/* oldcatalog.h - SQL that takes from a catalogue what its newer versions added, so that a test can bring it up again.
 *
 * Room:   unit tests of state/.  Owns: nothing.  Thread: any. */
#ifndef WEIR_TESTS_LIB_OLDCATALOG_H
#define WEIR_TESTS_LIB_OLDCATALOG_H

#define OLDCATALOG_5                                                                               \
    "DROP TABLE backtests; DROP TABLE operations; DROP TABLE operation_forks;"                     \
    "DROP TABLE approvals; ALTER TABLE audit DROP COLUMN who; DROP INDEX rules_rest;"              \
    "ALTER TABLE rules DROP COLUMN rests;"                                                         \
    "DROP TABLE trials; DROP TABLE trial_shares; DROP TABLE trial_results;"                        \
    "DROP TABLE trial_hours; DROP TABLE alert_labels;"                                             \
    "ALTER TABLE rules DROP COLUMN stands_for;"                                                    \
    "DROP TABLE versions; ALTER TABLE cuts DROP COLUMN version;"                                   \
    "ALTER TABLE cuts DROP COLUMN handover; ALTER TABLE cuts DROP COLUMN from_uid;"                \
    "DROP TABLE sinks; DROP TABLE tables;"                                                         \
    "DROP TABLE dead_letters; DROP TABLE dead_letter_rules; DROP TABLE dead_floors;"               \
    "DROP TABLE dead_marks; DROP TABLE timeouts;"                                                  \
    "ALTER TABLE totals DROP COLUMN dead_kept; ALTER TABLE totals DROP COLUMN dead_gone;"          \
    "ALTER TABLE totals DROP COLUMN timeouts;"                                                     \
    "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"         \
    " stream INTEGER NOT NULL, partition INTEGER NOT NULL, \"offset\" INTEGER NOT NULL,"           \
    " rule TEXT, code TEXT NOT NULL, reason TEXT NOT NULL, raw BLOB, at INTEGER NOT NULL)"         \
    " STRICT;"                                                                                     \
    "CREATE UNIQUE INDEX dead_letters_place ON dead_letters (stream, partition, \"offset\","       \
    " coalesce(rule, '')) WHERE \"offset\" <> -1; PRAGMA user_version=5;"

#endif
