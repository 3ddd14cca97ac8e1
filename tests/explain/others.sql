-- A filter and a window: no automaton, so DOT draws the steps.
CREATE STREAM p (id STRING, ts TIMESTAMP(3) NOT NULL, card STRING, country STRING, amount DECIMAL(12,2), WATERMARK FOR ts AS ts);
CREATE RULE r1 AS SELECT id FROM p WHERE country = 'A' AND amount > 5;
CREATE RULE r2 AS SELECT id FROM p WHERE country = 'B';
CREATE RULE r3 AS SELECT id FROM p WHERE country = 'C';
CREATE RULE r4 AS SELECT id FROM p WHERE country = 'D' AND amount > 5;
CREATE RULE day AS SELECT card, SUM(amount) AS total FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '1' DAY, INTERVAL '8' HOUR))
  GROUP BY card, window_end HAVING SUM(amount) > 1000;
EXPLAIN RULE r1;
EXPLAIN RULE r1 (FORMAT DOT);
EXPLAIN RULE day;
EXPLAIN RULE day (FORMAT DOT);
EXPLAIN RULE day (FORMAT JSON);
CREATE RULE visits WITH ('allowed-lateness'='1 min', 'state-ttl'='7 d') AS SELECT card, COUNT(*) AS n FROM TABLE(SESSION(TABLE p PARTITION BY card, DESCRIPTOR(ts), INTERVAL '30' MINUTE)) GROUP BY card, window_start;
CREATE RULE last_ten WITH ('state-ttl'='7 d') AS SELECT card, SUM(amount) AS total FROM TABLE(COUNT_HOP(TABLE p PARTITION BY card, 2, 10)) GROUP BY card;
CREATE RULE ever WITH ('trigger'='count 100', 'purge'='true') AS SELECT card, COUNT(*) AS n FROM TABLE(GLOBAL(TABLE p)) GROUP BY card;
EXPLAIN RULE visits;
EXPLAIN RULE last_ten;
EXPLAIN RULE ever;
