//! Storing events.

use rusqlite::{Transaction, params};

use crate::event::NewEvent;

/// Stores events, and leaves those as they are whose id is stored already.
pub(super) fn append(transaction: &Transaction<'_>, events: &[NewEvent]) -> rusqlite::Result<()> {
    let mut event_row = transaction.prepare_cached(
        "INSERT INTO event (id, received_at, operation, digest, size, problem, headers)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )?;
    let mut body_row = transaction.prepare_cached("INSERT INTO body (seq, bytes) VALUES (?, ?)")?;
    for new in events {
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
            body_row.execute(params![transaction.last_insert_rowid(), &event.body[..]])?;
        }
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
