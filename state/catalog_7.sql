-- Version 7: tables of databases outside, in which rules look rows up.

CREATE TABLE tables (
  uid     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  name    TEXT NOT NULL UNIQUE COLLATE NOCASE,
  sql     TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
