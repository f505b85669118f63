//! Storing events.

use rusqlite::{Transaction, params};

use super::block;
use crate::{event::NewEvent, subject::Subject};

/// An event to store, with what is read from its body: not by the thread that writes, which everyone
/// waits for.
pub(super) struct Prepared {
    new: NewEvent,
    subjects: Vec<i64>,
}

impl From<NewEvent> for Prepared {
    fn from(new: NewEvent) -> Self {
        Self {
            subjects: Subject::hashes(&new.event),
            new,
        }
    }
}

/// Stores events, and leaves those as they are whose id is stored already.
pub(super) fn append(transaction: &Transaction<'_>, events: &[Prepared]) -> rusqlite::Result<()> {
    let mut event_row = transaction.prepare_cached(
        "INSERT INTO event (id, received_at, operation, digest, size, problem, headers)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )?;
    let mut body_row = transaction.prepare_cached("INSERT INTO body (seq, bytes) VALUES (?, ?)")?;
    for Prepared { new, subjects } in events {
        let event = &new.event;
        let inserted = event_row.execute(params![
            event.id.as_bytes(),
            event.received_at.timestamp_micros(),
            event.operation,
            event.digest.as_bytes(),
            event.body.len(),
            new.problem(),
            event.headers_to_json(),
        ])?;
        if inserted > 0 {
            let seq = transaction.last_insert_rowid();
            body_row.execute(params![seq, &event.body[..]])?;
            index(transaction, seq, subjects)?;
        }
    }
    Ok(())
}

/// Stores whom and what an event is about.
fn index(transaction: &Transaction<'_>, seq: i64, subjects: &[i64]) -> rusqlite::Result<()> {
    let mut subject_row = transaction.prepare_cached(
        "INSERT INTO subject (block, hash, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    for hash in subjects {
        subject_row.execute([block::of(seq), *hash, seq])?;
    }
    Ok(())
}

/// Writes as much as some events take. The bytes are random, so that they take room as events do.
pub(super) fn probe(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO probe (one, bytes) VALUES (1, randomblob(65536))
             ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes",
        )?
        .execute([])?;
    Ok(())
}
