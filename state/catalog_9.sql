-- Version 9: backtests.
CREATE TABLE backtests (
  id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: its folder is named by it
  state   INTEGER NOT NULL,
  rule    TEXT NOT NULL COLLATE NOCASE,
  plan    TEXT NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER,
  ended   INTEGER,
  error   TEXT,
  result  TEXT
) STRICT;
CREATE INDEX backtests_rule ON backtests (rule, id);
