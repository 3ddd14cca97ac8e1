-- Tests of demo.sql: each fraud is found, and its honest neighbour is not.
--   weir test examples/demo.test.sql
INCLUDE 'demo.sql';

DEFAULT id = 'p', type = 'payment', card = 'c1', account = 'a1', country = 'CH', channel = 'ecom', mcc = 5411, status = 'approved', amount = 10;

TEST 'three small declines, then a large payment' ON payments
  AT 0s    status = 'declined', amount = 1.00
  AT 20s   status = 'declined', amount = 0.50
  AT 40s   status = 'declined', amount = 1.99
  AT 1m    card = 'c2', amount = 900            -- another card in between
  AT 2m    amount = 900, merchant = 'm9'
  EXPECT card_testing TIME 2m (card = 'c1', tries = 3, cashout = 900.00, merchant = 'm9');

TEST 'two declines are no card testing, nor is a slow one' ON payments
  AT 0s    status = 'declined', amount = 1.00
  AT 20s   status = 'declined', amount = 1.00
  AT 40s   amount = 900
  AT 1h    status = 'declined', amount = 1.00
  AT 1h1m  status = 'declined', amount = 1.00
  AT 1h2m  status = 'declined', amount = 1.00
  AT 1h10m amount = 900                         -- 10 minutes are over
  EXPECT NO card_testing;

TEST 'one card at tills of two countries' ON payments
  DEFAULT channel = 'pos', amount = 200
  AT 0s    country = 'CH'
  AT 10m   country = 'BR'
  AT 50m   country = 'CH'                       -- time enough to fly? not ours to say: over 30 minutes
  EXPECT impossible_travel (card = 'c1', from_country = 'CH', to_country = 'BR', amount = 200);

TEST 'ten purchases in a minute, in each window that has them all' ON payments
  DEFAULT mcc = 5999
  AT 0s   AT 1s   AT 2s   AT 3s   AT 4s
  AT 5s   AT 6s   AT 7s   AT 8s   AT 9s
  EXPECT card_velocity (card = 'c1', window_end = 20s, n = 10, total = 100.00)
  EXPECT card_velocity (card = 'c1', window_end = 40s, n = 10)
  EXPECT card_velocity (card = 'c1', window_end = 60s, n = 10);

TEST 'nine purchases are only shopping' ON payments
  DEFAULT mcc = 5999
  AT 0s   AT 1s   AT 2s   AT 3s   AT 4s   AT 5s   AT 6s   AT 7s   AT 8s
  EXPECT NO card_velocity;

TEST 'an account is drained over several cards' ON payments
  AT 1m   card = 'c1', amount = 2000
  AT 2m   card = 'c2', amount = 2000
  AT 3m   card = 'c3', amount = 1000.01
  AT 6m   card = 'c1', amount = 4000            -- the next window
  EXPECT account_spend TIME '2026-01-01 00:04:59.999' (account = 'a1', total = 5000.01, n = 3);

TEST 'bought online, then drawn at a machine' ON payments
  AT 0s   amount = 1500
  AT 10m  channel = 'atm', amount = 400
  EXPECT cash_out (card = 'c1', bought = 1500.00, drawn = 400)
  EXPECT NO TIMEOUT cash_out;

TEST 'only bought: the partial match is over after half an hour' ON payments
  AT 0s   amount = 1500
  AT 40m  channel = 'atm', amount = 400
  EXPECT NO cash_out
  EXPECT TIMEOUT cash_out TIME 30m;

TEST 'a large payment, at once and even when it is late' ON payments
  AT 1h   amount = 20
  AT 0s   amount = 3500.01, id = 'late'
  EXPECT large_payment (id = 'late', amount = 3500.01)
  EXPECT LATE cash_out (id = 'late');

TEST 'the event as it is posted' ON payments
  {"id": "p7", "ts": "2026-01-01T00:00:05Z", "type": "payment", "card": "c1", "amount": 3500.00, "status": "approved"}
  {"id": "p8", "ts": "2026-01-01T00:00:06Z", "type": "payment", "card": "c1", "amount": 3500.01, "status": "approved"}
  EXPECT large_payment (id = 'p8');
