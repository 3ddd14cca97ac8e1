CREATE RULE join_twice AS
SELECT a.card, a.id AS a_id, b.id AS b_id, b.amount
FROM payments AS a JOIN payments AS b
  ON a.card = b.card AND b.ts > a.ts AND b.ts <= a.ts + INTERVAL '1' MINUTE AND a.country <> b.country;
