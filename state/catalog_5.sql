-- Version 5: an alert that is changed keeps what it was; one that takes the place of others names them.
CREATE TABLE alert_revisions (
  id           TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  time         INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  window_start INTEGER,
  window_end   INTEGER,
  title        TEXT,
  row_json     TEXT NOT NULL,
  retracted    INTEGER NOT NULL,
  PRIMARY KEY (id, revision)
) STRICT, WITHOUT ROWID;
ALTER TABLE alerts ADD COLUMN replaces TEXT;
ALTER TABLE alerts ADD COLUMN replaced_by TEXT;
