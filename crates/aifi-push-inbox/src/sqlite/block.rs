//! Blocks of 1,024 sequence numbers: what is counted for each, and what follows from the counts.

/// How many bits of a sequence number are its place in the block.
const BITS: u32 = 10;

/// The block of a sequence number.
pub(super) fn of(seq: i64) -> i64 {
    seq >> BITS
}

/// The first and the last sequence number of a block.
pub(super) fn range(block: i64) -> (i64, i64) {
    let first = block << BITS;
    (first, first | ((1 << BITS) - 1))
}

/// Whether `event_block AS b` may contain events that every consumer acknowledged.
pub(super) const HAS_DONE: &str = "accepted > 0
    AND block <= (SELECT min(cursor) FROM consumer) >> 10
    AND NOT EXISTS (
        SELECT 1 FROM delivery_block AS d WHERE d.block = b.block AND waiting + dead >= accepted)";

/// The number of events that a consumer has yet to acknowledge, of a row of `consumer`.
pub(super) const PENDING: &str = "
    (SELECT coalesce(sum(accepted), 0) FROM event_block WHERE block > cursor >> 10)
    + (SELECT count(*) FROM event WHERE seq BETWEEN cursor + 1 AND cursor | 1023 AND problem IS NULL)
    + (SELECT coalesce(sum(waiting), 0) FROM delivery_block WHERE consumer = name)";
