-- Version 6: dead letters are looked at in groups, put right, sent again and deleted; timeouts of patterns are kept.

-- state: 0 it waits, 1 it is being sent, 2 it was sent, 3 it was deleted: of that only the place is left, so that a replay which finds
-- the row again leaves it alone. size: bytes as it came; raw is cut. logged: the offset in the log of what the stream refused.
ALTER TABLE dead_letters ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN logged INTEGER;
ALTER TABLE dead_letters ADD COLUMN edited BLOB;
ALTER TABLE dead_letters ADD COLUMN edited_at INTEGER;
ALTER TABLE dead_letters ADD COLUMN edited_by TEXT;
ALTER TABLE dead_letters ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN tried_at INTEGER;
ALTER TABLE dead_letters ADD COLUMN tried_by TEXT;
ALTER TABLE dead_letters ADD COLUMN sent_partition INTEGER;
ALTER TABLE dead_letters ADD COLUMN sent_offset INTEGER;
UPDATE dead_letters SET size = coalesce(length(raw), 0);

-- For which rules: a row may come too late for many, and is one letter.
CREATE TABLE dead_letter_rules (
  letter INTEGER NOT NULL,
  rule   TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (letter, rule)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letter_rules_rule ON dead_letter_rules (rule, letter);
INSERT INTO dead_letter_rules
  SELECT (SELECT min(b.id) FROM dead_letters b WHERE b.kind = a.kind AND b.stream = a.stream AND b.partition = a.partition
            AND b."offset" = a."offset" AND (a.kind = 'late' OR b.id = a.id)), a.rule
  FROM dead_letters a WHERE a.rule IS NOT NULL
  ON CONFLICT DO NOTHING;
DELETE FROM dead_letters WHERE kind = 'late' AND id NOT IN
  (SELECT min(id) FROM dead_letters WHERE kind = 'late' GROUP BY stream, partition, "offset");
UPDATE dead_letters SET rule = NULL WHERE kind = 'late';
DROP INDEX dead_letters_place;
CREATE UNIQUE INDEX dead_letters_place ON dead_letters (stream, partition, "offset", kind, coalesce(rule, ''))
  WHERE "offset" <> -1;
CREATE INDEX dead_letters_state ON dead_letters (state, id);
CREATE INDEX dead_letters_sent ON dead_letters (stream, sent_partition, sent_offset) WHERE sent_offset IS NOT NULL;

-- How far letters were let go, since no more are kept: what a replay finds before that is not a new one.
CREATE TABLE dead_floors (
  stream    INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  "offset"  INTEGER NOT NULL,
  PRIMARY KEY (stream, partition, kind)
) STRICT, WITHOUT ROWID;
-- Up to where the log of what a stream refused is in dead_letters.
CREATE TABLE dead_marks (
  stream INTEGER PRIMARY KEY,
  next   INTEGER NOT NULL
) STRICT;

-- dead: those that wait; dead_kept: and those that were sent; dead_gone: those that were deleted.
ALTER TABLE totals ADD COLUMN dead_kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN dead_gone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN timeouts INTEGER NOT NULL DEFAULT 0;
UPDATE totals SET dead = (SELECT count(*) FROM dead_letters), dead_kept = (SELECT count(*) FROM dead_letters);
CREATE TRIGGER dead_letters_in AFTER INSERT ON dead_letters BEGIN
  UPDATE totals SET dead = dead + (NEW.state < 2), dead_kept = dead_kept + (NEW.state < 3),
                    dead_gone = dead_gone + (NEW.state = 3);
END;
CREATE TRIGGER dead_letters_out AFTER DELETE ON dead_letters BEGIN
  UPDATE totals SET dead = dead - (OLD.state < 2), dead_kept = dead_kept - (OLD.state < 3),
                    dead_gone = dead_gone - (OLD.state = 3);
  DELETE FROM dead_letter_rules WHERE letter = OLD.id;
END;
CREATE TRIGGER dead_letters_moved AFTER UPDATE OF state ON dead_letters BEGIN
  UPDATE totals SET dead = dead + (NEW.state < 2) - (OLD.state < 2),
                    dead_kept = dead_kept + (NEW.state < 3) - (OLD.state < 3),
                    dead_gone = dead_gone + (NEW.state = 3) - (OLD.state = 3);
END;

-- Partial matches whose time was over: the newest of each rule.
CREATE TABLE timeouts (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE, -- of the result: a replay finds it again
  rule_uid     INTEGER NOT NULL,
  rule_name    TEXT NOT NULL COLLATE NOCASE,
  rule_version INTEGER NOT NULL,
  time         INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  key_json     TEXT NOT NULL,
  row_json     TEXT NOT NULL,
  vars_json    TEXT
) STRICT;
CREATE INDEX timeouts_rule ON timeouts (rule_name, seq);
CREATE INDEX timeouts_time ON timeouts (rule_uid, time); -- the earliest are let go
CREATE INDEX timeouts_created ON timeouts (created);
CREATE TRIGGER timeouts_in AFTER INSERT ON timeouts BEGIN UPDATE totals SET timeouts = timeouts + 1; END;
CREATE TRIGGER timeouts_out AFTER DELETE ON timeouts BEGIN UPDATE totals SET timeouts = timeouts - 1; END;
