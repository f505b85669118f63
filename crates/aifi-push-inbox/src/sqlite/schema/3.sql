-- Headers of the request that matter later, a JSON object; null if there are none.
ALTER TABLE event ADD COLUMN headers TEXT;

-- What is counted, for each block of 1,024 sequence numbers: so few rows that all of them are read
-- at once. Triggers keep them, whatever inserts and deletes.
CREATE TABLE event_block (
    block INTEGER PRIMARY KEY,
    events INTEGER NOT NULL,
    -- Those that are not quarantined.
    accepted INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    -- No event of the block arrived before or after these.
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    -- Whether `subject` lists all of its events. Those of earlier versions are indexed later.
    is_indexed INTEGER NOT NULL DEFAULT 1
) STRICT;

INSERT INTO event_block
SELECT seq >> 10, count(*), sum(problem IS NULL), sum(size), min(received_at), max(received_at), 0
FROM event GROUP BY 1;

CREATE TRIGGER event_inserted AFTER INSERT ON event BEGIN
    INSERT INTO event_block (block, events, accepted, bytes, oldest, newest)
    VALUES (NEW.seq >> 10, 1, NEW.problem IS NULL, NEW.size, NEW.received_at, NEW.received_at)
    ON CONFLICT (block) DO UPDATE SET
        events = events + 1,
        accepted = accepted + excluded.accepted,
        bytes = bytes + excluded.bytes,
        oldest = min(oldest, excluded.oldest),
        newest = max(newest, excluded.newest);
END;

CREATE TRIGGER event_deleted AFTER DELETE ON event BEGIN
    UPDATE event_block SET
        events = events - 1,
        accepted = accepted - (OLD.problem IS NULL),
        bytes = bytes - OLD.size
    WHERE block = OLD.seq >> 10;
    DELETE FROM event_block WHERE block = OLD.seq >> 10 AND events = 0;
END;

CREATE TRIGGER event_requeued AFTER UPDATE OF problem ON event BEGIN
    UPDATE event_block
    SET accepted = accepted + (NEW.problem IS NULL) - (OLD.problem IS NULL)
    WHERE block = NEW.seq >> 10;
END;

-- The same of deliveries.
CREATE TABLE delivery_block (
    block INTEGER NOT NULL,
    consumer TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    PRIMARY KEY (block, consumer)
) STRICT, WITHOUT ROWID;

INSERT INTO delivery_block
SELECT seq >> 10, consumer, sum(due_at IS NOT NULL), sum(due_at IS NULL)
FROM delivery GROUP BY 1, 2;

CREATE TRIGGER delivery_inserted AFTER INSERT ON delivery BEGIN
    INSERT INTO delivery_block
    VALUES (NEW.seq >> 10, NEW.consumer, NEW.due_at IS NOT NULL, NEW.due_at IS NULL)
    ON CONFLICT (block, consumer) DO UPDATE SET
        waiting = waiting + excluded.waiting,
        dead = dead + excluded.dead;
END;

CREATE TRIGGER delivery_deleted AFTER DELETE ON delivery BEGIN
    UPDATE delivery_block SET
        waiting = waiting - (OLD.due_at IS NOT NULL),
        dead = dead - (OLD.due_at IS NULL)
    WHERE block = OLD.seq >> 10 AND consumer = OLD.consumer;
    DELETE FROM delivery_block
    WHERE block = OLD.seq >> 10 AND consumer = OLD.consumer AND waiting + dead = 0;
END;

CREATE TRIGGER delivery_changed AFTER UPDATE OF due_at ON delivery
WHEN (OLD.due_at IS NULL) <> (NEW.due_at IS NULL) BEGIN
    UPDATE delivery_block SET
        waiting = waiting + (NEW.due_at IS NOT NULL) - (OLD.due_at IS NOT NULL),
        dead = dead + (NEW.due_at IS NULL) - (OLD.due_at IS NULL)
    WHERE block = NEW.seq >> 10 AND consumer = NEW.consumer;
END;

-- Whom and what events are about, to find them for a person's request. Entries of a block lie
-- together, so that appending and deleting touches few pages.
CREATE TABLE subject (
    block INTEGER NOT NULL,
    -- The first bytes of the SHA-256 of kind and value.
    hash INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (block, hash, seq)
) STRICT, WITHOUT ROWID;
