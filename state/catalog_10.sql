-- Version 10: a version that runs beside the active one of its rule: as a shadow, or for a share of the keys.

-- Of a rule that stands for another: its results have that one's ids.
ALTER TABLE rules ADD COLUMN stands_for INTEGER NOT NULL DEFAULT 0;

-- Compared are results with a time in [began, ended); event time. state: 0 it runs, 1 it was ended and its last results are
-- waited for, 2 it is gone.
CREATE TABLE trials (
  uid     INTEGER PRIMARY KEY, -- of the rule that stands for rule
  rule    INTEGER NOT NULL,
  old     INTEGER NOT NULL, -- the version beside which it runs
  version INTEGER NOT NULL,
  state   INTEGER NOT NULL DEFAULT 0,
  began   INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  created INTEGER NOT NULL, -- wall clock
  author  TEXT,
  reason  TEXT
) STRICT;
CREATE INDEX trials_rule ON trials (rule, uid);

-- From an event time on: the share of the keys whose results are told by the new version, in hundredths.
CREATE TABLE trial_shares (
  uid     INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  w       INTEGER NOT NULL,
  percent INTEGER NOT NULL,
  at      INTEGER NOT NULL, -- wall clock
  author  TEXT,
  reason  TEXT,
  PRIMARY KEY (uid, n)
) STRICT, WITHOUT ROWID;

-- What both versions have found while both ran, told or not: the same id is the same result. side: 0 old, 1 new.
CREATE TABLE trial_results (
  trial    INTEGER NOT NULL,
  id       TEXT NOT NULL,
  side     INTEGER NOT NULL,
  time     INTEGER NOT NULL, -- event time
  told     INTEGER NOT NULL,
  key_json TEXT NOT NULL,
  row_json TEXT NOT NULL,
  PRIMARY KEY (trial, id, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX trial_results_time ON trial_results (trial, time);

-- Sums of those that were let go, since there were too many.
CREATE TABLE trial_hours (
  trial    INTEGER NOT NULL,
  hour     INTEGER NOT NULL,
  only_old INTEGER NOT NULL,
  both     INTEGER NOT NULL,
  only_new INTEGER NOT NULL,
  told_old INTEGER NOT NULL,
  told_new INTEGER NOT NULL,
  PRIMARY KEY (trial, hour)
) STRICT, WITHOUT ROWID;

-- What people say of an alert.
CREATE TABLE alert_labels (
  id    TEXT PRIMARY KEY,
  label TEXT NOT NULL, -- fraud, legit
  by    TEXT,
  at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
