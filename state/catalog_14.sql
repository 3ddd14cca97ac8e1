-- Version 14: a rule's version may take over the state of another rule: of one that ran beside it, or was made for it.

ALTER TABLE cuts ADD COLUMN from_uid INTEGER NOT NULL DEFAULT 0; -- job.h; 0: of the version before it
