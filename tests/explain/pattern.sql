-- A pattern beside a filter and a window that have conditions in common with it.
CREATE STREAM p (id STRING, ts TIMESTAMP(3) NOT NULL, card STRING, status STRING, amount DECIMAL(12,2),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);
CREATE RULE testing AS SELECT card, n FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES COUNT(A.id) AS n
  PATTERN (A ->{3,} -> B) WITHIN INTERVAL '10' MINUTE
  DEFINE A AS status = 'declined' AND amount < 2, B AS status = 'approved' AND amount > 10 * AVG(A.amount));
CREATE RULE large AS SELECT id FROM p WHERE status = 'approved' AND amount > 500;
CREATE RULE busy AS SELECT card, COUNT(DISTINCT id) AS n
  FROM TABLE(HOP(TABLE p, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND))
  WHERE status = 'approved' GROUP BY card, window_start HAVING COUNT(*) > 3;
EXPLAIN RULE testing;
EXPLAIN RULE testing (FORMAT DOT);
EXPLAIN RULE testing (FORMAT JSON);
