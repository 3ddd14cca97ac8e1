-- Version 4: look-ups read the other columns of a list, so an edit has the item's row before and after. NULL: it was not, or
-- is no longer, there; of edits of before, '': only the key is known.
ALTER TABLE list_edits ADD COLUMN before TEXT;
ALTER TABLE list_edits ADD COLUMN row TEXT;
UPDATE list_edits SET before = CASE WHEN there THEN NULL ELSE '' END, row = CASE WHEN there THEN '' ELSE NULL END;
