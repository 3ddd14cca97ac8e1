-- Version 8: a rule's versions, each with its text, and which version a cut is of.
CREATE TABLE versions (
  uid       INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  sql       TEXT NOT NULL,
  mode      INTEGER NOT NULL,
  created   INTEGER NOT NULL,
  author    TEXT, -- as the request said
  reason    TEXT,
  lists_seq INTEGER NOT NULL DEFAULT 0,
  activated INTEGER, -- wall clock; NULL: a draft
  PRIMARY KEY (uid, version)
) STRICT, WITHOUT ROWID;
INSERT INTO versions (uid, version, sql, mode, created, lists_seq, activated)
  SELECT uid, version, sql, mode, updated, lists_seq, updated FROM rules;

ALTER TABLE cuts ADD COLUMN version INTEGER NOT NULL DEFAULT 0; -- 0: before there were versions
ALTER TABLE cuts ADD COLUMN handover INTEGER NOT NULL DEFAULT 0; -- job.h
