-- Version 15: whether a version that runs beside the active one began with that one's state, and which version it became.

ALTER TABLE trials ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trials ADD COLUMN became INTEGER NOT NULL DEFAULT 0; -- the rule's, with the state that it had; 0: none
