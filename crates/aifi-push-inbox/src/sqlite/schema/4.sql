-- A consumer that is paused receives nothing.
ALTER TABLE consumer ADD COLUMN is_paused INTEGER NOT NULL DEFAULT 0;

-- What operators did.
CREATE TABLE action (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Microseconds since 1970, UTC.
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    count INTEGER NOT NULL,
    reason TEXT
) STRICT;
