//! Rows as values, and back.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, Transaction, types::Type};
use uuid::Uuid;

use super::block;
use crate::{
    event::{Digest, Event},
    stored::Position,
};

/// The columns that [`event`] reads, of `event AS e` joined with `body AS b`.
pub(super) const EVENT: &str =
    "e.seq, e.id, e.received_at, e.operation, e.digest, e.headers, bytes, e.problem";

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: Uuid::from_bytes(row.get("id")?),
        received_at: time(row.get("received_at")?)?,
        operation: row.get("operation")?,
        digest: Digest::from(row.get::<_, [u8; 32]>("digest")?),
        headers: headers(row.get::<_, Option<String>>("headers")?.as_deref())?,
        body: Bytes::from(row.get::<_, Vec<u8>>("bytes")?),
    })
}

fn headers(json: Option<&str>) -> rusqlite::Result<BTreeMap<String, String>> {
    Event::headers_from_json(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

/// The key of the event of an id.
pub(super) fn seq(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached("SELECT seq FROM event WHERE id = ?")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()
}

/// Deletes what `subject` says about events that are deleted. They are of one block, in order.
pub(super) fn delete_subjects(transaction: &Transaction<'_>, seqs: &[i64]) -> rusqlite::Result<()> {
    let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else {
        return Ok(());
    };
    transaction
        .prepare_cached(
            "DELETE FROM subject WHERE block = ?1 AND seq BETWEEN ?2 AND ?3
             AND NOT EXISTS (SELECT 1 FROM event WHERE event.seq = subject.seq)",
        )?
        .execute([block::of(*first), *first, *last])?;
    Ok(())
}

/// A position as a key.
pub(super) fn position(position: Position) -> i64 {
    i64::try_from(position.get()).unwrap_or(i64::MAX)
}

pub(super) fn time(micros: i64) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, micros))
}

/// Now, in microseconds since 1970.
pub(super) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// The time `delay` from now, in microseconds since 1970.
pub(super) fn after(delay: Duration) -> i64 {
    let delay = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    now().saturating_add(delay)
}
