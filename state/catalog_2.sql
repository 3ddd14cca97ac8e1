-- Version 2: lists that are edited while rules run.

CREATE TABLE lists (
  uid     INTEGER PRIMARY KEY AUTOINCREMENT,
  name    TEXT NOT NULL UNIQUE COLLATE NOCASE,
  sql     TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  items   INTEGER NOT NULL DEFAULT 0,
  edits   INTEGER NOT NULL DEFAULT 0 -- rows of list_edits
) STRICT;

-- As it is now. Keys are texts, as they are shown.
CREATE TABLE list_items (
  list    INTEGER NOT NULL,
  key     TEXT NOT NULL,
  row     TEXT NOT NULL,    -- JSON object of all columns
  seq     INTEGER NOT NULL, -- the change that put it there or touched it last
  added   INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  expires INTEGER,
  who     TEXT,
  reason  TEXT,
  PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_items_expires ON list_items (expires) WHERE expires IS NOT NULL;

-- Who did what, and why: one row for each request. Its marks and edits are there as long as a replay may need them.
CREATE TABLE list_changes (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: rules remember it
  list    INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  what    TEXT NOT NULL,
  who     TEXT,
  reason  TEXT,
  added   INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  keys    TEXT NOT NULL DEFAULT '[]' -- JSON array of the first ones
) STRICT;
CREATE INDEX list_changes_list ON list_changes (list, seq);

CREATE TABLE list_marks (
  list      INTEGER NOT NULL,
  seq       INTEGER NOT NULL,
  stream    INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  "offset"  INTEGER NOT NULL,
  w         INTEGER NOT NULL,
  PRIMARY KEY (list, seq, stream, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_edits (
  list  INTEGER NOT NULL,
  seq   INTEGER NOT NULL,
  key   TEXT NOT NULL,
  there INTEGER NOT NULL, -- 1: put in, 0: taken out
  PRIMARY KEY (list, seq, key)
) STRICT, WITHOUT ROWID;

-- The newest change of a list when the rule was deployed.
ALTER TABLE rules ADD COLUMN lists_seq INTEGER NOT NULL DEFAULT 0;
