-- What EXPLAIN says of time: which clock a rule goes by, and where a replay may differ.
CREATE STREAM quiet (card STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('idle-timeout'='30 s');
CREATE STREAM arrived (card STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('time'='ingestion', 'idle-timeout'='1 min');
CREATE STREAM now (card STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('time'='processing');
CREATE STREAM tail (card STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector'='file', 'path'='x.jsonl', 'follow'='true', 'idle-timeout'='5 s');
CREATE RULE of_quiet AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE quiet, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start, window_end;
CREATE RULE of_arrived AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE arrived, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start, window_end;
CREATE RULE of_now AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE now, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start, window_end;
CREATE RULE of_tail AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE tail, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start, window_end;
CREATE RULE by_clock WITH ('trigger'='processing-time') AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE quiet, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start, window_end;
EXPLAIN RULE of_quiet; EXPLAIN RULE of_arrived; EXPLAIN RULE of_now; EXPLAIN RULE of_tail; EXPLAIN RULE by_clock; EXPLAIN RULE by_clock (FORMAT JSON);
