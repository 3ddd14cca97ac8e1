-- Version 3: a rule may read several streams, so a mark says of which it is. Rules of before read one, 0 here.
CREATE TABLE marks_of_streams (
  uid       INTEGER NOT NULL,
  cut       INTEGER NOT NULL,
  stream    INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  "offset"  INTEGER NOT NULL,
  w         INTEGER NOT NULL,
  PRIMARY KEY (uid, cut, stream, partition)
) STRICT, WITHOUT ROWID;
INSERT INTO marks_of_streams SELECT uid, cut, 0, partition, "offset", w FROM marks;
DROP TABLE marks;
ALTER TABLE marks_of_streams RENAME TO marks;
