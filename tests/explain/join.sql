-- A join: what each side is asked, what is equal, how far apart, what of the rest is asked of pairs.
CREATE STREAM logins (id BIGINT, card STRING, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector'='inline');
CREATE STREAM payments (id BIGINT, card STRING NOT NULL, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector'='inline');
CREATE RULE unknown AS SELECT p.id, p.card, l.id AS login FROM payments p LEFT JOIN logins l
  ON l.card = p.card AND l.ts BETWEEN p.ts - INTERVAL '5' MINUTE AND p.ts AND l.amount > 3 AND p.amount > 10 AND p.amount > l.amount
  WHERE l.id IS NULL;
CREATE RULE twice AS SELECT a.id AS x, b.id AS y FROM payments a JOIN payments b
  ON UPPER(a.card) IS NOT DISTINCT FROM b.card AND b.ts > a.ts AND b.ts - a.ts < INTERVAL '2' SECOND WHERE a.amount > 10;
CREATE RULE large AS SELECT id FROM payments WHERE amount > 10;
EXPLAIN RULE unknown;
EXPLAIN RULE unknown (FORMAT JSON);
EXPLAIN RULE twice;
EXPLAIN RULE twice (FORMAT DOT);
CREATE RULE windowed AS SELECT l.id, r.window_end FROM TABLE(HOP(TABLE logins, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)) AS l
  JOIN TABLE(HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)) AS r
  ON l.card = r.card AND l.window_start = r.window_start AND l.amount < r.amount;
EXPLAIN RULE windowed;
EXPLAIN RULE windowed (FORMAT JSON);
