-- Version 12: who made a version active and why (a draft has its own author), and the version whose text a way back has.

ALTER TABLE versions ADD COLUMN activated_by TEXT;
ALTER TABLE versions ADD COLUMN activated_reason TEXT;
ALTER TABLE versions ADD COLUMN rollback_to INTEGER NOT NULL DEFAULT 0;
