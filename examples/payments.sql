-- The stream of payments that `weir gen` makes and the rules of demo.sql read. Post events to it as JSON lines:
--   POST /api/v1/streams/payments/events
CREATE STREAM payments (
  id       STRING NOT NULL,
  ts       TIMESTAMP(3) NOT NULL,           -- ms since 1970, or ISO 8601
  type     STRING NOT NULL,                 -- 'payment' or 'confirm'
  card     STRING NOT NULL,
  account  STRING,
  merchant STRING,
  mcc      BIGINT,                          -- merchant category: 7995 gambling, 5732 electronics, …
  country  STRING,
  channel  STRING,                          -- 'pos', 'ecom', 'atm'
  amount   DECIMAL(12,2),
  currency STRING,
  status   STRING,                          -- 'approved', 'declined'
  device   STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND      -- events come up to two seconds out of order
);
