//! What operators ask for: redelivery, and removing.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::{block, rows};
use crate::consumer_name::ConsumerName;

/// How long a transaction requeues dead letters.
const REQUEUE_STEP: Duration = Duration::from_millis(10);

/// Returns the number of events that were quarantined or dead.
pub(super) fn requeue(transaction: &Transaction<'_>, ids: &[Uuid]) -> rusqlite::Result<u64> {
    let mut find = transaction.prepare_cached(
        "SELECT DISTINCT seq, problem IS NOT NULL,
             EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq AND due_at IS NULL)
         FROM json_each(?) AS asked CROSS JOIN event AS e ON e.id = unhex(asked.value)",
    )?;
    let (mut quarantined, mut dead, mut count) = (Vec::new(), Vec::new(), 0);
    let hex = ids.iter().map(|id| id.simple().to_string());
    let mut rows = find.query([json_list(hex)])?;
    while let Some(row) = rows.next()? {
        let (seq, is_quarantined, is_dead): (i64, bool, bool) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        quarantined.extend(is_quarantined.then_some(seq));
        dead.extend(is_dead.then_some(seq));
        count += u64::from(is_quarantined || is_dead);
    }
    let mut accept = transaction.prepare_cached(
        "UPDATE event SET problem = NULL WHERE seq IN (SELECT value FROM json_each(?))",
    )?;
    accept.execute([json_list(quarantined.iter().copied())])?;
    // Consumers whose cursor has passed it would not receive it.
    let mut deliver = transaction.prepare_cached(
        "INSERT INTO delivery (consumer, seq, attempts, due_at)
         SELECT name, value, 0, ?2 FROM json_each(?1), consumer WHERE cursor >= value",
    )?;
    deliver.execute(params![json_list(quarantined.iter().copied()), rows::now()])?;
    // In one statement, as each would cost more than what it does.
    let mut revive = transaction.prepare_cached(
        "UPDATE delivery SET attempts = 0, due_at = ?2
         WHERE seq IN (SELECT value FROM json_each(?1)) AND due_at IS NULL",
    )?;
    revive.execute(params![json_list(dead), rows::now()])?;
    Ok(count)
}

/// Requeues the dead letters of a block and those after it, as long as a step takes. Returns the number of
/// events, and the block to go on with if there is one. It reads no events, as these are spread over
/// the whole file.
pub(super) fn requeue_dead_letters(
    transaction: &Transaction<'_>,
    from: i64,
) -> rusqlite::Result<(u64, Option<i64>)> {
    let start = Instant::now();
    let mut next = transaction.prepare_cached(
        "SELECT block FROM delivery_block WHERE block >= ? AND dead > 0 ORDER BY block LIMIT 1",
    )?;
    let mut count = transaction.prepare_cached(
        "SELECT count(DISTINCT seq) FROM delivery WHERE seq BETWEEN ? AND ? AND due_at IS NULL",
    )?;
    let mut revive = transaction.prepare_cached(
        "UPDATE delivery SET attempts = 0, due_at = ?3
         WHERE seq BETWEEN ?1 AND ?2 AND due_at IS NULL",
    )?;
    let (mut requeued, mut from) = (0, from);
    loop {
        let block = next.query_row([from], |row| row.get(0)).optional()?;
        if block.is_none() || start.elapsed() >= REQUEUE_STEP {
            return Ok((requeued, block));
        }
        if let Some(block) = block {
            let (first, last) = block::range(block);
            requeued += count.query_row([first, last], |row| row.get::<_, u64>(0))?;
            revive.execute([first, last, rows::now()])?;
            from = block + 1;
        }
    }
}

/// Values as a parameter for `json_each`.
fn json_list(values: impl IntoIterator<Item = impl Into<serde_json::Value>>) -> String {
    let values = values.into_iter().map(Into::into);
    serde_json::Value::Array(values.collect()).to_string()
}

/// Returns the number of events that are delivered again.
pub(super) fn replay(
    transaction: &Transaction<'_>,
    consumer: &ConsumerName,
    events: &[(Uuid, DateTime<Utc>)],
) -> rusqlite::Result<u64> {
    let mut replay = transaction.prepare_cached(
        "INSERT INTO delivery (consumer, seq, attempts, due_at)
         SELECT c.name, e.seq, 0, ?3 FROM consumer AS c, event AS e
         WHERE c.name = ?1 AND e.id = ?2 AND e.seq <= c.cursor AND e.problem IS NULL
         ON CONFLICT DO UPDATE SET attempts = 0, lease = NULL, due_at = excluded.due_at
         WHERE delivery.due_at IS NULL",
    )?;
    let mut count = 0;
    for (id, not_before) in events {
        let replayed = replay.execute(params![
            consumer.as_str(),
            id.as_bytes(),
            not_before.timestamp_micros()
        ])?;
        count += replayed as u64;
    }
    Ok(count)
}

/// Returns whether there was such an event.
pub(super) fn discard(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<bool> {
    let Some(seq) = rows::seq(transaction, id)? else {
        return Ok(false);
    };
    transaction.execute("DELETE FROM event WHERE seq = ?", [seq])?;
    rows::delete_subjects(transaction, &[seq])?;
    Ok(true)
}

/// Returns the number of events that were quarantined.
pub(super) fn discard_quarantined(
    transaction: &Transaction<'_>,
    ids: &[Uuid],
) -> rusqlite::Result<u64> {
    let mut delete = transaction
        .prepare_cached("DELETE FROM event WHERE id = ? AND problem IS NOT NULL RETURNING seq")?;
    let mut count = 0;
    for id in ids {
        let deleted = delete.query_row([id.as_bytes()], |row| row.get(0));
        if let Some(seq) = deleted.optional()? {
            rows::delete_subjects(transaction, &[seq])?;
            count += 1;
        }
    }
    Ok(count)
}

/// Returns the number of events that were dead letters of the consumer.
pub(super) fn discard_dead_letters(
    transaction: &Transaction<'_>,
    consumer: &ConsumerName,
    ids: &[Uuid],
) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM delivery WHERE consumer = ?1 AND due_at IS NULL
         AND seq = (SELECT seq FROM event WHERE id = ?2)",
    )?;
    let mut count = 0;
    for id in ids {
        count += delete.execute(params![consumer.as_str(), id.as_bytes()])? as u64;
    }
    Ok(count)
}

/// Returns whether there is such a consumer.
pub(super) fn set_paused(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    is_paused: bool,
) -> rusqlite::Result<bool> {
    let changed = transaction.execute(
        "UPDATE consumer SET is_paused = ? WHERE name = ?",
        params![is_paused, name.as_str()],
    )?;
    Ok(changed > 0)
}

/// Returns whether there was such a consumer.
pub(super) fn remove_consumer(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
) -> rusqlite::Result<bool> {
    let deleted = transaction.execute("DELETE FROM consumer WHERE name = ?", [name.as_str()])?;
    Ok(deleted > 0)
}
