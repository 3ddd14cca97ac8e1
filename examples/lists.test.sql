-- Tests of lists.sql:  weir test examples/lists.test.sql
INCLUDE 'payments.sql';
INCLUDE 'lists.sql';

INSERT INTO blocked_cards VALUES ('c9', 'stolen');
INSERT INTO trusted_merchants VALUES ('m1');

DEFAULT id = 'p', type = 'payment', card = 'c1', account = 'a1', country = 'CH', channel = 'ecom', mcc = 5411, status = 'approved', amount = 10;

TEST 'a blocked card, and another' ON payments
  AT 0s    card = 'c9', merchant = 'm7'
  AT 1s    card = 'c1'
  EXPECT blocked_card (card = 'c9', merchant = 'm7');

TEST 'three large payments, but not where somebody has vouched' ON payments
  DEFAULT amount = 500
  AT 0s    merchant = 'm2'
  AT 1m    merchant = 'm3'
  AT 2m    merchant = 'm2'
  AT 20m   merchant = 'm2'
  AT 21m   merchant = 'm1'
  AT 22m   merchant = 'm2'
  EXPECT spree (card = 'c1', n = 3, total = 1500);
