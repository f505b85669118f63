//! Handing out events, and what becomes of them.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};

use super::rows;
use crate::{Delivery, Outcome, Receipt};

/// Whether [`take`] would find something, or has yet to register the consumer.
pub(super) fn is_due(transaction: &Transaction<'_>, consumer: &str) -> rusqlite::Result<bool> {
    let mut is_due = transaction.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE consumer = ?1 AND due_at <= ?2)
             OR EXISTS (
                 SELECT 1 FROM event
                 WHERE seq > (SELECT cursor FROM consumer WHERE name = ?1) AND problem IS NULL
             )
             OR NOT EXISTS (SELECT 1 FROM consumer WHERE name = ?1)",
    )?;
    is_due.query_row(params![consumer, rows::now()], |row| row.get(0))
}

pub(super) fn take(
    transaction: &Transaction<'_>,
    consumer: &str,
    limit: usize,
    lease: Duration,
) -> rusqlite::Result<Vec<Delivery>> {
    transaction
        .prepare_cached("INSERT INTO consumer (name, cursor) VALUES (?, 0) ON CONFLICT DO NOTHING")?
        .execute([consumer])?;
    let mut due = due(transaction, consumer, limit)?;
    match due.first() {
        // It failed before: it comes alone.
        Some((_, 1..)) => due.truncate(1),
        _ => {
            let fresh = due.iter().position(|(_, attempts)| *attempts > 0);
            due.truncate(fresh.unwrap_or(due.len()));
            let new = advance(transaction, consumer, limit - due.len())?;
            due.extend(new.into_iter().map(|seq| (seq, 0)));
        }
    }
    due.into_iter()
        .map(|(seq, attempts)| hand_out(transaction, consumer, seq, attempts + 1, lease))
        .collect()
}

/// What was handed out before and comes again, with the attempts so far.
fn due(
    transaction: &Transaction<'_>,
    consumer: &str,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, u32)>> {
    let mut due = transaction.prepare_cached(
        "SELECT seq, attempts FROM delivery
         WHERE consumer = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?",
    )?;
    due.query_map(params![consumer, rows::now(), limit], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .collect()
}

/// What the consumer has not yet been handed. Moves its cursor past it.
fn advance(
    transaction: &Transaction<'_>,
    consumer: &str,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    let mut next = transaction.prepare_cached(
        "SELECT seq FROM event
         WHERE seq > (SELECT cursor FROM consumer WHERE name = ?) AND problem IS NULL
         ORDER BY seq LIMIT ?",
    )?;
    let next: Vec<i64> = next
        .query_map(params![consumer, limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some(last) = next.last() {
        transaction
            .prepare_cached("UPDATE consumer SET cursor = ? WHERE name = ?")?
            .execute(params![last, consumer])?;
    }
    Ok(next)
}

fn hand_out(
    transaction: &Transaction<'_>,
    consumer: &str,
    seq: i64,
    attempt: u32,
    lease: Duration,
) -> rusqlite::Result<Delivery> {
    let mut delivery = transaction.prepare_cached(
        "INSERT INTO delivery (consumer, seq, attempts, lease, due_at)
         VALUES (?, ?, ?, random(), ?)
         ON CONFLICT DO UPDATE
         SET attempts = excluded.attempts, lease = excluded.lease, due_at = excluded.due_at
         RETURNING lease",
    )?;
    let lease = delivery.query_row(params![consumer, seq, attempt, after(lease)], |row| {
        row.get(0)
    })?;
    let mut event = transaction.prepare_cached(&format!(
        "SELECT {} FROM event AS e JOIN body AS b USING (seq) WHERE seq = ?",
        rows::EVENT
    ))?;
    Ok(Delivery {
        event: event.query_row([seq], rows::event)?,
        attempt,
        receipt: receipt(seq, lease),
    })
}

pub(super) fn settle(
    transaction: &Transaction<'_>,
    consumer: &str,
    outcomes: &[(Receipt, Outcome)],
) -> rusqlite::Result<()> {
    const THIS: &str = "WHERE consumer = ?1 AND seq = ?2 AND lease = ?3";
    let (done, retry, dead, untouched) = (
        format!("DELETE FROM delivery {THIS}"),
        format!("UPDATE delivery SET lease = NULL, due_at = ?4, problem = ?5 {THIS}"),
        format!("UPDATE delivery SET lease = NULL, due_at = NULL, problem = ?4 {THIS}"),
        format!("UPDATE delivery SET lease = NULL, due_at = ?4, attempts = attempts - 1 {THIS}"),
    );
    for (receipt, outcome) in outcomes {
        let Some((seq, lease)) = row(receipt) else {
            // Of another inbox.
            continue;
        };
        match outcome {
            Outcome::Done => transaction
                .prepare_cached(&done)?
                .execute(params![consumer, seq, lease])?,
            Outcome::Retry { delay, problem } => transaction
                .prepare_cached(&retry)?
                .execute(params![consumer, seq, lease, after(*delay), problem])?,
            Outcome::Dead { problem } => transaction
                .prepare_cached(&dead)?
                .execute(params![consumer, seq, lease, problem])?,
            Outcome::Untouched => transaction.prepare_cached(&untouched)?.execute(params![
                consumer,
                seq,
                lease,
                rows::now()
            ])?,
        };
    }
    Ok(())
}

/// Which row of deliveries it is, and which hand-out of it.
fn receipt(seq: i64, lease: i64) -> Receipt {
    Receipt(format!("{seq} {lease}"))
}

fn row(receipt: &Receipt) -> Option<(i64, i64)> {
    let (seq, lease) = receipt.0.split_once(' ')?;
    Some((seq.parse().ok()?, lease.parse().ok()?))
}

/// The time `delay` from now, in microseconds since 1970.
fn after(delay: Duration) -> i64 {
    let delay = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    rows::now().saturating_add(delay)
}

/// The key of the event with an id.
pub(super) fn seq(transaction: &Transaction<'_>, id: &[u8; 16]) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached("SELECT seq FROM event WHERE id = ?")?
        .query_row([id], |row| row.get(0))
        .optional()
}
