//! Delivering events to a consumer, and what becomes of them.
//!
//! A consumer has a cursor, up to which every event was delivered to it, and a row for each delivery
//! that it has yet to acknowledge. Such a row is leased, waits for a retry, or is a dead letter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Transaction, params};
use tokio::time::{Instant, timeout};

use super::{Shared, block, rows, writer::Durability};
use crate::{
    consumer_name::ConsumerName,
    delivery::{Delivery, Outcome, Receipt},
    error::SubscribeError,
    inbox::{StartPosition, SubscribeOptions, Subscribed, Subscription},
};

/// How long to wait at most before looking for events that another process stored.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

pub(super) async fn subscribe(
    inbox: &Arc<Shared>,
    name: &ConsumerName,
    options: SubscribeOptions,
) -> Result<Subscribed, SubscribeError> {
    let consumer = name.clone();
    let is_new = inbox
        .writer
        .submit(Durability::Synced, move |transaction| {
            create(transaction, &consumer, options.start)
        })
        .await
        .map_err(|source| inbox.subscribe_error("subscribing", source))?;
    let consumer = name.clone();
    let (pending, is_paused) = inbox
        .reader
        .read(move |transaction| progress(transaction, &consumer))
        .await
        .map_err(|source| inbox.subscribe_error("subscribing", source))?;
    Ok(Subscribed {
        subscription: Box::new(SqliteSubscription {
            inbox: Arc::clone(inbox),
            name: name.clone(),
            lease: options.lease,
            fresh_next: Arc::default(),
        }),
        is_new,
        pending,
        is_paused,
    })
}

#[derive(Debug)]
struct SqliteSubscription {
    inbox: Arc<Shared>,
    name: ConsumerName,
    lease: Duration,
    /// Whether a single event is to be a new one, if there is one, as the last was a retry.
    fresh_next: Arc<AtomicBool>,
}

/// What a look for events found.
struct Found {
    deliveries: Vec<Delivery>,
    /// When the next retry is due or lease ends, in microseconds since 1970.
    next_due: Option<i64>,
}

impl SqliteSubscription {
    fn error(
        &self,
        action: &'static str,
        source: impl Into<crate::error::BoxError>,
    ) -> SubscribeError {
        self.inbox.subscribe_error(action, source)
    }
}

#[async_trait]
impl Subscription for SqliteSubscription {
    async fn receive(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, SubscribeError> {
        let deadline = Instant::now() + wait;
        loop {
            let committed = self.inbox.committed.notified();
            tokio::pin!(committed);
            // From here on no arrival is missed.
            committed.as_mut().enable();
            let (name, lease) = (self.name.clone(), self.lease);
            let fresh_next = Arc::clone(&self.fresh_next);
            let found = self
                .inbox
                .writer
                .submit(Durability::Written, move |transaction| {
                    receive(transaction, &name, limit, lease, &fresh_next)
                })
                .await
                .map_err(|source| self.error("receiving events", source))?;
            let Some(found) = found else {
                return Err(SubscribeError::Removed {
                    inbox: self.inbox.name(),
                    consumer: self.name.to_string(),
                });
            };
            let now = Instant::now();
            if !found.deliveries.is_empty() || now >= deadline {
                return Ok(found.deliveries);
            }
            let until_due = found.next_due.map(|due_at| due_at - rows::now());
            let until_due = until_due.map(|micros| u64::try_from(micros).unwrap_or_default());
            let pause = POLL_INTERVAL
                .min(deadline - now)
                .min(until_due.map_or(POLL_INTERVAL, Duration::from_micros));
            // Whether it was an arrival or the time, it looks again.
            let _ = timeout(pause, committed).await;
        }
    }

    async fn extend(&self, receipts: Vec<Receipt>) -> Result<(), SubscribeError> {
        let (name, lease) = (self.name.clone(), self.lease);
        self.inbox
            .writer
            .submit(Durability::Written, move |transaction| {
                extend(transaction, &name, &receipts, lease)
            })
            .await
            .map_err(|source| self.error("extending leases", source))
    }

    async fn settle(&self, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), SubscribeError> {
        let name = self.name.clone();
        self.inbox
            .writer
            .submit(Durability::Written, move |transaction| {
                settle(transaction, &name, &outcomes)
            })
            .await
            .map_err(|source| self.error("settling deliveries", source))
    }
}

/// Creates a consumer, and returns whether it did not exist.
pub(super) fn create(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    start: StartPosition,
) -> rusqlite::Result<bool> {
    if place(transaction, name)?.is_some() {
        return Ok(false);
    }
    let newest = "(SELECT coalesce(max(seq), 0) FROM event)";
    let cursor: i64 = match start {
        StartPosition::Beginning => 0,
        StartPosition::Now => {
            transaction.query_row(&format!("SELECT {newest}"), [], |row| row.get(0))?
        }
        StartPosition::At(time) => transaction.query_row(
            &format!(
                "SELECT coalesce(
                     (SELECT seq - 1 FROM event NOT INDEXED
                         WHERE received_at >= ?1
                             AND seq >= (SELECT block << 10 FROM event_block
                                 WHERE newest >= ?1 ORDER BY block LIMIT 1)
                         ORDER BY seq LIMIT 1),
                     {newest})"
            ),
            [time.timestamp_micros()],
            |row| row.get(0),
        )?,
    };
    transaction.execute(
        "INSERT INTO consumer (name, cursor) VALUES (?, ?)",
        params![name.as_str(), cursor],
    )?;
    Ok(true)
}

/// The cursor of a consumer, and whether it is paused.
fn place(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
) -> rusqlite::Result<Option<(i64, bool)>> {
    transaction
        .prepare_cached("SELECT cursor, is_paused FROM consumer WHERE name = ?")?
        .query_row([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// The number of events that a consumer has yet to acknowledge, and whether it is paused.
fn progress(transaction: &Transaction<'_>, name: &ConsumerName) -> rusqlite::Result<(u64, bool)> {
    let pending = block::PENDING;
    transaction.query_row(
        &format!("SELECT {pending}, is_paused FROM consumer WHERE name = ?"),
        [name.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Delivers events, or returns `None` if there is no such consumer.
fn receive(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    limit: usize,
    lease: Duration,
    fresh_next: &AtomicBool,
) -> rusqlite::Result<Option<Found>> {
    let Some((cursor, is_paused)) = place(transaction, name)? else {
        return Ok(None);
    };
    if is_paused {
        // Whoever waits looks again before long.
        return Ok(Some(Found {
            deliveries: Vec::new(),
            next_due: None,
        }));
    }
    let deliver = |row: Row| deliver(transaction, name, row, lease);
    if let Some(row) = after_crash(transaction, name)? {
        let deliveries = vec![deliver(row)?];
        return Ok(Some(Found {
            deliveries,
            next_due: None,
        }));
    }
    let retries = retries(transaction, name, limit)?;
    let fresh = fresh(transaction, cursor, limit)?;
    if fresh.is_empty() && limit > 0 {
        skip_quarantined(transaction, name)?;
    }
    let (retries, fresh) = share(limit, retries, fresh, fresh_next);
    if let Some(last) = fresh.last() {
        transaction
            .prepare_cached("UPDATE consumer SET cursor = ? WHERE name = ?")?
            .execute(params![last.seq, name.as_str()])?;
    }
    let rows = retries.into_iter().chain(fresh);
    let deliveries: Vec<_> = rows.map(deliver).collect::<rusqlite::Result<_>>()?;
    let next_due = if deliveries.is_empty() {
        next_due(transaction, name)?
    } else {
        None
    };
    Ok(Some(Found {
        deliveries,
        next_due,
    }))
}

/// An event to deliver.
#[derive(Clone, Copy)]
struct Row {
    seq: i64,
    /// How often it was delivered before.
    attempts: u32,
    after_crash: bool,
}

/// Divides a batch between retries and new events: half each, or all for those that are alone.
fn share(
    limit: usize,
    mut retries: Vec<Row>,
    mut fresh: Vec<Row>,
    fresh_next: &AtomicBool,
) -> (Vec<Row>, Vec<Row>) {
    if !retries.is_empty() && !fresh.is_empty() {
        let fresh_share = if limit == 1 && !fresh_next.load(Ordering::Relaxed) {
            0
        } else {
            limit.div_ceil(2)
        };
        retries.truncate(limit - fresh_share.min(fresh.len()));
    }
    fresh.truncate(limit - retries.len());
    fresh_next.store(!retries.is_empty(), Ordering::Relaxed);
    (retries, fresh)
}

/// An event whose lease ran out, with no outcome reported.
fn after_crash(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
) -> rusqlite::Result<Option<Row>> {
    let mut expired = transaction.prepare_cached(
        "SELECT seq, attempts FROM delivery
         WHERE consumer = ? AND lease IS NOT NULL AND due_at <= ? ORDER BY due_at, seq LIMIT 1",
    )?;
    expired
        .query_row(params![name.as_str(), rows::now()], |row| {
            Ok(Row {
                seq: row.get(0)?,
                attempts: row.get(1)?,
                after_crash: true,
            })
        })
        .optional()
}

fn retries(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    limit: usize,
) -> rusqlite::Result<Vec<Row>> {
    let mut due = transaction.prepare_cached(
        "SELECT seq, attempts FROM delivery
         WHERE consumer = ? AND due_at <= ? AND lease IS NULL ORDER BY due_at, seq LIMIT ?",
    )?;
    due.query_map(params![name.as_str(), rows::now(), limit], |row| {
        Ok(Row {
            seq: row.get(0)?,
            attempts: row.get(1)?,
            after_crash: false,
        })
    })?
    .collect()
}

/// What has yet to be delivered for the first time.
fn fresh(transaction: &Transaction<'_>, cursor: i64, limit: usize) -> rusqlite::Result<Vec<Row>> {
    let mut next = transaction.prepare_cached(
        "SELECT seq FROM event WHERE seq > ? AND problem IS NULL ORDER BY seq LIMIT ?",
    )?;
    next.query_map(params![cursor, limit], |row| {
        Ok(Row {
            seq: row.get(0)?,
            attempts: 0,
            after_crash: false,
        })
    })?
    .collect()
}

/// Moves a consumer to the end where nothing but quarantined events is left, so that the next look for
/// new ones does not go through them again. If they are requeued, it receives them all the same.
fn skip_quarantined(transaction: &Transaction<'_>, name: &ConsumerName) -> rusqlite::Result<()> {
    let mut skip = transaction.prepare_cached(
        "UPDATE consumer SET cursor = (SELECT max(seq) FROM event)
         WHERE name = ? AND cursor < (SELECT max(seq) FROM event)",
    )?;
    skip.execute([name.as_str()])?;
    Ok(())
}

fn next_due(transaction: &Transaction<'_>, name: &ConsumerName) -> rusqlite::Result<Option<i64>> {
    let mut next = transaction.prepare_cached(
        "SELECT min(due_at) FROM (
             SELECT min(due_at) AS due_at FROM delivery
             WHERE consumer = ?1 AND due_at IS NOT NULL AND lease IS NULL
             UNION ALL
             SELECT min(due_at) FROM delivery WHERE consumer = ?1 AND lease IS NOT NULL
         )",
    )?;
    next.query_row([name.as_str()], |row| row.get(0))
}

fn deliver(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    row: Row,
    lease: Duration,
) -> rusqlite::Result<Delivery> {
    let Row {
        seq,
        attempts,
        after_crash,
    } = row;
    let attempt = attempts + 1;
    let mut delivery = transaction.prepare_cached(
        "INSERT INTO delivery (consumer, seq, attempts, lease, due_at)
         VALUES (?, ?, ?, random(), ?)
         ON CONFLICT DO UPDATE
         SET attempts = excluded.attempts, lease = excluded.lease, due_at = excluded.due_at
         RETURNING lease",
    )?;
    let until = rows::after(lease);
    let token: i64 = delivery.query_row(params![name.as_str(), seq, attempt, until], |row| {
        row.get(0)
    })?;
    let mut event = transaction.prepare_cached(&format!(
        "SELECT {} FROM event AS e JOIN body AS b USING (seq) WHERE seq = ?",
        rows::EVENT
    ))?;
    let event = event.query_row([seq], rows::event)?;
    Ok(Delivery::new(event, attempt, receipt(seq, token)).after_crash(after_crash))
}

fn extend(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    receipts: &[Receipt],
    lease: Duration,
) -> rusqlite::Result<()> {
    let mut extend = transaction.prepare_cached(
        "UPDATE delivery SET due_at = ?4 WHERE consumer = ?1 AND seq = ?2 AND lease = ?3",
    )?;
    let until = rows::after(lease);
    for (seq, token) in receipts.iter().filter_map(parse) {
        extend.execute(params![name.as_str(), seq, token, until])?;
    }
    Ok(())
}

fn settle(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
    outcomes: &[(Receipt, Outcome)],
) -> rusqlite::Result<()> {
    const THIS: &str = "WHERE consumer = ?1 AND seq = ?2 AND lease = ?3";
    let name = name.as_str();
    for (receipt, outcome) in outcomes {
        let Some((seq, token)) = parse(receipt) else {
            // Of another inbox.
            continue;
        };
        match outcome {
            Outcome::Done => transaction
                .prepare_cached(&format!("DELETE FROM delivery {THIS}"))?
                .execute(params![name, seq, token])?,
            Outcome::Retry { delay, problem } => transaction
                .prepare_cached(&format!(
                    "UPDATE delivery SET lease = NULL, due_at = ?4, problem = ?5 {THIS}"
                ))?
                .execute(params![name, seq, token, rows::after(*delay), problem])?,
            Outcome::Dead { problem } => transaction
                .prepare_cached(&format!(
                    "UPDATE delivery SET lease = NULL, due_at = NULL, problem = ?4 {THIS}"
                ))?
                .execute(params![name, seq, token, problem])?,
            Outcome::Released => transaction
                .prepare_cached(&format!(
                    "UPDATE delivery SET lease = NULL, due_at = ?4, attempts = attempts - 1 {THIS}"
                ))?
                .execute(params![name, seq, token, rows::now()])?,
        };
    }
    Ok(())
}

/// The row of the delivery, and which delivery of it.
fn receipt(seq: i64, token: i64) -> Receipt {
    Receipt::new(format!("{seq} {token}"))
}

fn parse(receipt: &Receipt) -> Option<(i64, i64)> {
    let (seq, token) = receipt.as_str().split_once(' ')?;
    Some((seq.parse().ok()?, token.parse().ok()?))
}
