//! What operators ask for: quarantine, redelivery, lists and figures.

use chrono::{DateTime, Utc};
use rusqlite::{ToSql, Transaction, params};
use uuid::Uuid;

use super::{consume, rows};
use crate::{ConsumerStats, DeliveryState, Entry, Filter, Position, State, Stats};

/// Gives whether there is such an event.
pub(super) fn quarantine(
    transaction: &Transaction<'_>,
    id: Uuid,
    problem: &str,
) -> rusqlite::Result<bool> {
    let Some(seq) = consume::seq(transaction, id.as_bytes())? else {
        return Ok(false);
    };
    transaction.execute(
        "UPDATE event SET problem = ? WHERE seq = ?",
        params![problem, seq],
    )?;
    transaction.execute("DELETE FROM delivery WHERE seq = ?", [seq])?;
    Ok(true)
}

/// Gives whether there is such an event.
pub(super) fn release(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<bool> {
    let Some(seq) = consume::seq(transaction, id.as_bytes())? else {
        return Ok(false);
    };
    let released = transaction.execute(
        "UPDATE event SET problem = NULL WHERE seq = ? AND problem IS NOT NULL",
        [seq],
    )?;
    if released > 0 {
        // Consumers whose cursor has passed it would not see it.
        transaction.execute(
            "INSERT INTO delivery (consumer, seq, attempts, due_at)
             SELECT name, ?1, 0, ?2 FROM consumer WHERE cursor >= ?1",
            [seq, rows::now()],
        )?;
    }
    Ok(true)
}

pub(super) fn redeliver(
    transaction: &Transaction<'_>,
    consumer: &str,
    events: &[(Uuid, DateTime<Utc>)],
) -> rusqlite::Result<usize> {
    let mut redeliver = transaction.prepare_cached(
        "INSERT INTO delivery (consumer, seq, attempts, due_at)
         SELECT c.name, e.seq, 0, ?3 FROM consumer AS c, event AS e
         WHERE c.name = ?1 AND e.id = ?2 AND e.seq <= c.cursor AND e.problem IS NULL
         ON CONFLICT DO UPDATE SET attempts = 0, lease = NULL, due_at = excluded.due_at
         WHERE delivery.due_at IS NULL",
    )?;
    let mut count = 0;
    for (id, not_before) in events {
        count += redeliver.execute(params![
            consumer,
            id.as_bytes(),
            not_before.timestamp_micros()
        ])?;
    }
    Ok(count)
}

/// The state of `event AS e`: the first that holds.
const STATE: &str = "CASE
    WHEN e.problem IS NOT NULL THEN 'quarantined'
    WHEN EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq AND d.due_at IS NULL) THEN 'dead'
    WHEN EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq) THEN 'pending'
    WHEN e.seq <= (SELECT min(cursor) FROM consumer) THEN 'done'
    ELSE 'pending'
END";

pub(super) fn list(
    transaction: &Transaction<'_>,
    filter: &Filter,
    after: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut conditions = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut require = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        conditions.push(format!("{condition} ?{}", values.len()));
    };
    require("e.seq >", Box::new(after.map_or(0, |Position(seq)| seq)));
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
    let mut entries = transaction.prepare_cached(&format!(
        "SELECT {}, {STATE} AS state FROM event AS e JOIN body AS b USING (seq)
         WHERE {} ORDER BY e.seq LIMIT {limit}",
        rows::EVENT,
        conditions.join(" AND "),
    ))?;
    let mut rows = entries.query(rusqlite::params_from_iter(values))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = row.get("seq")?;
        let state: String = row.get("state")?;
        let state = State::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or(rusqlite::Error::InvalidColumnName(state))?;
        list.push(Entry {
            event: rows::event(row)?,
            position: Position(seq),
            state,
            problem: row.get("problem")?,
            deliveries: deliveries(transaction, seq)?,
        });
    }
    Ok(list)
}

fn deliveries(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<Vec<DeliveryState>> {
    let mut deliveries = transaction.prepare_cached(
        "SELECT consumer, attempts, due_at IS NULL, problem FROM delivery
         WHERE seq = ? ORDER BY consumer",
    )?;
    deliveries
        .query_map([seq], |row| {
            Ok(DeliveryState {
                consumer: row.get(0)?,
                attempts: row.get(1)?,
                is_dead: row.get(2)?,
                problem: row.get(3)?,
            })
        })?
        .collect()
}

pub(super) fn stats(transaction: &Transaction<'_>) -> rusqlite::Result<Stats> {
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
        Ok(Stats {
            events: row.get(0)?,
            bytes: row.get(1)?,
            oldest: oldest.map(rows::time).transpose()?,
            quarantined: row.get(3)?,
            consumers,
        })
    })
}
