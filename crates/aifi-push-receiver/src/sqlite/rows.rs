//! Rows as values of ours, and back.

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::Row;
use uuid::Uuid;

use crate::{Digest, Event};

/// The columns that [`event`] reads, of `event AS e` joined with `body AS b`.
pub(super) const EVENT: &str =
    "e.seq, e.id, e.received_at, e.operation, e.digest, b.bytes, e.problem";

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: Uuid::from_bytes(row.get("id")?),
        received_at: time(row.get("received_at")?)?,
        operation: row.get("operation")?,
        digest: Digest::from(row.get::<_, [u8; 32]>("digest")?),
        body: Bytes::from(row.get::<_, Vec<u8>>("bytes")?),
    })
}

pub(super) fn time(micros: i64) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, micros))
}

/// Now, in microseconds since 1970.
pub(super) fn now() -> i64 {
    Utc::now().timestamp_micros()
}
