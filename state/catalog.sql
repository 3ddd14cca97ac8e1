-- The catalogue's tables, version 1. A change is a new file catalog_<n>.sql and a row in catalog_db.c's list of
-- migrations; this one stays as it is, so that every version can be made from any older one.
--
-- Times are milliseconds since 1970 UTC. Offsets are unsigned 64-bit numbers in SQLite's signed ones.

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE streams (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  name    TEXT NOT NULL UNIQUE COLLATE NOCASE,
  sql     TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE rules (
  uid     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: alert ids are made from it
  name    TEXT NOT NULL COLLATE NOCASE,
  sql     TEXT NOT NULL,
  version INTEGER NOT NULL,
  mode    INTEGER NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX rules_live ON rules (name) WHERE deleted = 0;

CREATE TABLE cuts (
  uid      INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  deployed INTEGER NOT NULL,
  mode     INTEGER NOT NULL,
  w        INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (uid, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
  uid       INTEGER NOT NULL,
  cut       INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  "offset"  INTEGER NOT NULL,
  w         INTEGER NOT NULL,
  PRIMARY KEY (uid, cut, partition)
) STRICT, WITHOUT ROWID;

-- An alert's id and key are random, so each index on them costs more than the row itself: there is one of each. All
-- other orders grow at their ends.
CREATE TABLE alerts (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  rule_uid     INTEGER NOT NULL,
  rule_version INTEGER NOT NULL,
  rule_name    TEXT NOT NULL COLLATE NOCASE,
  severity     INTEGER NOT NULL,
  title        TEXT,
  kind         INTEGER NOT NULL,
  mode         INTEGER NOT NULL,
  time         INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  window_start INTEGER,
  window_end   INTEGER,
  key_text     TEXT NOT NULL,
  key_json     TEXT NOT NULL,
  row_json     TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  count        INTEGER NOT NULL,
  retracted    INTEGER NOT NULL,
  status       TEXT NOT NULL DEFAULT 'open'
) STRICT;
CREATE INDEX alerts_rule ON alerts (rule_name, seq); -- by name: a rule made anew is the same to its reader
CREATE INDEX alerts_key ON alerts (key_text, seq);

-- What only the page of one alert shows; apart, so that lists do not read past it.
CREATE TABLE alert_details (
  seq       INTEGER PRIMARY KEY,
  vars_json TEXT,
  events    BLOB NOT NULL
) STRICT;

-- Sums, kept with each insert: pages that are asked for every second must not count millions of rows.
CREATE TABLE rule_totals (
  uid    INTEGER PRIMARY KEY,
  alerts INTEGER NOT NULL,
  shadow INTEGER NOT NULL,
  last   INTEGER NOT NULL
) STRICT;
CREATE TABLE minute_totals (
  minute   INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (minute, severity)
) STRICT, WITHOUT ROWID;
CREATE TABLE totals (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  seq    INTEGER NOT NULL,
  alerts INTEGER NOT NULL,
  open   INTEGER NOT NULL,
  shadow INTEGER NOT NULL,
  dead   INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE dead_letters (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  kind      TEXT NOT NULL,
  stream    INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  "offset"  INTEGER NOT NULL,
  rule      TEXT,
  code      TEXT NOT NULL,
  reason    TEXT NOT NULL,
  raw       BLOB,
  at        INTEGER NOT NULL
) STRICT;
-- A replay finds the same late and bad rows again: one with a place is kept once. -1: it never had an offset.
CREATE UNIQUE INDEX dead_letters_place ON dead_letters (stream, partition, "offset", coalesce(rule, ''))
  WHERE "offset" <> -1;

CREATE TABLE audit (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  at   INTEGER NOT NULL,
  what TEXT NOT NULL,
  name TEXT NOT NULL,
  more TEXT
) STRICT;
