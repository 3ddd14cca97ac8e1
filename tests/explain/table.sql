CREATE STREAM payments (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, status STRING, amount DECIMAL(12,2),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);
CREATE TABLE accounts (card STRING PRIMARY KEY, household STRING, credit_limit DECIMAL(12,2))
  WITH ('connector'='postgres', 'url-env'='BANK_URL', 'table'='bank.accounts', 'timeout'='500 ms');
CREATE TABLE houses (name STRING PRIMARY KEY, city STRING) WITH ('connector'='sqlite', 'path'='houses.db', 'output'='unordered', 'on-error'='null', 'retries'='0');
CREATE RULE over_limit AS SELECT p.id, a.household, h.city
FROM payments AS p JOIN accounts FOR SYSTEM_TIME AS OF p.ts AS a ON a.card = UPPER(p.card)
  LEFT JOIN houses FOR SYSTEM_TIME AS OF p.ts AS h ON h.name = a.household
WHERE p.amount > a.credit_limit AND p.status = 'approved';
CREATE RULE often AS SELECT household, COUNT(*) AS n
FROM TABLE(TUMBLE((SELECT p.*, a.household FROM payments AS p JOIN accounts FOR SYSTEM_TIME AS OF p.ts AS a ON a.card = p.card), DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY household, window_start, window_end HAVING COUNT(*) > 10;
EXPLAIN RULE over_limit;
EXPLAIN RULE often;
EXPLAIN RULE over_limit (FORMAT JSON);
