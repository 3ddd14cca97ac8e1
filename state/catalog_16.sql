-- Version 16: long work that is done beside everything else, and what a rule made for it reads a second time.

CREATE TABLE operations (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL, -- activate, rollback
  state       INTEGER NOT NULL, -- catalog_operations.h
  rule_uid    INTEGER NOT NULL,
  rule        TEXT NOT NULL, -- its name
  version     INTEGER NOT NULL, -- that is to be active; 0: it gets a number then
  rollback_to INTEGER NOT NULL,
  sql         TEXT NOT NULL,
  author      TEXT,
  reason      TEXT,
  savepoint   TEXT, -- whose state is the beginning
  since       INTEGER, -- event time; NULL: all that the log has
  lane        INTEGER NOT NULL DEFAULT 0, -- the rule that was made for it
  rows        INTEGER NOT NULL DEFAULT 0, -- that it has read
  created     INTEGER NOT NULL,
  started     INTEGER,
  ended       INTEGER,
  error       TEXT
) STRICT;
CREATE INDEX operations_rule ON operations (rule_uid, id);

CREATE TABLE operation_forks (
  operation INTEGER NOT NULL,
  fork      INTEGER PRIMARY KEY, -- the stream's number as it is read a second time
  stream    INTEGER NOT NULL
) STRICT;
