//! What operators ask for: lists and counts, redelivery, deleting.

use chrono::{DateTime, Utc};
use rusqlite::{ToSql, Transaction, params};
use uuid::Uuid;

use super::rows;
use crate::{
    consumer_name::ConsumerName,
    stats::{ConsumerStats, InboxStats},
    stored::{DeliveryStatus, EventFilter, EventState, Position, StoredEvent},
};

/// Returns the number of events that were quarantined or dead.
pub(super) fn requeue(transaction: &Transaction<'_>, ids: &[Uuid]) -> rusqlite::Result<u64> {
    let mut accept = transaction
        .prepare_cached("UPDATE event SET problem = NULL WHERE seq = ? AND problem IS NOT NULL")?;
    // Consumers whose cursor has passed it would not receive it.
    let mut deliver = transaction.prepare_cached(
        "INSERT INTO delivery (consumer, seq, attempts, due_at)
         SELECT name, ?1, 0, ?2 FROM consumer WHERE cursor >= ?1",
    )?;
    let mut revive = transaction.prepare_cached(
        "UPDATE delivery SET attempts = 0, due_at = ?2 WHERE seq = ?1 AND due_at IS NULL",
    )?;
    let mut count = 0;
    for id in ids {
        let Some(seq) = rows::seq(transaction, *id)? else {
            continue;
        };
        let was_quarantined = accept.execute([seq])? > 0;
        if was_quarantined {
            deliver.execute(params![seq, rows::now()])?;
        }
        let was_dead = revive.execute(params![seq, rows::now()])? > 0;
        count += u64::from(was_quarantined || was_dead);
    }
    Ok(count)
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
    let deleted = transaction.execute("DELETE FROM event WHERE id = ?", [id.as_bytes()])?;
    Ok(deleted > 0)
}

/// Returns whether there was such a consumer.
pub(super) fn remove_consumer(
    transaction: &Transaction<'_>,
    name: &ConsumerName,
) -> rusqlite::Result<bool> {
    let deleted = transaction.execute("DELETE FROM consumer WHERE name = ?", [name.as_str()])?;
    Ok(deleted > 0)
}

/// The state of `event AS e`: the first condition that is true.
const STATE: &str = "CASE
    WHEN e.problem IS NOT NULL THEN 'quarantined'
    WHEN EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq AND d.due_at IS NULL) THEN 'dead'
    WHEN EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq) THEN 'pending'
    WHEN e.seq <= (SELECT min(cursor) FROM consumer) THEN 'done'
    ELSE 'pending'
END";

pub(super) fn list(
    transaction: &Transaction<'_>,
    filter: &EventFilter,
    after: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Vec<StoredEvent>> {
    let mut conditions = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut require = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        conditions.push(format!("{condition} ?{}", values.len()));
    };
    require("e.seq >", Box::new(after.map_or(0, Position::get)));
    if let Some(id) = filter.id {
        require("e.id =", Box::new(*id.as_bytes()));
    }
    if let Some(since) = filter.since {
        require("e.received_at >=", Box::new(since.timestamp_micros()));
    }
    if let Some(until) = filter.until {
        require("e.received_at <", Box::new(until.timestamp_micros()));
    }
    if let Some(operation) = &filter.operation {
        require("e.operation =", Box::new(operation.clone()));
    }
    if let Some(state) = filter.state {
        require(&format!("{STATE} ="), Box::new(state.as_str()));
    }
    let mut events = transaction.prepare_cached(&format!(
        "SELECT {}, {STATE} AS state FROM event AS e JOIN body AS b USING (seq)
         WHERE {} ORDER BY e.seq LIMIT {limit}",
        rows::EVENT,
        conditions.join(" AND "),
    ))?;
    let mut rows = events.query(rusqlite::params_from_iter(values))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = row.get("seq")?;
        let position = Position::new(row.get("seq")?);
        let state: String = row.get("state")?;
        let state = EventState::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or(rusqlite::Error::InvalidColumnName(state))?;
        list.push(
            StoredEvent::new(rows::event(row)?, position)
                .state(state)
                .problem(row.get("problem")?)
                .deliveries(deliveries(transaction, seq)?),
        );
    }
    Ok(list)
}

fn deliveries(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<Vec<DeliveryStatus>> {
    let mut deliveries = transaction.prepare_cached(
        "SELECT consumer, attempts, due_at IS NULL, problem FROM delivery
         WHERE seq = ? ORDER BY consumer",
    )?;
    deliveries
        .query_map([seq], |row| {
            Ok(DeliveryStatus {
                consumer: row.get(0)?,
                attempts: row.get(1)?,
                is_dead: row.get(2)?,
                problem: row.get(3)?,
            })
        })?
        .collect()
}

pub(super) fn stats(transaction: &Transaction<'_>) -> rusqlite::Result<InboxStats> {
    let mut consumers = transaction.prepare_cached(
        "SELECT name,
             (SELECT count(*) FROM event WHERE seq > cursor AND problem IS NULL)
                 + (SELECT count(*) FROM delivery WHERE consumer = name AND due_at IS NOT NULL),
             (SELECT received_at FROM event
                 WHERE seq > cursor AND problem IS NULL ORDER BY seq LIMIT 1),
             (SELECT min(received_at) FROM event JOIN delivery USING (seq)
                 WHERE consumer = name AND due_at IS NOT NULL),
             (SELECT count(*) FROM delivery WHERE consumer = name AND due_at IS NULL)
         FROM consumer ORDER BY name",
    )?;
    let consumers = consumers
        .query_map([], |row| {
            let (unseen, seen): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
            let oldest = unseen.into_iter().chain(seen).min();
            Ok(ConsumerStats {
                name: row.get(0)?,
                pending: row.get(1)?,
                oldest_pending: oldest.map(rows::time).transpose()?,
                dead: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut totals = transaction.prepare_cached(
        "SELECT count(*), coalesce(sum(size), 0), min(received_at),
             (SELECT count(*) FROM event WHERE problem IS NOT NULL)
         FROM event",
    )?;
    totals.query_row([], |row| {
        let oldest: Option<i64> = row.get(2)?;
        Ok(InboxStats {
            events: row.get(0)?,
            bytes: row.get(1)?,
            oldest: oldest.map(rows::time).transpose()?,
            quarantined: row.get(3)?,
            consumers,
        })
    })
}
