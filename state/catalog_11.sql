-- Version 11: rules that are drafts or archived, versions that a second person approves, who did what.

-- Of a rule that is not live (deleted = 1): 0 it is deleted, 1 a draft that was never live or came back from the archive, 2 archived.
ALTER TABLE rules ADD COLUMN rests INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX rules_rest ON rules (name) WHERE deleted = 1 AND rests = 1;

CREATE TABLE approvals (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  uid     INTEGER NOT NULL,
  version INTEGER NOT NULL,
  verdict TEXT NOT NULL, -- request, approve, reject
  by      TEXT NOT NULL,
  comment TEXT,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_version ON approvals (uid, version, id);

ALTER TABLE audit ADD COLUMN who TEXT;
