-- Rules that ask lists; people edit these while the rules run (dashboard: g l, REST: /api/v1/lists). The stream is payments.sql's.
CREATE LIST blocked_cards (card STRING PRIMARY KEY, reason STRING);
CREATE LIST trusted_merchants (merchant STRING PRIMARY KEY);

-- A card that is known to be stolen is used.
CREATE RULE blocked_card WITH ('severity'='high', 'title'='Blocked card {card} was used') AS
SELECT id, card, amount, merchant
FROM payments
WHERE card IN LIST blocked_cards;

-- Large payments in a row to merchants that nobody has vouched for.
CREATE RULE spree WITH ('title'='{n} large payments of {card}') AS
SELECT card, n, total
FROM payments
MATCH_RECOGNIZE (
  PARTITION BY card ORDER BY ts
  MEASURES COUNT(A.id) AS n, SUM(A.amount) AS total
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A{3}) WITHIN INTERVAL '10' MINUTE
  DEFINE A AS status = 'approved' AND amount > 400 AND merchant NOT IN LIST trusted_merchants
);
