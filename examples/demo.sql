-- Payments and six frauds to find in them. Each rule is a worked case: what the thief does, and what of it shows.
--   weir eval examples/demo.sql --input payments.jsonl          over a file
--   weir serve --load examples/demo.sql                         live; `make demo` does this

CREATE STREAM payments (
  id       STRING NOT NULL,
  ts       TIMESTAMP(3) NOT NULL,
  type     STRING NOT NULL,
  card     STRING NOT NULL,
  account  STRING,
  merchant STRING,
  mcc      BIGINT,
  country  STRING,
  channel  STRING,
  amount   DECIMAL(12,2),
  currency STRING,
  status   STRING,
  device   STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
);

-- Stolen numbers are tried with tiny amounts until one is approved, then the card is emptied.
CREATE RULE card_testing WITH (
  'severity'='critical',
  'title'='Card testing on {card}: {tries} small declines, then {cashout}',
  'description'='Three or more declined payments under 2, then an approved one over 500, within 10 minutes.'
) AS
SELECT card, tries, cashout, merchant
FROM payments
MATCH_RECOGNIZE (
  PARTITION BY card
  ORDER BY ts
  MEASURES COUNT(A.id) AS tries, B.amount AS cashout, B.merchant AS merchant
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A->{3,} -> B) WITHIN INTERVAL '10' MINUTE
  DEFINE A AS status = 'declined' AND amount < 2,
         B AS status = 'approved' AND amount > 500
);

-- One card cannot pay at tills of two countries within half an hour: one of them has a copy.
CREATE RULE impossible_travel WITH (
  'severity'='high',
  'title'='{card} pays in {from_country}, then in {to_country}',
  'description'='Two payments in a row in different countries within 30 minutes, the second at a till and over 100.'
) AS
SELECT card, from_country, to_country, amount
FROM payments
MATCH_RECOGNIZE (
  PARTITION BY card
  ORDER BY ts
  MEASURES A.country AS from_country, B.country AS to_country, B.amount AS amount
  AFTER MATCH NO SKIP
  PATTERN (A B) WITHIN INTERVAL '30' MINUTE
  DEFINE A AS type = 'payment',
         B AS type = 'payment' AND channel = 'pos' AND amount > 100 AND country <> A.country
);

-- A program orders faster than a person can: many small purchases at one kind of shop within a minute.
CREATE RULE card_velocity WITH (
  'severity'='high',
  'title'='{n} online purchases with {card} in a minute',
  'description'='Ten or more approved online purchases of one card within a minute, counted every 20 seconds.'
) AS
SELECT card, window_start, window_end, COUNT(*) AS n, SUM(amount) AS total
FROM TABLE(HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '60' SECOND))
WHERE type = 'payment' AND channel = 'ecom' AND status = 'approved' AND mcc = 5999
GROUP BY card, window_start, window_end
HAVING COUNT(*) >= 10;

-- A taken-over account is drained from several cards at once; each payment alone looks harmless.
CREATE RULE account_spend WITH (
  'severity'='medium',
  'title'='Account {account} spends {total} in 5 minutes',
  'description'='More than 5,000 from one account within 5 minutes, over all of its cards.'
) AS
SELECT account, window_start, window_end, SUM(amount) AS total, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '5' MINUTE))
WHERE type = 'payment' AND status = 'approved'
GROUP BY account, window_start, window_end
HAVING SUM(amount) > 5000;

-- Goods that sell at once are bought online, and what is left on the card is drawn at a machine.
CREATE RULE cash_out WITH (
  'severity'='high',
  'title'='{card}: {bought} online, then {drawn} in cash',
  'description'='An online payment of 1,000 or more, then a withdrawal over 50, within 30 minutes.'
) AS
SELECT card, bought, drawn
FROM payments
MATCH_RECOGNIZE (
  PARTITION BY card
  ORDER BY ts
  MEASURES A.amount AS bought, B.amount AS drawn
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A -> B) WITHIN INTERVAL '30' MINUTE
  DEFINE A AS type = 'payment' AND channel = 'ecom' AND status = 'approved' AND amount >= 1000,
         B AS type = 'payment' AND channel = 'atm' AND status = 'approved' AND amount > 50
);

-- No pattern at all: payments that somebody looks at anyway.
CREATE RULE large_payment WITH (
  'severity'='low',
  'title'='{card} pays {amount} to {merchant}',
  'description'='A single payment over 3,500.'
) AS
SELECT id, card, account, merchant, amount, country
FROM payments
WHERE type = 'payment' AND status = 'approved' AND amount > 3500;
