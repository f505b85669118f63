-- What arrived, in the order of arrival. Bodies lie apart, so that counting and filtering is quick.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    -- Microseconds since 1970, UTC.
    received_at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    digest BLOB NOT NULL,
    -- Bytes of the body.
    size INTEGER NOT NULL,
    -- Why the body does not decode; such an event is quarantined.
    problem TEXT
) STRICT;

CREATE INDEX event_received_at ON event (received_at);
CREATE INDEX event_quarantined ON event (seq) WHERE problem IS NOT NULL;

CREATE TABLE body (
    seq INTEGER PRIMARY KEY REFERENCES event (seq) ON DELETE CASCADE,
    bytes BLOB NOT NULL
) STRICT;

-- A consumer has been handed every event up to its cursor.
CREATE TABLE consumer (
    name TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a consumer was handed and is not done with.
CREATE TABLE delivery (
    consumer TEXT NOT NULL REFERENCES consumer (name) ON DELETE CASCADE,
    seq INTEGER NOT NULL REFERENCES event (seq) ON DELETE CASCADE,
    attempts INTEGER NOT NULL,
    -- Tells the last hand-out from earlier ones.
    lease INTEGER,
    -- When to hand it out again, in microseconds since 1970; null for a dead letter.
    due_at INTEGER,
    problem TEXT,
    PRIMARY KEY (consumer, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_due ON delivery (consumer, due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_event ON delivery (seq);

-- One row, to see whether the disk takes it.
CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bytes BLOB NOT NULL
) STRICT;
