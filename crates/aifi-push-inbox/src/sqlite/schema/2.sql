-- Deliveries whose lease may run out are found apart from retries: an event whose last attempt
-- reported no outcome is delivered alone.
DROP INDEX delivery_due;
CREATE INDEX delivery_retry ON delivery (consumer, due_at, seq)
    WHERE due_at IS NOT NULL AND lease IS NULL;
CREATE INDEX delivery_leased ON delivery (consumer, due_at, seq) WHERE lease IS NOT NULL;
