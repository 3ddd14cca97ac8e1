-- Version 13: sinks, to which rules give what they find besides the alert store.

CREATE TABLE sinks (
  uid     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  name    TEXT NOT NULL UNIQUE COLLATE NOCASE,
  sql     TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
