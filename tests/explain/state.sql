-- How much each pattern keeps for a key, and what of it has no bound.
CREATE STREAM p (id STRING, ts TIMESTAMP(3) NOT NULL, card STRING, amount BIGINT, WATERMARK FOR ts AS ts);
CREATE RULE next_rows AS SELECT card FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
  PATTERN (A B{2,4} (C | D E)) DEFINE A AS amount = 1, B AS amount = 2, C AS amount = 3, D AS amount = 4, E AS amount = 5);
CREATE RULE timed AS SELECT card FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
  PATTERN (A -> B{1,3} -> !C -> D) WITHIN INTERVAL '5' MINUTE DEFINE A AS amount = 1, B AS amount = 2, C AS amount = 3, D AS amount = 4);
CREATE RULE endless_loop AS SELECT card FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
  PATTERN (A+ B) DEFINE A AS amount = 1, B AS amount = 2);
CREATE RULE endless_wait AS SELECT card FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts AFTER MATCH NO SKIP
  PATTERN (A -> B) DEFINE A AS amount = 1, B AS amount = 2);
CREATE RULE combinations AS SELECT card FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts AFTER MATCH NO SKIP
  PATTERN (A ->>+ B) WITHIN INTERVAL '1' MINUTE DEFINE A AS amount = 1, B AS amount = 2);
CREATE RULE one_row AS SELECT card FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts PATTERN (A | B) DEFINE A AS amount = 1, B AS amount = 2);
EXPLAIN RULE next_rows;
EXPLAIN RULE next_rows (FORMAT DOT);
EXPLAIN RULE timed;
EXPLAIN RULE endless_loop;
EXPLAIN RULE endless_wait;
EXPLAIN RULE combinations;
EXPLAIN RULE one_row;
